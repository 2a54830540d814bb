"""Loss of latent actions and dynamics, which are trained together."""

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
    StepLatents,
    code_use,
    refuse_collapse,
)

MIN_CHANGE = 0.1
"""Least change by which the error of a transition is divided, as a share of the mean change."""


@dataclass(frozen=True)
class WorldLoss:
    """How latent actions and dynamics are trained together."""

    masking: Masking = "history"
    """The past that the dynamics gets for a hidden frame; see train/masking.py."""
    corrupt: float = 0.1
    """Up to this share of the past's tokens is replaced at random, so that the dynamics tolerates
    its own errors."""
    held_actions: float = 0.0
    """Share of the clips in which one action is repeated for longer than it lasted: players hold
    jump in mid-air and run against walls, so the dynamics has to predict that too."""
    vain_actions: float = 0.0
    """Share of the clips in which, from some frame on, keys are pressed or let go that make no
    difference: jump in mid-air, a direction against a wall. Only for actions with gravity."""
    mirror: bool = False
    """Half of the clips are mirrored, left to right: what a video shows to one side is learned for
    both, and mirrored motion has the mirrored action. Only for worlds of changes."""
    own_rollouts: float = 0.0
    """Share of the clips that go on from the world's own pictures, with the changes that mend
    them; only for worlds of changes. See train/objectives/own_rollouts.py."""
    own_scenes: float = 0.0
    """Share of those frames whose scene moves as the world draws it, where that is nearly right;
    the next frame mends it."""
    warmup_fraction: float = 0.15
    """Share of the steps in which latent actions stay continuous before k-means cuts the codebook;
    0: codes from the first step on (the paper)."""
    warm_noise: float = 0.3
    """Noise on the continuous latents, in units of their radius per dimension."""
    action_weight: float = 1.0
    """Weight of the latent action model's losses beside the dynamics' cross-entropy; 0: it is
    frozen, and only the dynamics is trained."""

    def __post_init__(self) -> None:
        if not (0 <= self.corrupt < 1 and 0 <= self.warmup_fraction < 1 and self.warm_noise >= 0):
            raise ValueError(f"corrupt and warmup_fraction are shares in [0, 1), got {self}")
        for name in ("held_actions", "vain_actions", "own_rollouts", "own_scenes"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share in [0, 1], got {getattr(self, name)}")


class WorldObjective(Objective):
    """Latent actions from pixels; dynamics on tokens given those actions without their gradient.

    The latent action model keeps its own losses beside the dynamics' (Genie, section 2.2).
    """

    BUFFER_SIZE = 4_096
    """Latents of the warm-up that k-means is run on."""
    latent_buffer: Tensor
    latents_stored: Tensor
    in_warmup: Tensor

    def __init__(
        self,
        actions: LatentActionModel,
        dynamics: DynamicsModel,
        tokenizer: Tokenizer,
        loss: WorldLoss,
    ):
        super().__init__()
        self.actions, self.dynamics, self.loss_config = actions, dynamics, loss
        # The tokenizer is frozen: a list keeps it out of parameters, optimizer and checkpoints.
        self._tokenizer = [tokenizer.eval().requires_grad_(False)]
        self.actions_frozen = loss.action_weight == 0
        actions.requires_grad_(not self.actions_frozen)
        code_size = actions.config.quantizer.code_size
        self.register_buffer("latent_buffer", torch.zeros(self.BUFFER_SIZE, code_size))
        self.register_buffer("latents_stored", torch.zeros((), dtype=torch.long))
        warmup = loss.warmup_fraction > 0 and not self.actions_frozen
        self.register_buffer("in_warmup", torch.tensor(warmup))
        self._latents = StepLatents()

    def forward(self, batch: Batch) -> tuple[Float[Tensor, ""], Metrics]:
        """Cross-entropy on the hidden tokens, plus the latent action model's losses."""
        video, draws = to_float(batch.video), batch.generators()
        # The first draw, as in `normalizers`.
        hidden = self.sample_mask(batch, draws).to(video.device)
        tokens = self.tokens(batch, video)
        view = self.action_input(video, tokens)
        sums = self._normalizers(view, hidden) if batch.normalizers is None else batch.normalizers
        change_sum, hidden_count = sums
        share, change = len(video) / batch.clips, (change_sum / batch.clips).clamp_min(1e-8)
        predicted, quantized = self.infer_actions(view, batch.generator, draws)
        error = share * self.action_error(predicted.float(), view, change)
        action_loss = error + share * quantized.loss
        past = self.corrupt_tokens(tokens, draws)
        scored = hidden[:, 1:].sum() / hidden_count
        played = self.repeat_actions(self.press_in_vain(quantized, view, draws), draws)
        tokens, past, video = self.roll_out(tokens, past, played, video, draws)
        loss, metrics = self.token_loss(tokens, hidden, past, played, video)
        metrics = {key: scored * value for key, value in metrics.items()}
        metrics |= {"change_error": error.detach(), "actions_loss": action_loss.detach()}
        metrics["quantizer_loss"] = share * quantized.loss.detach()
        return scored * loss + self.loss_config.action_weight * action_loss, metrics

    @torch.no_grad()
    def normalizers(self, batch: Batch) -> Float[Tensor, "2"]:
        """Sums of the change from frame to frame and of the hidden tokens."""
        video = to_float(batch.video)
        view = video
        if self.actions.config.tokens is not None:
            view = self.action_input(video, self.tokens(batch, video))
        return self._normalizers(view, self.sample_mask(batch, batch.generators()))

    def _normalizers(
        self, view: Float[Tensor, "B T H W C"], hidden: Bool[Tensor, "B T N"]
    ) -> Float[Tensor, "2"]:
        change = len(view) * F.mse_loss(self.decoder_input(view), view[:, 1:])
        return torch.stack([change, hidden.sum().to(change)])

    @torch.no_grad()
    def tokens(self, batch: Batch, video: Float[Tensor, "B T H W C"]) -> Int[Tensor, "B T L"]:
        """The tokens of the clips: cached, or made now."""
        return self._tokenizer[0].encode_pairs(video) if batch.tokens is None else batch.tokens

    @torch.no_grad()
    def action_input(
        self, video: Float[Tensor, "B T H W C"], tokens: Int[Tensor, "B T L"]
    ) -> Float[Tensor, "B T h w E"]:
        """Input of the latent action model: pixels, or the codes of the tokens."""
        pixels = self.actions.config.tokens is None
        return video if pixels else self._tokenizer[0].code_grid(tokens)

    def sample_mask(self, batch: Batch, draws: list[torch.Generator]) -> Bool[Tensor, "B T N"]:
        """Which places are hidden in each clip, on the CPU."""
        shape = (1, batch.video.shape[1], self.dynamics.config.num_places)
        return torch.cat([sample_mask(self.loss_config.masking, shape, draw) for draw in draws])

    def corrupt_tokens(
        self, tokens: Int[Tensor, "B T L"], draws: list[torch.Generator]
    ) -> Int[Tensor, "B T L"]:
        """The tokens with some replaced at random."""
        most, codes = self.loss_config.corrupt, self.dynamics.config.num_codes
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
        if self.training and self.in_warmup:
            z = book.scale(z.float())
            noise = torch.stack([torch.randn(z.shape[1:], generator=draw) for draw in draws])
            latents = z + self.loss_config.warm_noise * noise.to(z.device)
            quantized = Quantized(latents, book.nearest(z), z.new_zeros(()))
        else:
            quantized = book(z, generator)
        if self.training:
            self._latents.add(z, quantized.codes)
        return self.actions.decoder(self.decoder_input(view), quantized.latents), quantized

    def decoder_input(self, view: Float[Tensor, "B T H W C"]) -> Float[Tensor, "B S H W C"]:
        """Input of the latent action decoder beside the action: the frames before."""
        return view[:, :-1]

    def action_error(
        self,
        predicted: Float[Tensor, "B S H W C"],
        view: Float[Tensor, "B T H W C"],
        change: Float[Tensor, ""],
    ) -> Float[Tensor, ""]:
        """Error of the frames that the latent actions decode to; see `relative_error`."""
        return relative_error(predicted, self.decoder_input(view), view[:, 1:], change)

    @torch.no_grad()
    def press_in_vain(
        self, actions: Quantized, view: Float[Tensor, "B T H W C"], draws: list[torch.Generator]
    ) -> Quantized:
        """The latent actions, some with others that make no difference."""
        return actions

    @torch.no_grad()
    def repeat_actions(
        self, actions: Quantized, draws: list[torch.Generator]
    ) -> Float[Tensor, "B S E"]:
        """The latent actions without their gradient, some repeated once there are codes."""
        share = self.loss_config.held_actions
        if share == 0 or actions.codes.shape[1] < 2 or (self.training and self.in_warmup):
            return actions.latents.detach()
        repeated = [
            repeat_action(row, share, draw) for row, draw in zip(actions.codes, draws, strict=True)
        ]
        return self.actions.embed(torch.stack(repeated))

    def roll_out(
        self,
        tokens: Int[Tensor, "B T L"],
        past: Int[Tensor, "B T L"],
        actions: Float[Tensor, "B S E"],
        video: Float[Tensor, "B T H W C"],
        draws: list[torch.Generator],
    ) -> tuple[Int[Tensor, "B T L"], Int[Tensor, "B T L"], Float[Tensor, "B T H W C"]]:
        """Tokens to predict, the past and the pictures; some may be of the world's own frames."""
        return tokens, past, video

    def token_loss(
        self,
        tokens: Int[Tensor, "B T L"],
        hidden: Bool[Tensor, "B T N"],
        past: Int[Tensor, "B T L"],
        actions: Float[Tensor, "B S E"],
        video: Float[Tensor, "B T H W C"] | None = None,
    ) -> tuple[Float[Tensor, ""], Metrics]:
        """Cross-entropy of the hidden tokens of frames 1 to T-1; frame 0 is never scored."""
        if self.loss_config.masking == "history":
            logits = self.dynamics(tokens, hidden, actions, history=past)
        else:
            corrupted = torch.where(clean_context(hidden), past, tokens)
            logits = self.dynamics(corrupted, hidden, actions)
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
        book, (z, codes) = self.actions.quantizer, self._latents.take()
        if self.actions_frozen:
            count = torch.bincount(codes, minlength=book.config.num_codes)
            return {"codes_used": (sum_over_ranks(count) > 0).sum()}
        if not self.in_warmup:
            return code_use(book, book.update_codebook(z, codes, generator))
        latents = gather_ranks(book.scale(z.float()), book.copies)[: self.BUFFER_SIZE]
        slots = (
            self.latents_stored + torch.arange(len(latents), device=z.device)
        ) % self.BUFFER_SIZE
        self.latent_buffer[slots] = latents
        self.latents_stored += len(latents)
        if progress >= self.loss_config.warmup_fraction:
            known = self.latent_buffer[: min(int(self.latents_stored), self.BUFFER_SIZE)]
            if len(known) >= book.config.num_codes:
                centres = kmeans(known, book.config.num_codes, generator)
                every = torch.arange(len(centres), device=z.device)
                book.reset_codes(every, from_first_rank(centres))
            self.in_warmup.fill_(False)
        count = torch.bincount(codes, minlength=book.config.num_codes)
        return code_use(book, sum_over_ranks(count))

    def discard_step(self) -> None:
        """Drop the latents of the step."""
        self._latents.take()

    def check_collapse(self, metrics: dict[str, float], progress: float) -> None:
        """Raise Collapsed once the latent actions have collapsed."""
        if not (self.actions_frozen or bool(self.in_warmup)):
            refuse_collapse("latent action", metrics, self.actions.config.num_actions, progress)


def relative_error(
    predicted: Float[Tensor, "B S H W C"],
    known: Float[Tensor, "B S H W C"],
    truth: Float[Tensor, "B S H W C"],
    change: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """Squared error of each transition as a share of its change; copying the frame gives about 1.

    A step to the side changes a tenth of what a fall does. Absolute errors would neglect it, and
    codes would be spent on speeds of falling. `change`, the mean over all transitions, bounds the
    weight of transitions in which nothing moves.
    """
    missed = (predicted - truth).square().mean(dim=(2, 3, 4))
    moved = (truth - known).square().mean(dim=(2, 3, 4))
    return (missed / (moved + MIN_CHANGE * change)).mean()


def clean_context(hidden: Bool[Tensor, "B T N"]) -> Bool[Tensor, "B T 1"]:
    """Frames in which nothing is hidden: the only ones that a single stream may corrupt."""
    return ~hidden.any(-1, keepdim=True)
