"""Train and validation: whole videos on either side, or the two ends of a single one."""

import dataclasses
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playworld.data.shards import ShardReader, ShardWriter
from playworld.data.video import VideoInfo

Split = Literal["train", "valid"]


@dataclass(frozen=True)
class Part:
    """What one file gave: a folder of shards, or the reason why it gave none."""

    source: str
    """Path of the video, relative to the folder of videos."""
    folder: Path
    """Where its scenes are."""
    info: VideoInfo | None = None
    """What the file says about itself."""
    dropped_scenes: int = 0
    """Scenes that were too short."""
    dropped_frames: int = 0
    """Frames in them."""
    reason: str | None = None
    """Why it gave nothing; None where it did."""


@dataclass(frozen=True)
class Run:
    """Frames of one scene of a part that go to one split."""

    split: Split
    scene: int
    start: int
    """First frame."""
    stop: int
    """The frame after the last."""


def held_out(sources: list[str], fraction: float, seed: int) -> set[str]:
    """The videos for validation: a share of them, at least one, never all.

    Ordered by a hash of their names, so that adding a video moves few of the others.
    """
    if len(sources) < 2:
        return set()
    count = max(1, min(len(sources) - 1, round(fraction * len(sources))))

    def rank(source: str) -> str:
        return hashlib.sha256(f"{seed} {source}".encode()).hexdigest()

    return set(sorted(sources, key=rank)[:count])


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
    valid: set[str],
    folder: Path,
    fraction: float,
    min_frames: int,
    shape: tuple[int, int, float],
) -> list[dict[str, Any]]:
    """Write `folder`/train and `folder`/valid; returns the report's entry for each part.

    Args:
        parts: what the files gave, in the order to write; each is removed once it is copied.
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
        for part in parts:
            reader = ShardReader(part.folder)
            counts = [scene.num_frames for scene in reader.scenes]
            if len(parts) == 1:
                runs = runs_of_a_single_video(counts, fraction, min_frames)
            else:
                split: Split = "valid" if part.source in valid else "train"
                runs = [Run(split, scene, 0, count) for scene, count in enumerate(counts)]
            for run in runs:
                _copy(reader, train_writer if run.split == "train" else valid_writer, run)
            entries.append(_entry(part, reader, runs))
            shutil.rmtree(part.folder)
    return entries


def _copy(reader: ShardReader, writer: ShardWriter, run: Run) -> None:
    whole = reader.scenes[run.scene]
    if (run.start, run.stop) == (0, whole.num_frames):
        writer.copy(reader, run.scene)
        return
    frames = (reader.read(run.scene, i, 1)[0] for i in range(run.start, run.stop))
    writer.write(frames, whole.source, whole.times[run.start : run.stop].tolist())


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
        "dropped_scenes": part.dropped_scenes,
        "dropped_frames": part.dropped_frames,
        "scenes": scenes,
    }
