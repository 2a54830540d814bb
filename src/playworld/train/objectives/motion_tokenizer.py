"""What the tokenizer of changes minimises: each frame from its own last one."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from playworld.models.motion.changes import BLEND, Changes
from playworld.models.motion.source import scene_vector
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.pixels import to_float
from playworld.train.objectives.first_scene import first_scene_loss, recoloured
from playworld.train.objectives.objective import Batch, Metrics, Objective, StepLatents, code_use


@dataclass(frozen=True)
class MotionTokenizerLoss:
    """Weights of the loss of the tokenizer of changes."""

    l1: float = 0.3
    """Mean absolute error."""
    l2: float = 10.0
    """Mean squared error."""
    unknown: float = 0.25
    """Share of the clips whose content codes are hidden from the filter: in play a new block may
    have none, and is made from what surrounds it."""
    vectors: int = 2_048
    """Blocks per step and process from which the codebooks learn."""

    def __post_init__(self) -> None:
        if min(self.l1, self.l2) < 0 or self.l1 + self.l2 == 0:
            raise ValueError(f"l1 and l2 are weights >= 0, one of them > 0, got {self}")
        if not 0 <= self.unknown < 1:
            raise ValueError(f"unknown is a share in [0, 1), got {self.unknown}")
        if self.vectors < 1:
            raise ValueError(f"vectors must be at least 1, got {self.vectors}")


class MotionTokenizerObjective(Objective):
    """The filter is trained on its own output, so that it gets its accumulated errors as input."""

    def __init__(self, tokenizer: MotionTokenizer, loss: MotionTokenizerLoss):
        super().__init__()
        self.tokenizer = tokenizer
        self.loss_config = loss
        self._latents = [StepLatents() for _ in tokenizer.books.stages]

    def forward(self, batch: Batch) -> tuple[Float[Tensor, ""], Metrics]:
        """L1 and L2 over the frames after the first, each decoded from the last decoded one."""
        video, share = batch.video, len(batch.video) / batch.clips
        frames = self.tokenizer.pad_to_blocks(to_float(video))
        draws = batch.generators()
        unknown = torch.stack([torch.rand((), generator=draw) for draw in draws])
        hide = (unknown < self.loss_config.unknown).to(video.device)
        residuals, losses, errors, new, scenes = [], [], [], [], []
        steps = self.tokenizer.unroll(frames, lambda changes: without_content(changes, hide))
        for (changes, residual, picture), frame in zip(steps, frames[:, 1:].unbind(1), strict=True):
            residuals.append(residual[changes.new])
            new.append(changes.new.float().mean())
            scenes.append(changes.scene)
            target = to_float(frame)
            losses.append(self._loss(picture - target))
            shown = picture.detach().clamp(0, 1)
            errors.append((shown - target).square().mean((1, 2, 3)))
        if self.training:
            self._collect(torch.cat(residuals), batch.generator)
        psnr = -10 * torch.stack(errors).clamp_min(1e-6).log10()
        metrics = {"psnr": psnr.mean(), "new_blocks": torch.stack(new).mean()}
        loss = torch.stack(losses).mean()
        if self.tokenizer.first_scene is not None:
            apart = self._separation(frames, torch.stack(scenes, dim=1), draws)
            loss, metrics["first_scene"] = loss + apart, apart.detach()
        return share * loss, {key: share * value for key, value in metrics.items()}

    def _separation(
        self,
        frames: UInt8[Tensor, "B T 3 h w"],
        scenes: Int[Tensor, "B S"],
        draws: list[torch.Generator],
    ) -> Float[Tensor, ""]:
        """`first_scene_loss` of one frame of each clip, by the motions of the scene.

        Half of the clips have other colours there: figures come in any.
        """
        assert self.tokenizer.first_scene is not None
        steps = scene_vector(scenes, self.tokenizer.config.reach)
        corners = F.pad(steps.cumsum(1), (0, 0, 1, 0))
        chosen = torch.cat([torch.randint(frames.shape[1], (1,), generator=draw) for draw in draws])
        pictures = to_float(frames)
        pictures = torch.stack([recoloured(*pair) for pair in zip(pictures, draws, strict=True)])
        network = self.tokenizer.first_scene
        return first_scene_loss(network, pictures, corners, chosen.to(frames.device))

    def _loss(self, difference: Float[Tensor, "B C H W"]) -> Float[Tensor, ""]:
        l1, l2 = difference.abs().mean(), difference.square().mean()
        return self.loss_config.l1 * l1 + self.loss_config.l2 * l2

    def _collect(self, left: Float[Tensor, "M pixels"], generator: torch.Generator) -> None:
        """Collect the residuals that each stage has to code: as many blocks in every process."""
        books, least = self.tokenizer.books, self.tokenizer.config.skip_below
        for stage, (latents, book) in enumerate(zip(self._latents, books.stages, strict=True)):
            if not len(left):  # nothing is left to code: any block will do
                left = left.new_zeros(1, left.shape[1])
            picks = torch.randint(len(left), (self.loss_config.vectors,), generator=generator)
            some = left[picks.to(left.device)]
            latents.add(some, book(some, generator).codes)
            left = left - book.lookup(book.nearest(left))
            left = left[books.visible(left, stage + 1, least)]

    def update_codebook(self, generator: torch.Generator, progress: float) -> Metrics:
        """The codebooks follow the residuals of the step."""
        metrics: Metrics = {}
        for latents, book in zip(self._latents, self.tokenizer.books.stages, strict=True):
            used = code_use(book, book.update_codebook(*latents.take(), generator))
            metrics = metrics or used  # of the first stage
        return metrics

    def discard_step(self) -> None:
        """Drop the blocks of the step."""
        for latents in self._latents:
            latents.take()


def without_content(changes: Changes, hide: Bool[Tensor, " B"]) -> Changes:
    """The changes, of some rows without the codes of what is new."""
    new = changes.new & hide[:, None]
    codes = changes.codes.masked_fill(new[..., None], 0)
    codes[..., 0] = codes[..., 0].masked_fill(new, BLEND)
    return replace(changes, codes=codes)
