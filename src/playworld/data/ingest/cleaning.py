"""Which stretches of the decoded scenes are worth keeping, judged by the traits of their frames.

All of a video is decoded and stored first, then judged: memory stays small however long a stretch
is, copies are found wherever they lie, and whatever is left out can be shown.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from playworld.data.ingest.clean_options import CleanOptions

Reason = Literal["damaged", "letterbox", "black", "static", "duplicate", "short"]
REASONS: tuple[Reason, ...] = get_args(Reason)
"""Why a stretch is left out; where several would do, the first of them."""
BAR_PERCENT = (4, 40)
"""What each of two facing bars takes of the picture: less is an edge, more a dark picture."""


@dataclass(frozen=True)
class Origin:
    """Where the first copy of a stretch begins."""

    part: int
    scene: int
    frame: int


@dataclass(frozen=True)
class Stretch:
    """Consecutive frames of one scene that share a fate."""

    part: int
    """Number of the file."""
    scene: int
    """Number of the scene within the file."""
    start: int
    """First frame."""
    stop: int
    """The frame after the last."""
    reason: Reason | None = None
    """Why it is left out; None where it is kept."""
    origin: Origin | None = None
    """What it is a copy of."""

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return self.stop - self.start


def judge(
    part: int,
    traits: list[np.ndarray],
    options: CleanOptions,
    fps: float,
    padded: bool,
    damaged: list[np.ndarray] | None = None,
) -> Iterator[Stretch]:
    """All frames of one file as stretches, in order; copies and short ones are found later.

    Args:
        part: number of the file.
        traits: `TRAITS` of the frames of each scene.
        options: the thresholds.
        fps: frames per second.
        padded: whether the bars around the picture are our own.
        damaged: for the frames of each scene whether they lie where the file is damaged.
    """
    for scene, stats in enumerate(traits):
        fate = np.zeros(len(stats), dtype=np.uint8)  # 0 to keep, else a reason's number from 1
        if options.static:
            for start, stop in still_runs(stats["moved"]):
                if stop - start > max(1, options.static * fps):  # one picture stands nowhere
                    fate[start:stop] = 1 + REASONS.index("static")
        if options.black:
            for start, stop in runs(stats["black"]):
                if stop - start >= max(1, math.ceil(options.black * fps)):
                    fate[start:stop] = 1 + REASONS.index("black")
        if options.bars and not padded and has_bars(stats):
            fate[:] = 1 + REASONS.index("letterbox")
        if damaged is not None:
            fate[damaged[scene]] = 1 + REASONS.index("damaged")
        edges = [0, *(np.flatnonzero(np.diff(fate)) + 1).tolist(), len(fate)]
        for start, stop in itertools.pairwise(edges):
            reason = REASONS[fate[start] - 1] if fate[start] else None
            yield Stretch(part, scene, start, stop, reason)


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Where True begins and ends, as (first, after the last)."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in change.reshape(-1, 2)]


def still_runs(moved: np.ndarray) -> list[tuple[int, int]]:
    """The pictures of a scene, each from where it moved until it moves again."""
    edges = [0, *(np.flatnonzero(moved[1:]) + 1).tolist(), len(moved)]
    return list(itertools.pairwise(edges))


def has_bars(stats: np.ndarray) -> bool:
    """Whether facing bars stay dark through a whole scene; black frames say nothing."""
    lit = stats[~stats["black"]]
    least, most = BAR_PERCENT
    return bool(len(lit)) and any(least <= bar <= most for bar in lit["bars"].min(axis=0))


def without(stretch: Stretch, copies: list[tuple[int, int, Origin]]) -> Iterator[Stretch]:
    """A stretch cut at its copies, given as (first frame, after the last, what it copies)."""
    at = stretch.start
    for start, stop, origin in copies:
        if start > at:
            yield replace(stretch, start=at, stop=start)
        yield replace(stretch, start=start, stop=stop, reason="duplicate", origin=origin)
        at = stop
    if at < stretch.stop:
        yield replace(stretch, start=at)


def without_short(stretches: list[Stretch], min_frames: int) -> list[Stretch]:
    """The same, with what would be kept but is too short for a clip marked as such."""
    return [
        replace(s, reason="short") if s.reason is None and s.frames < min_frames else s
        for s in stretches
    ]
