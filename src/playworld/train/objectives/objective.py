"""What every objective is: one module whose forward(batch) returns loss and metrics."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from playworld.models.product_quantizer import ProductQuantizer
from playworld.models.quantizer import VectorQuantizer

Metrics = dict[str, Tensor]


@dataclass(frozen=True)
class Batch:
    """Input of one forward: all clips of a step, or this process's part of them."""

    video: UInt8[Tensor, "B T H W C"]
    """Frames."""
    tokens: Int[Tensor, "B T L"] | None
    """Their cached tokens; None to tokenize live."""
    progress: float
    """Share of the stage's steps that is done, 0 to 1."""
    seeds: tuple[int, ...]
    """One per clip, for masks and noise: the same whichever process has the clip."""
    generator: torch.Generator
    """For what is random once per step, such as where unused codes go."""
    clips: int
    """Clips of the whole step."""
    normalizers: Tensor | None = None
    """`Objective.normalizers` of the whole step; None where this is the whole step."""
    labels: Int[Tensor, " B"] | None = None
    """Target of each clip, where that is one number."""

    def generators(self) -> list[torch.Generator]:
        """One per clip, each at its beginning."""
        return [torch.Generator().manual_seed(seed) for seed in self.seeds]

    def split(self, parts: int) -> list["Batch"]:
        """The same clips in several batches of one size."""
        size = len(self.video) // parts
        cuts = [slice(i * size, (i + 1) * size) for i in range(parts)]

        def part(whole: Tensor | None, cut: slice) -> Tensor | None:
            return None if whole is None else whole[cut]

        return [
            replace(
                self,
                video=self.video[cut],
                tokens=part(self.tokens, cut),
                seeds=self.seeds[cut],
                labels=part(self.labels, cut),
            )
            for cut in cuts
        ]


class Objective(nn.Module):
    """What the loop trains: `forward(batch)` returns a part of the step's loss, and metrics.

    Parts add up, loss and metrics alike: over the batches that a step is split into, and over the
    processes that train together, to what one batch of all clips would give.
    """

    def forward(self, batch: Batch) -> tuple[Float[Tensor, ""], Metrics]:
        """The share of these clips in the loss and the metrics of the step."""
        raise NotImplementedError  # as in nn.Module: every objective brings its own

    def normalizers(self, batch: Batch) -> Float[Tensor, " _"]:
        """Sums over these clips; the loss is divided by their total over the whole step."""
        return torch.zeros(0, device=batch.video.device)

    def update_codebook(self, generator: torch.Generator, progress: float) -> Metrics:
        """Update what no gradient trains: codebooks. Called once after each finite step."""
        return {}

    def discard_step(self) -> None:
        """Drop the latents of a step that was not finite."""

    def check_collapse(self, metrics: dict[str, float], progress: float) -> None:
        """Raise Collapsed where a codebook is hardly used."""


class Collapsed(RuntimeError):
    """A codebook whose codes are hardly used, so that training on would be wasted."""


class StepLatents:
    """Latents and codes of the current step, from which a codebook is updated at its end."""

    def __init__(self) -> None:
        self._parts: list[tuple[Tensor, Tensor]] = []

    def add(self, z: Float[Tensor, "*batch E"], codes: Int[Tensor, "..."]) -> None:
        """Those of one forward."""
        self._parts.append((z.detach().reshape(-1, z.shape[-1]), codes.reshape(-1)))

    def take(self) -> tuple[Float[Tensor, "M E"], Int[Tensor, " L"]]:
        """All of them; none are kept."""
        (z, codes), self._parts = map(torch.cat, zip(*self._parts, strict=True)), []
        return z, codes


def code_use(quantizer: VectorQuantizer | ProductQuantizer, count: Int[Tensor, " K"]) -> Metrics:
    """Number of codes used in this step, and the running perplexity."""
    return {"codes_used": (count > 0).sum(), "perplexity": quantizer.perplexity()}


def refuse_collapse(what: str, metrics: dict[str, float], num_codes: int, progress: float) -> None:
    """Raise Collapsed when, a tenth into the training, next to no code is used."""
    if progress > 0.1 and metrics["perplexity"] < max(1.05, num_codes / 200):
        raise Collapsed(
            f"the {what} codebook has collapsed: perplexity {metrics['perplexity']:.2f} of "
            f"{num_codes} codes. Lower the learning rate, raise revive_below, or check that the "
            "video moves."
        )
