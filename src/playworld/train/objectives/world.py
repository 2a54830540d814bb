"""What latent actions and dynamics minimise, trained together."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from playworld.models.actions import LatentActionModel
from playworld.models.base import DynamicsModel, Tokenizer
from playworld.models.pixels import to_float
from playworld.models.quantizer import Quantized, kmeans, sum_over_ranks
from playworld.train.distributed import from_first_rank, gather_ranks
from playworld.train.masking import Masking, corrupt, repeat_action, sample_mask
from playworld.train.objectives.objective import (
    Batch,
    Metrics,
    Objective,
    Seen,
    code_use,
    refuse_collapse,
)

STILL = 0.1
"""Share of the mean change that a transition counts as at least, when what is missed is weighed."""


@dataclass(frozen=True)
class WorldLoss:
    """How latent actions and dynamics are trained together."""

    masking: Masking = "history"
    """What a hidden frame sees of its past; see train/masking.py."""
    corrupt: float = 0.1
    """Up to this share of the past's tokens is replaced at random, so that errors are forgiven."""
    held_actions: float = 0.0
    """Share of the clips in which one action is repeated for longer than it lasted: people hold
    jump in mid-air and run against walls, and the dynamics learns what happens then."""
    warmup_fraction: float = 0.15
    """Share of the steps in which latent actions stay continuous before k-means cuts the codebook;
    0: codes from the first step on (the paper)."""
    warm_noise: float = 0.3
    """Noise on the continuous latents, in units of their radius per dimension."""
    action_weight: float = 1.0
    """Weight of the latent action model's losses beside the dynamics' cross-entropy; 0: it is
    finished, and only the dynamics learns."""

    def __post_init__(self) -> None:
        if not (0 <= self.corrupt < 1 and 0 <= self.warmup_fraction < 1 and self.warm_noise >= 0):
            raise ValueError(f"corrupt and warmup_fraction are shares in [0, 1), got {self}")
        if not 0 <= self.held_actions <= 1:
            raise ValueError(f"held_actions is a share in [0, 1], got {self.held_actions}")


