"""What `record`, `import` and `ingest` can be asked for. Imports nothing heavy."""

import re
from dataclasses import dataclass, field
from typing import Literal

from playworld.config import InputError
from playworld.data.ingest.clean_options import CleanOptions
from playworld.data.record.games import LEVELS_PER_SEED, MAX_SEED

Executor = Literal["local", "ray"]


@dataclass(frozen=True)
class RecordOptions:
    """What is recorded, and how the game looks."""

    episodes: int = 10
    """Episodes, each of another level and in a file of its own."""
    seed: int = 0
    """Chooses the levels and the player's whims. Recordings with different seeds share no level."""
    max_frames: int = 600
    """Frames (20 per second) after which an episode is cut off."""
    min_frames: int = 80
    """An episode that ends sooner is played again, up to 5 times, and the longest is kept."""
    mode: Literal["easy", "hard", "extreme", "memory"] = "easy"
    """Procgen's distribution mode."""
    backgrounds: bool = True
    """Whether the game draws its background pictures."""
    themes: Literal["one", "all"] = "one"
    """One look of walls and figures, or all that the game has."""
    smooth: bool = False
    """Procgen's pictures drawn at 512x512 and averaged to 64x64: edges then move by less than a
    pixel, as in films, where the game's own jump from one to the next."""
    size: str = "64x64"
    """WIDTHxHEIGHT of what is not from Procgen, whose games are always 64x64."""
    player: Literal["explorer", "holder", "expert"] = "explorer"
    """Who plays: one that roams, one that holds keys at random, or CoinRun's expert, which runs
    from the start to the coin."""
    blunders: float = 0.0
    """Share of the expert's episodes that begin where random keys, not recorded, have led."""

    def __post_init__(self) -> None:
        if not 1 <= self.episodes <= LEVELS_PER_SEED:
            raise InputError(f"episodes must be in 1..{LEVELS_PER_SEED}, got {self.episodes}")
        if not 0 <= self.seed <= MAX_SEED:
            raise InputError(f"seed must be in 0..{MAX_SEED}, got {self.seed}")
        if not 1 <= self.max_frames <= 10_000:
            raise InputError(f"max_frames must be in 1..10000, got {self.max_frames}")
        if self.min_frames < 0:
            raise InputError(f"min_frames must be 0 or more, got {self.min_frames}")
        if not 0 <= self.blunders <= 1:
            raise InputError(f"blunders must be a share, 0 to 1, got {self.blunders}")
        if self.blunders and self.player != "expert":
            raise InputError("blunders are the expert's: say --player expert as well")
        parse_size(self.size)


@dataclass(frozen=True)
class ImportOptions:
    """What is taken from a dataset."""

    camera: str | None = None
    """Which camera's video, such as observation.images.top; to be named where there are several."""
    action: str = "action"
    """Which column holds the true actions; without it videos are imported for training alone."""


@dataclass(frozen=True)
class IngestOptions:
    """How videos become clips."""

    fps: float = 10.0
    """Frames per second after resampling, 0.1 to 120."""
    size: str = "64x64"
    """WIDTHxHEIGHT of the frames, in pixels."""
    fit: Literal["crop", "pad"] = "crop"
    """Another shape of picture loses its edges (crop) or gets black bars (pad)."""
    valid_fraction: float = 0.1
    """Share of the videos that is held out for validation, at least one of two."""
    seed: int = 0
    """Chooses the videos that are held out."""
    cuts: bool = True
    """Begin a new scene where the picture changes at once."""
    min_frames: int = 16
    """Shorter scenes are dropped."""
    clean: CleanOptions = field(default_factory=CleanOptions)
    """Which stretches are left out."""
    workers: int = 0
    """Files decoded at the same time; 0 means one per core."""
    engine: Executor = "local"
    """Where files are decoded: here, or on a Ray cluster (pip install 'playworld[scale]')."""

    def __post_init__(self) -> None:
        parse_size(self.size)
        if not 0.1 <= self.fps <= 120:
            raise InputError(f"fps should be 0.1 to 120, got {self.fps}")
        if self.fit not in ("crop", "pad"):
            raise InputError(f"fit should be crop or pad, got {self.fit!r}")
        if self.engine not in ("local", "ray"):
            raise InputError(f"engine should be local or ray, got {self.engine!r}")
        if not 0 < self.valid_fraction < 1:
            raise InputError(f"valid_fraction should be above 0 and below 1: {self.valid_fraction}")
        if self.min_frames < 1:
            raise InputError(f"min_frames should be at least 1, got {self.min_frames}")
        if self.workers < 0:
            raise InputError(f"workers should be 0 (one per core) or more, got {self.workers}")


def parse_size(text: str) -> tuple[int, int]:
    """Width and height in pixels from text such as "160x90".

    Raises:
        InputError: where the text is something else or the size is out of range.
    """
    match = re.fullmatch(r"([0-9]{1,5})[xX]([0-9]{1,5})", text)
    if match is None:
        raise InputError(f"a size is WIDTHxHEIGHT in pixels, for example 64x64, got {text!r}")
    width, height = int(match[1]), int(match[2])
    if not (8 <= width <= 2048 and 8 <= height <= 2048):
        raise InputError(f"width and height should be 8 to 2048 pixels, got {text!r}")
    return width, height
