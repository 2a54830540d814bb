"""What is minimised: each objective is one module whose forward(batch) returns loss and metrics."""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn

from playworld.models.actions import LatentActionModel
from playworld.models.dynamics import Dynamics
from playworld.models.pixels import to_float
from playworld.models.quantizer import Quantized, VectorQuantizer, kmeans
from playworld.models.tokenizer import VideoTokenizer
from playworld.train.masking import Masking, corrupt, hide

Metrics = dict[str, Tensor]


@dataclass(frozen=True)
class Batch:
    """What one training step sees."""

    video: UInt8[Tensor, "B T H W C"]
    """Frames."""
    tokens: Int[Tensor, "B T N"] | None
    """Their cached tokens; None to tokenize live."""
    progress: float
    """Share of the stage's steps that is done, 0 to 1."""
    generator: torch.Generator
    """All randomness of the step, a pure function of seed, step and rank."""


class Collapsed(RuntimeError):
    """A codebook whose codes are hardly used: going on would waste the training."""


@dataclass(frozen=True)
class TokenizerLoss:
    """Weights of the tokenizer's loss; the quantiser adds its own commitment term."""

    l1: float = 1.0
    """Mean absolute error."""
    l2: float = 5.0
    """Mean squared error."""
    perceptual: float = 0.0
    """Perceptual term; needs `perceptual_weights`."""
    perceptual_weights: str | None = None
    """TorchScript file of a perceptual distance: (a, b) in [-1, 1], (M, 3, H, W) -> (M, ...)."""

    def __post_init__(self) -> None:
        if min(self.l1, self.l2, self.perceptual) < 0 or self.l1 + self.l2 == 0:
            raise ValueError(f"l1, l2 and perceptual are weights >= 0, l1 or l2 > 0, got {self}")
        if self.perceptual and not (
            self.perceptual_weights and Path(self.perceptual_weights).is_file()
        ):
            raise ValueError(
                f"the perceptual term needs a TorchScript file, got {self.perceptual_weights!r}"
            )


class TokenizerObjective(nn.Module):
    """Reconstruction of the video through the token bottleneck."""

    def __init__(self, tokenizer: VideoTokenizer, loss: TokenizerLoss):
        super().__init__()
        self.tokenizer = tokenizer
        self.weights = loss
        # Kept out of the module tree: its weights are neither trained nor saved.
        self._perceptual = [torch.jit.load(loss.perceptual_weights)] if loss.perceptual else []

    def forward(self, batch: Batch) -> tuple[Float[Tensor, ""], Metrics]:
        """L1, L2, optional perceptual term, commitment."""
        video = to_float(batch.video)
        output, quantized = self.tokenizer(video, batch.generator)
        output = output.float()
        mse = F.mse_loss(output, video)
        loss = self.weights.l1 * F.l1_loss(output, video) + self.weights.l2 * mse + quantized.loss
        metrics = {"psnr": -10 * mse.detach().log10()}
        if self._perceptual:
            pairs = (t.flatten(0, 1).permute(0, 3, 1, 2) * 2 - 1 for t in (output, video))
            distance = self._perceptual[0](*pairs).mean()
            loss = loss + self.weights.perceptual * distance
            metrics["perceptual"] = distance.detach()
        return loss, metrics | code_use(self.tokenizer.quantizer, quantized)

    def check(self, metrics: dict[str, float], progress: float) -> None:
        """Stop loudly once the codebook has collapsed (after a tenth of the training)."""
        refuse_collapse("tokenizer", metrics, self.tokenizer.config.num_codes, progress)


@dataclass(frozen=True)
class WorldLoss:
    """How latent actions and dynamics are trained together."""

    masking: Masking = "history"
    """What a hidden frame sees of its past; see train/masking.py."""
    corrupt: float = 0.1
    """Up to this share of the past's tokens is replaced at random, so that errors are forgiven."""
    warm_share: float = 0.15
    """Share of the steps in which latent actions stay continuous before k-means cuts the codebook;
    0: codes from the first step on (the paper)."""
    warm_noise: float = 0.3
    """Noise on the continuous latents, in units of their radius per dimension."""
    action_weight: float = 1.0
    """Weight of the latent action model's losses beside the dynamics' cross-entropy."""

    def __post_init__(self) -> None:
        if not (0 <= self.corrupt < 1 and 0 <= self.warm_share < 1 and self.warm_noise >= 0):
            raise ValueError(f"corrupt and warm_share are shares in [0, 1), got {self}")