class WorldObjective(Objective):
    """Latent actions from pixels; dynamics on tokens given those actions without their gradient.

    The latent action model keeps its own losses beside the dynamics' (Genie, section 2.2).
    """

    BUFFER_SIZE = 4_096
    """Latents of the warm-up that k-means sees."""
    latent_buffer: Tensor
    latents_stored: Tensor
    warm: Tensor

    def __init__(
        self,
        actions: LatentActionModel,
        dynamics: DynamicsModel,
        tokenizer: Tokenizer,
        loss: WorldLoss,
    ):
        super().__init__()
        self.actions, self.dynamics, self.weights = actions, dynamics, loss
        # The tokenizer is finished: a list keeps it out of parameters, optimizer and checkpoints.
        self._tokenizer = [tokenizer.eval().requires_grad_(False)]
        self.finished = loss.action_weight == 0
        actions.requires_grad_(not self.finished)
        code_size = actions.config.quantizer.code_size
        self.register_buffer("latent_buffer", torch.zeros(self.BUFFER_SIZE, code_size))
        self.register_buffer("latents_stored", torch.zeros((), dtype=torch.long))
        self.register_buffer("warm", torch.tensor(loss.warmup_fraction > 0 and not self.finished))
        self._seen = Seen()

    def forward(self, batch: Batch) -> tuple[Float[Tensor, ""], Metrics]:
        """Cross-entropy on the hidden tokens, plus the latent action model's losses."""
        video, draws = to_float(batch.video), batch.generators()
        hidden = self.sample_mask(batch, draws).to(video.device)  # the first draw, as in `totals`
        tokens = self.tokens(batch, video)
        view = self.view(video, tokens)
        totals = self._sums(view, hidden) if batch.totals is None else batch.totals
        share, change = len(video) / batch.clips, (totals[0] / batch.clips).clamp_min(1e-8)
        predicted, quantized = self.infer_actions(view, batch.generator, draws)
        error = share * self.action_error(predicted.float(), view, change)
        action_loss = error + share * quantized.loss
        past = self.corrupt_tokens(tokens, draws)
        scored = hidden[:, 1:].sum() / totals[1]
        repeated = self.repeat_actions(quantized, draws)
        loss, metrics = self.predict(tokens, hidden, past, repeated, video)
        metrics = {key: scored * value for key, value in metrics.items()}
        metrics |= {"change_error": error.detach(), "actions_loss": action_loss.detach()}
        metrics["quantizer_loss"] = share * quantized.loss.detach()
        return scored * loss + self.weights.action_weight * action_loss, metrics

    @torch.no_grad()
    def totals(self, batch: Batch) -> Float[Tensor, "2"]:
        """How much the clips change from frame to frame, and how many tokens are hidden."""
        video = to_float(batch.video)
        view = video
        if self.actions.config.tokens is not None:
            view = self.view(video, self.tokens(batch, video))
        return self._sums(view, self.sample_mask(batch, batch.generators()))

    def _sums(
        self, view: Float[Tensor, "B T H W C"], hidden: Bool[Tensor, "B T N"]
    ) -> Float[Tensor, "2"]:
        change = len(view) * F.mse_loss(self.known(view), view[:, 1:])
        return torch.stack([change, hidden.sum().to(change)])

    @torch.no_grad()
    def tokens(self, batch: Batch, video: Float[Tensor, "B T H W C"]) -> Int[Tensor, "B T L"]:
        """The tokens of the clips: cached, or made now."""
        return self._tokenizer[0].encode_pairs(video) if batch.tokens is None else batch.tokens

    @torch.no_grad()
    def view(
        self, video: Float[Tensor, "B T H W C"], tokens: Int[Tensor, "B T L"]
    ) -> Float[Tensor, "B T h w E"]:
        """What the latent action model looks at: pixels, or the codes of the tokens."""
        pixels = self.actions.config.tokens is None
        return video if pixels else self._tokenizer[0].code_grid(tokens)

    def sample_mask(self, batch: Batch, draws: list[torch.Generator]) -> Bool[Tensor, "B T N"]:
        """Which places are hidden in each clip, on the CPU."""
        shape = (1, batch.video.shape[1], self.dynamics.config.num_places)
        return torch.cat([sample_mask(self.weights.masking, shape, draw) for draw in draws])

    def corrupt_tokens(
        self, tokens: Int[Tensor, "B T L"], draws: list[torch.Generator]
    ) -> Int[Tensor, "B T L"]:
        """The tokens with some replaced at random."""
        most, codes = self.weights.corrupt, self.dynamics.config.num_codes
        blank = torch.full((1, *tokens.shape[1:]), -1)
        noise = torch.cat([corrupt(blank, most, codes, draw) for draw in draws])
        noise = noise.to(tokens.device)
        return torch.where(noise < 0, tokens, noise)

    def infer_actions(
        self,
        view: Float[Tensor, "B T H W C"],
        generator: torch.Generator,
        draws: list[torch.Generator],
    ) -> tuple[Float[Tensor, "B S H W C"], Quantized]:
        """Latent actions: continuous at first, then from the codebook that k-means cut.

        Blurred while they are continuous, so that the encoder learns to separate moves.
        """
        book, z = self.actions.quantizer, self.actions.encoder(view)
        if self.training and self.warm:
            z = book.scale(z.float())
            noise = torch.stack([torch.randn(z.shape[1:], generator=draw) for draw in draws])
            latents = z + self.weights.warm_noise * noise.to(z.device)
            quantized = Quantized(latents, book.nearest(z), z.new_zeros(()))
        else:
            quantized = book(z, generator)
        if self.training:
            self._seen.add(z, quantized.codes)
        return self.actions.decoder(self.known(view), quantized.latents), quantized

    def known(self, view: Float[Tensor, "B T H W C"]) -> Float[Tensor, "B S H W C"]:
        """What the latent action model decodes from, beside the action: the frames before."""
        return view[:, :-1]

    def action_error(
        self,
        predicted: Float[Tensor, "B S H W C"],
        view: Float[Tensor, "B T H W C"],
        change: Float[Tensor, ""],
    ) -> Float[Tensor, ""]:
        """How much the latent actions miss of each transition; see `relative_error`."""
        return relative_error(predicted, self.known(view), view[:, 1:], change)

    @torch.no_grad()
    def repeat_actions(
        self, actions: Quantized, draws: list[torch.Generator]
    ) -> Float[Tensor, "B S E"]:
        """The latent actions without their gradient, some repeated once there are codes."""
        share = self.weights.held_actions
        if share == 0 or actions.codes.shape[1] < 2 or (self.training and self.warm):
            return actions.latents.detach()
        repeated = [
            repeat_action(row, share, draw) for row, draw in zip(actions.codes, draws, strict=True)
        ]
        return self.actions.embed(torch.stack(repeated))

    def predict(
        self,
        tokens: Int[Tensor, "B T L"],
        hidden: Bool[Tensor, "B T N"],
        past: Int[Tensor, "B T L"],
        actions: Float[Tensor, "B S E"],
        video: Float[Tensor, "B T H W C"] | None = None,
    ) -> tuple[Float[Tensor, ""], Metrics]:
        """Cross-entropy of the hidden tokens of frames 1 to T-1; frame 0 is never scored."""
        if self.weights.masking == "history":
            logits = self.dynamics(tokens, hidden, actions, history=past)
        else:
            seen = torch.where(clean_context(hidden), past, tokens)
            logits = self.dynamics(seen, hidden, actions)
        scored, factors = hidden[:, 1:], self.dynamics.config.factors
        # Only hidden tokens are scored, so only they pass the cross-entropy.
        chosen = logits[scored].float().unflatten(-1, (factors, -1)).flatten(0, 1)
        truth = tokens[:, 1:].unflatten(-1, (-1, factors))[scored].flatten()
        loss = F.cross_entropy(chosen, truth)
        right = (chosen.detach().argmax(-1) == truth).float().mean()
        return loss, {"cross_entropy": loss.detach(), "accuracy": right}

    @torch.no_grad()
    def update_codebook(self, generator: torch.Generator, progress: float) -> Metrics:
        """Collect latents until k-means cuts the codebook, which from then on follows them."""
        book, (z, codes) = self.actions.quantizer, self._seen.take()
        if self.finished:
            count = torch.bincount(codes, minlength=book.config.num_codes)
            return {"codes_used": (sum_over_ranks(count) > 0).sum()}
        if not self.warm:
            return code_use(book, book.update_codebook(z, codes, generator))
        latents = gather_ranks(book.scale(z.float()), book.copies)[: self.BUFFER_SIZE]
        slots = (
            self.latents_stored + torch.arange(len(latents), device=z.device)
        ) % self.BUFFER_SIZE
        self.latent_buffer[slots] = latents
        self.latents_stored += len(latents)
        if progress >= self.weights.warmup_fraction:
            known = self.latent_buffer[: min(int(self.latents_stored), self.BUFFER_SIZE)]
            if len(known) >= book.config.num_codes:
                centres = kmeans(known, book.config.num_codes, generator)
                every = torch.arange(len(centres), device=z.device)
                book.reset_codes(every, from_first_rank(centres))
            self.warm.fill_(False)
        count = torch.bincount(codes, minlength=book.config.num_codes)
        return code_use(book, sum_over_ranks(count))

    def discard_step(self) -> None:
        """Drop the latents of the step."""
        self._seen.take()

    def check(self, metrics: dict[str, float], progress: float) -> None:
        """Stop loudly once the latent actions have collapsed."""
        if not (self.finished or bool(self.warm)):
            refuse_collapse("latent action", metrics, self.actions.config.num_actions, progress)


def relative_error(
    predicted: Float[Tensor, "B S H W C"],
    known: Float[Tensor, "B S H W C"],
    truth: Float[Tensor, "B S H W C"],
    change: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """What is missed of each transition, as a share of how much it changed; 1 is about a copy.

    A step to the side changes a tenth of what a fall does. In absolute errors it would hardly
    count, and codes would go to how fast things fall. `change`, the mean over all transitions,
    keeps those in which nothing moves from counting without limit.
    """
    missed = (predicted - truth).square().mean(dim=(2, 3, 4))
    moved = (truth - known).square().mean(dim=(2, 3, 4))
    return (missed / (moved + STILL * change)).mean()


def clean_context(hidden: Bool[Tensor, "B T N"]) -> Bool[Tensor, "B T 1"]:
    """Frames in which nothing is hidden: all that may be corrupted in a single stream."""
    return ~hidden.any(-1, keepdim=True)
