"""What each video file gave, and its copy into the shards of its split."""

import dataclasses
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from playworld.data.clips.shards import CHUNK_FRAMES, ShardReader, ShardWriter
from playworld.data.clips.split_names import Split
from playworld.data.ingest.cleaning import Stretch
from playworld.data.ingest.train_valid_split import Run, runs_of_a_single_video
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


def join_parts(
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