class WorldObjective(nn.Module):
    """Latent actions from pixels; dynamics on tokens given those actions without their gradient.

    The latent action model keeps its own losses beside the dynamics' (Genie, section 2.2).
    """

    STASH = 4_096
    stash: Tensor
    stashed: Tensor
    warm: Tensor

    def __init__(
        self,
        actions: LatentActionModel,
        dynamics: Dynamics,
        tokenizer: VideoTokenizer,
        loss: WorldLoss,
    ):
        super().__init__()
        self.actions, self.dynamics, self.weights = actions, dynamics, loss
        # The tokenizer is finished: a list keeps it out of parameters, optimizer and checkpoints.
        self._tokenizer = [tokenizer.eval().requires_grad_(False)]
        self.register_buffer("stash", torch.zeros(self.STASH, actions.config.quantizer.code_size))
        self.register_buffer("stashed", torch.zeros((), dtype=torch.long))
        self.register_buffer("warm", torch.tensor(loss.warm_share > 0))

    def forward(self, batch: Batch) -> tuple[Float[Tensor, ""], Metrics]:
        """Cross-entropy on the hidden tokens, plus the latent action model's losses."""
        video = to_float(batch.video)
        predicted, quantized = self.act(video, batch)
        change = F.mse_loss(video[:, :-1], video[:, 1:]).clamp_min(1e-8)
        error = F.mse_loss(predicted.float(), video[:, 1:])
        action_loss = error / change.detach() + quantized.loss
        tokens = batch.tokens
        if tokens is None:
            with torch.no_grad():
                tokens = self._tokenizer[0].encode(video)
        loss, metrics = self.predict(tokens, quantized.latents.detach(), batch.generator)
        metrics |= {"change_error": (error / change).detach(), "actions_loss": action_loss.detach()}
        metrics |= code_use(self.actions.quantizer, quantized)
        return loss + self.weights.action_weight * action_loss, metrics

    def act(
        self, video: Float[Tensor, "B T H W C"], batch: Batch
    ) -> tuple[Float[Tensor, "B S H W C"], Quantized]:
        """Latent actions: continuous at first, then from the codebook that k-means cuts."""
        if not self.training:
            return self.actions(video)
        if self.warm and batch.progress >= self.weights.warm_share:
            known = self.stash[: min(int(self.stashed), self.STASH)]
            if len(known) >= self.actions.config.num_actions:
                book = self.actions.quantizer
                centres = kmeans(known, book.config.num_codes, batch.generator)
                book.place(torch.arange(book.config.num_codes, device=centres.device), centres)
            self.warm.fill_(False)
        if not self.warm:
            return self.actions(video, batch.generator)
        predicted, quantized = self.actions(video, batch.generator, self.weights.warm_noise)
        latents = quantized.latents.detach().flatten(0, 1)[: self.STASH]
        if not torch.isfinite(latents).all():
            return predicted, quantized
        slots = (self.stashed + torch.arange(len(latents), device=latents.device)) % self.STASH
        self.stash[slots] = latents.float()
        self.stashed += len(latents)
        return predicted, quantized

    def predict(
        self,
        tokens: Int[Tensor, "B T N"],
        actions: Float[Tensor, "B S E"],
        generator: torch.Generator,
    ) -> tuple[Float[Tensor, ""], Metrics]:
        """Cross-entropy of the hidden tokens of frames 1 to T-1; frame 0 is never scored."""
        hidden = hide(self.weights.masking, tokens.shape, generator).to(tokens.device)
        past = corrupt(tokens, self.weights.corrupt, self.dynamics.config.num_codes, generator)
        if self.weights.masking == "history":
            logits = self.dynamics(tokens, hidden, actions, history=past)
        else:
            seen = torch.where(clean_context(hidden), past, tokens)
            logits = self.dynamics(seen, hidden, actions)
        scored = hidden[:, 1:].flatten()
        # Only hidden tokens are scored, so only they pass the cross-entropy.
        chosen, truth = logits.flatten(0, 2)[scored].float(), tokens[:, 1:].flatten()[scored]
        loss = F.cross_entropy(chosen, truth)
        right = (chosen.detach().argmax(-1) == truth).float().mean()
        return loss, {"cross_entropy": loss.detach(), "accuracy": right}

    def check(self, metrics: dict[str, float], progress: float) -> None:
        """Stop loudly once the latent actions have collapsed."""
        if not bool(self.warm):
            refuse_collapse("latent action", metrics, self.actions.config.num_actions, progress)


def clean_context(hidden: Bool[Tensor, "B T N"]) -> Bool[Tensor, "B T N"]:
    """Frames in which nothing is hidden: all that may be corrupted in a single stream."""
    return (~hidden.any(-1, keepdim=True)).expand_as(hidden)


def code_use(quantizer: VectorQuantizer, quantized: Quantized) -> Metrics:
    """Codes seen in this batch, the running perplexity, and the quantiser's loss."""
    used = quantized.codes.unique().numel()
    return {
        "codes_used": torch.tensor(float(used)),
        "perplexity": quantizer.perplexity(),
        "quantizer_loss": quantized.loss.detach(),
    }


def refuse_collapse(what: str, metrics: dict[str, float], num_codes: int, progress: float) -> None:
    """Raise Collapsed when, a tenth into the training, next to no code is used."""
    if progress > 0.1 and metrics["perplexity"] < max(1.05, num_codes / 200):
        raise Collapsed(
            f"the {what} codebook has collapsed: perplexity {metrics['perplexity']:.2f} of "
            f"{num_codes} codes. Lower the learning rate, raise revive_below, or check that the "
            "video moves."
        )
