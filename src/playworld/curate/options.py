"""What `playworld curate` can be asked for. Imports nothing heavy."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playworld.config import InputError

BEST, WORST = 5, 1
LEVELS = range(WORST + 1, BEST + 1)
"""Labels that a stretch can reach: any stretch reaches 1."""


@dataclass(frozen=True)
class LabelOptions:
    """Options of `playworld curate label`."""

    labels: Path | None = None
    """File of the labels; CLIPS.labels.json beside the clips if not given."""
    length: int = 32
    """Frames of a stretch that gets one label, a multiple of 16."""
    seed: int = 0
    """Chooses the order, in which every video comes once before any comes twice."""
    port: int = 8000
    """Port to listen at; the next free one where it is taken."""
    browser: bool = True
    """Open the page in a browser."""

    def __post_init__(self) -> None:
        check_length(self.length)
        if not 0 <= self.port <= 65535:
            raise InputError(f"port must be in 0..65535, got {self.port}")


@dataclass(frozen=True)
class FilterOptions:
    """Options of `playworld curate train`."""

    kind: Literal["quick", "resnet18"] = "quick"
    """Simple features and logistic regression, seconds on a CPU; or the paper's network."""
    extremes: bool = False
    """Learn from labels 5 and 1 only, as the paper did; the others still measure."""
    held_out: float = 0.25
    """Share of the labelled videos that the filter is measured on and does not learn from."""
    steps: int = 300
    """Optimizer steps of resnet18."""
    batch_size: int = 32
    """Stretches per step of resnet18."""
    learning_rate: float = 1e-3
    """Peak learning rate of resnet18."""
    seed: int = 0
    """Seed of the split, the weights and the order."""
    run: Path | None = None
    """Where checkpoints and logs of resnet18 go; in the user's cache until it is trained if not
    given."""
    device: str = "auto"
    """cpu, cuda (cuda:1 for the second GPU), mps (a Mac's), or auto: the GPU if there is one."""

    def __post_init__(self) -> None:
        if not 0 < self.held_out < 1:
            raise InputError(f"held_out should be above 0 and below 1, got {self.held_out}")
        if min(self.steps, self.batch_size) < 1 or self.learning_rate <= 0:
            raise InputError("steps, batch_size and learning_rate should be above 0")


@dataclass(frozen=True)
class ApplyOptions:
    """Options of `playworld curate apply`."""

    keep: int = 4
    """Keep what would be labelled this or above, 2 to 5."""
    confidence: float = 0.5
    """Chance of such a label, 0 to 1, from which on a stretch is kept."""
    whole: Literal["stretch", "scene", "video"] = "stretch"
    """What is kept or dropped as a whole, by the mean chance of its stretches."""
    min_frames: int = 16
    """Runs that are shorter once their neighbours are dropped go too."""
    device: str = "auto"
    """cpu, cuda (cuda:1 for the second GPU), mps (a Mac's), or auto: the GPU if there is one."""

    def __post_init__(self) -> None:
        if self.keep not in LEVELS:
            raise InputError(f"keep should be {LEVELS[0]} to {LEVELS[-1]}, got {self.keep}")
        if not 0 <= self.confidence <= 1:
            raise InputError(f"confidence should be 0 to 1, got {self.confidence}")
        if self.min_frames < 1:
            raise InputError(f"min_frames should be at least 1, got {self.min_frames}")


def check_length(length: int) -> None:
    """Raise InputError unless stretches of this many frames begin where chunks begin."""
    from playworld.data.clips.shards import CHUNK_FRAMES  # brings NumPy

    if not 1 <= length // CHUNK_FRAMES <= 64 or length % CHUNK_FRAMES:
        raise InputError(
            f"length should be a multiple of {CHUNK_FRAMES} frames, up to {64 * CHUNK_FRAMES}, "
            f"got {length}"
        )
