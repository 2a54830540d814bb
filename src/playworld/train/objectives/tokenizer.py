"""What the tokenizer minimises."""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from playworld.models.pixels import to_float
from playworld.models.tokenizer import VideoTokenizer
from playworld.train.objectives.objective import (
    Batch,
    Metrics,
    Objective,
    StepLatents,
    code_use,
    refuse_collapse,
)


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


class TokenizerObjective(Objective):
    """Reconstruction of the video through the token bottleneck."""

    def __init__(self, tokenizer: VideoTokenizer, loss: TokenizerLoss):
        super().__init__()
        self.tokenizer = tokenizer
        self.loss_config = loss
        # Kept out of the module tree: its weights are neither trained nor saved.
        self._perceptual = [torch.jit.load(loss.perceptual_weights)] if loss.perceptual else []
        for parameter in (p for network in self._perceptual for p in network.parameters()):
            parameter.requires_grad = False
        self._latents = StepLatents()

    def forward(self, batch: Batch) -> tuple[Float[Tensor, ""], Metrics]:
        """L1, L2, optional perceptual term, commitment."""
        video, share = to_float(batch.video), len(batch.video) / batch.clips
        z = self.tokenizer.latents(video)
        quantized = self.tokenizer.quantizer(z, batch.generator)
        if self.training:
            self._latents.add(z, quantized.codes)
        output = self.tokenizer.pixels(quantized.latents).float()
        mse = (output - video).square().mean(dim=(2, 3, 4))  # of every frame
        loss = self.loss_config.l1 * F.l1_loss(output, video) + self.loss_config.l2 * mse.mean()
        loss = loss + quantized.loss
        psnr = -10 * mse.detach().clamp_min(1e-10).log10()
        metrics = {"psnr": psnr.mean(), "quantizer_loss": quantized.loss.detach()}
        if self._perceptual:
            pairs = (t.flatten(0, 1).permute(0, 3, 1, 2) * 2 - 1 for t in (output, video))
            distance = self._perceptual[0].to(output.device)(*pairs).mean()
            loss = loss + self.loss_config.perceptual * distance
            metrics["perceptual"] = distance.detach()
        return share * loss, {key: share * value for key, value in metrics.items()}

    def update_codebook(self, generator: torch.Generator, progress: float) -> Metrics:
        """The codebook follows the latents of the step."""
        count = self.tokenizer.quantizer.update_codebook(*self._latents.take(), generator)
        return code_use(self.tokenizer.quantizer, count)

    def discard_step(self) -> None:
        """Drop the latents of the step."""
        self._latents.take()

    def check_collapse(self, metrics: dict[str, float], progress: float) -> None:
        """Raise Collapsed once the codebook has collapsed (after a tenth of the training)."""
        refuse_collapse("tokenizer", metrics, self.tokenizer.config.num_codes, progress)
