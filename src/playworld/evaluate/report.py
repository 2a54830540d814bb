"""A report: the figures, and what they were taken from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from playworld.evaluate.pictures import Grid, sheet
from playworld.evaluate.rollouts import Rollouts

FILMS = 6
"""Clips that are shown as films."""


@dataclass(frozen=True)
class SideBySide:
    """Videos that run side by side."""

    videos: Mapping[str, UInt8[Tensor, "K H W C"]]
    """By name, all of one length and size."""
    fps: float
    """Frames per second."""


@runtime_checkable
class Paired(Protocol):
    """A figure with what it takes to pair it with the same figure of another world."""

    def change(self, baseline: Any, seed: int = 0) -> dict[str, Any] | None:
        """The difference from the baseline: `mean`, `low`, `high`, `sure`; None where undefined."""


@dataclass(frozen=True)
class Artifacts:
    """What figures were taken from: for pictures, and for comparing worlds clip by clip."""

    grids: Mapping[str, Grid] = field(default_factory=dict)
    """By the file name of their picture, such as "rollouts.png"."""
    films: Mapping[str, Sequence[SideBySide]] = field(default_factory=dict)
    """By what they show: "clips", "long-random" or "long-recorded"."""
    paired: Mapping[str, Paired] = field(default_factory=dict)
    """What comparisons pair, by the name of the difference."""
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


def clip_films(prompt: Tensor, videos: Mapping[str, Tensor], fps: float) -> list[SideBySide]:
    """Each clip's videos side by side, after the prompt that they share."""
    return [
        SideBySide({name: torch.cat([prompt[row], v[row]]) for name, v in videos.items()}, fps)
        for row in range(min(FILMS, len(prompt)))
    ]
