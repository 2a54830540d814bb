"""Train and validation: whole videos on either side, or the two ends of a single one."""

import dataclasses
import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from playworld.data.clips.shards import CHUNK_FRAMES, ShardReader, ShardWriter
from playworld.data.clips.splits import Split
from playworld.data.ingest.cleaning import Stretch
from playworld.data.video.reader import VideoInfo


@dataclass(frozen=True)
class Part:
    """What one file gave: a folder of shards, or the reason why it gave none."""

    source: str
    """Path of the video, relative to the folder of videos."""
    folder: Path
    """Where its scenes are."""
    info: VideoInfo | None = None
    """What the file says about itself."""
    reason: str | None = None
    """Why it gave nothing; None where it did."""
    damaged: Sequence[tuple[float, float]] = ()
    """Start and end in seconds of what is left out because the file is damaged there."""


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


def join(
    parts: list[Part],
    stretches: list[list[Stretch]],
    valid: set[str],
    folder: Path,
    fraction: float,
    min_frames: int,
    shape: tuple[int, int, float],
) -> list[dict[str, Any]]:
    """Write `folder`/train and `folder`/valid; returns the report's entry for each part.

    Args:
        parts: what the files gave, in the order to write; each is removed once it is copied.
        stretches: for each part all of its frames, kept or left out.
        valid: sources held out, as `held_out` says.
        folder: where the splits go.
        fraction: share of the frames to hold out of a single video.
        min_frames: see `runs_of_a_single_video`.
        shape: height, width and frames per second.
    """
    entries = []
    with (
        ShardWriter(folder / "train", *shape) as train_writer,
        ShardWriter(folder / "valid", *shape) as valid_writer,
    ):
        for part, chosen in zip(parts, stretches, strict=True):
            reader = ShardReader(part.folder)
            kept = [stretch for stretch in chosen if stretch.reason is None]
            if len(parts) == 1:
                within = runs_of_a_single_video([s.frames for s in kept], fraction, min_frames)
                runs = [_in_scene(run, kept[run.scene]) for run in within]
            else:
                split: Split = "valid" if part.source in valid else "train"
                runs = [Run(split, s.scene, s.start, s.stop) for s in kept]
            for run in runs:
                _copy(reader, train_writer if run.split == "train" else valid_writer, run)
            entries.append(_entry(part, reader, runs))
            shutil.rmtree(part.folder)
    return entries


def _in_scene(run: Run, stretch: Stretch) -> Run:
    """A run within a stretch as one within the scene of the stretch."""
    start, stop = stretch.start + run.start, stretch.start + run.stop
    return replace(run, scene=stretch.scene, start=start, stop=stop)


def _copy(reader: ShardReader, writer: ShardWriter, run: Run) -> None:
    whole = reader.scenes[run.scene]
    if (run.start, run.stop) == (0, whole.num_frames):
        writer.copy(reader, run.scene)
        return
    writer.write(_frames(reader, run), whole.source, whole.times[run.start : run.stop].tolist())


def _frames(reader: ShardReader, run: Run) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    """The frames of a run, one chunk at a time."""
    start = run.start
    while start < run.stop:
        stop = min(run.stop, (start // CHUNK_FRAMES + 1) * CHUNK_FRAMES)
        yield from reader.read(run.scene, start, stop - start)
        start = stop


def _entry(part: Part, reader: ShardReader, runs: list[Run]) -> dict[str, Any]:
    assert part.info is not None
    scenes = [
        {
            "split": run.split,
            "start": float(reader.scenes[run.scene].times[run.start]),
            "end": float(reader.scenes[run.scene].times[run.stop - 1]),
            "frames": run.stop - run.start,
        }
        for run in runs
    ]
    return {
        "source": part.source,
        "video": dataclasses.asdict(part.info),
        "scenes": scenes,
    }
