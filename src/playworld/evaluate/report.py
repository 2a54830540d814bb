"""A report: the figures, and what they were taken from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from playworld.evaluate.fidelity.measure import Embedded
from playworld.evaluate.metrics import Resampled
from playworld.evaluate.pictures import Grid, sheet
from playworld.evaluate.rollouts import Rollouts


@dataclass(frozen=True)
class SideBySide:
    """Videos that run side by side."""

    videos: Mapping[str, UInt8[Tensor, "K H W C"]]
    """By name, all of one length and size."""
    fps: float
    """Frames per second."""


@dataclass(frozen=True)
class Artifacts:
    """What figures were taken from: for pictures, and for comparing worlds clip by clip."""

    grids: Mapping[str, Grid] = field(default_factory=dict)
    """By the file name of their picture, such as "rollouts.png"."""
    films: Mapping[str, Sequence[SideBySide]] = field(default_factory=dict)
    """By what they show: "clips", "long-random" or "long-recorded"."""
    samples: Mapping[str, Float[Tensor, " units"]] = field(default_factory=dict)
    """One number per clip (or start, or rollout) by the figure that is their mean, NaN for none."""
    resampled: Mapping[str, Resampled] = field(default_factory=dict)
    """Figures that are no means, by name."""
    embedded: Mapping[str, Embedded] = field(default_factory=dict)
    """Clips as points, by the name of the distance."""
    rollouts: Rollouts | None = None
    """The first few."""


class Report(dict[str, Any]):
    """The figures, ready for JSON, and what they were taken from."""

    def __init__(self, figures: dict[str, Any], artifacts: Artifacts | None = None) -> None:
        super().__init__(figures)
        self.artifacts = artifacts or Artifacts()

    @property
    def pictures(self) -> dict[str, Image.Image]:
        """The grids of frames as pictures, by file name."""
        return {name: sheet(grid) for name, grid in self.artifacts.grids.items()}
