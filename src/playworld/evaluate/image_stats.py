"""Four statistics of an image, and their ranges in real video."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from playworld.data.clips.dataset import ClipDataset
from playworld.data.clips.shards import DamagedChunk
from playworld.models.pixels import to_float

LOW_QUANTILE, HIGH_QUANTILE = 0.01, 0.99
"""The percentiles of real frames between which a frame looks real."""

MIN_SHARE = 0.95
"""Share of a rollout's frames that have to look real."""

MAX_FRAMES = 10_000
"""Real frames that the ranges are taken from, at most."""

MIN_SCENE_FRAMES = 20
"""Frames that a real scene needs to be a comparison."""


def image_stats(frames: UInt8[Tensor, "N H W C"]) -> Float[Tensor, "N 4"]:
    """Variance of the Laplacian of the grey picture (sharpness), then mean red, green and blue.

    A smear has a low variance, noise a high one, and a picture that drifts away another colour.
    """
    means = to_float(frames).mean(dim=(1, 2))
    return torch.cat([sharpness(frames[None])[0][:, None], means], dim=1)


def sharpness(video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, "B T"]:
    """Variance of the Laplacian of every grey frame."""
    grey = to_float(video).mean(dim=-1)
    inner = grey[..., 1:-1, 1:-1]
    around = grey[..., :-2, 1:-1] + grey[..., 2:, 1:-1] + grey[..., 1:-1, :-2]
    around += grey[..., 1:-1, 2:]
    return (around - 4 * inner).flatten(2).var(dim=2, unbiased=False)


@dataclass(frozen=True)
class RealImageStats:
    """Ranges of the statistics over real frames."""

    low: Float[Tensor, "4"]
    high: Float[Tensor, "4"]
    scenes: int
    """Real scenes of at least `MIN_SCENE_FRAMES` frames."""
    passing_scenes: int
    """Those of them that pass the test set for rollouts: the test itself fails some."""

    def in_range(self, frames: UInt8[Tensor, "N H W C"]) -> Bool[Tensor, " N"]:
        """Whether each frame lies within the range of real ones in all four numbers."""
        found = image_stats(frames)
        return ((found >= self.low) & (found <= self.high)).all(dim=1)

    def passes(self, frames: UInt8[Tensor, "N H W C"]) -> bool:
        """Whether enough of these frames look real."""
        return self.in_range(frames).double().mean().item() >= MIN_SHARE


def real_image_stats(clips: Path) -> RealImageStats:
    """The ranges over all held-out frames, and how many real scenes would pass by them.

    Raises:
        InputError: where CLIPS is no folder of clips or has no held-out ones.
    """
    dataset = ClipDataset(clips, "valid", 1)
    scenes: list[UInt8[Tensor, "N H W C"]] = []
    for number, scene in enumerate(dataset.scenes):
        if sum(map(len, scenes)) + scene.num_frames > MAX_FRAMES and scenes:
            break
        try:
            frames = dataset.shards.read(number, 0, min(scene.num_frames, MAX_FRAMES))
        except DamagedChunk:
            continue  # `read_held_out` has reported it
        scenes.append(torch.from_numpy(frames))
    found = torch.cat([image_stats(scene) for scene in scenes])
    low, high = torch.quantile(found, torch.tensor([LOW_QUANTILE, HIGH_QUANTILE]), dim=0)
    ranges = RealImageStats(low, high, 0, 0)
    long = [scene for scene in scenes if len(scene) >= MIN_SCENE_FRAMES]
    return RealImageStats(low, high, len(long), sum(map(ranges.passes, long)))
