"""Which videos, or which end of a single one, are held out for validation."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from playworld.data.clips.split_names import Split


@dataclass(frozen=True)
class Run:
    """Frames of one scene of a part that go to one split."""

    split: Split
    scene: int
    start: int
    """First frame."""
    stop: int
    """The frame after the last."""


def held_out(
    sources: Sequence[str], fraction: float, seed: int, leader: Mapping[str, str] | None = None
) -> set[str]:
    """The videos for validation: a share of them, at least one, never all.

    Ordered by a hash of their names, so that adding a video moves few of the others.

    Args:
        sources: the videos.
        fraction: share to hold out.
        seed: chooses them.
        leader: for videos that share footage the one that stands for all of them; these stay on
            one side.
    """
    groups: dict[str, list[str]] = {}
    for source in sources:
        groups.setdefault(leader.get(source, source) if leader else source, []).append(source)
    if len(groups) < 2:
        return set()
    count = max(1, min(len(sources) - 1, round(fraction * len(sources))))

    def rank(name: str) -> str:
        return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()

    chosen: set[str] = set()
    for name in sorted(groups, key=rank)[:-1]:
        # A large group would leave little to train on; the next one may fit.
        if len(chosen) < count and len(chosen) + len(groups[name]) <= max(count, len(sources) // 2):
            chosen |= set(groups[name])
    return chosen or set(groups[min(groups, key=lambda name: len(groups[name]))])


def runs_of_a_single_video(counts: list[int], fraction: float, min_frames: int) -> list[Run]:
    """Hold out the end of the only video, after a gap of `min_frames` frames.

    Frames on the two sides of a border without a gap would be almost the same. Where the video is
    too short for both, all of it is for training.

    Args:
        counts: frames of each scene, in their order.
        fraction: share of the frames to hold out.
        min_frames: fewest frames of a run; shorter ones are left out.
    """
    border = sum(counts) - max(min_frames, round(fraction * sum(counts)))
    runs, first = [], 0
    for scene, count in enumerate(counts):
        train_stop = max(0, min(count, border - min_frames - first))
        valid_start = min(count, max(0, border - first))
        runs += [Run("train", scene, 0, train_stop), Run("valid", scene, valid_start, count)]
        first += count
    runs = [run for run in runs if run.stop - run.start >= min_frames]
    if {run.split for run in runs} == {"train", "valid"}:
        return runs
    return [Run("train", scene, 0, count) for scene, count in enumerate(counts)]
