"""A folder of videos to a folder of clips: decoded, cut into scenes, split, and reported on.

Each file is handled alone, by the same function whatever the number of workers, into a part of its
own; the parts are then joined in the order of their names. So the result depends on the files and
the options only, and an interrupted run, started again, gives the same shards.
"""

import dataclasses
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Literal

import numpy as np

from playworld.config import InputError
from playworld.data.cuts import mark_cuts
from playworld.data.publish import Publication
from playworld.data.shards import CHUNK_FRAMES, FORMAT, ShardWriter, sha256_of, write_json
from playworld.data.sources import check_target, find_videos
from playworld.data.splits import Part, held_out, join
from playworld.data.video import HOLD_SECONDS, Decoding, VideoError, parse_size

Progress = Callable[[int, int, str], None]


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
    workers: int = 0
    """Files decoded at the same time; 0 means one per core."""

    def __post_init__(self) -> None:
        parse_size(self.size)
        if not 0.1 <= self.fps <= 120:
            raise InputError(f"fps should be 0.1 to 120, got {self.fps}")
        if self.fit not in ("crop", "pad"):
            raise InputError(f"fit should be crop or pad, got {self.fit!r}")
        if not 0 < self.valid_fraction < 1:
            raise InputError(f"valid_fraction should be above 0 and below 1: {self.valid_fraction}")
        if self.min_frames < 1:
            raise InputError(f"min_frames should be at least 1, got {self.min_frames}")
        if self.workers < 0:
            raise InputError(f"workers should be 0 (one per core) or more, got {self.workers}")


def ingest(
    videos: Path, clips: Path, options: IngestOptions, progress: Progress | None = None
) -> dict[str, Any]:
    """Turn the folder `videos` into the folder `clips`; returns what `report.json` holds.

    `clips` appears whole or not at all, and takes the place of clips ingested before. A file that
    cannot be used is reported and passed over. `progress` is called with bytes of video done, bytes
    in all, and a note.

    Raises:
        InputError: where there is no folder, no video that can be used, or `clips` is something
            else than a folder of clips.
    """
    videos, clips = Path(videos), Path(clips)
    files, skipped = find_videos(videos)
    check_target(videos, clips)
    with Publication(clips) as publication:
        parts_folder = publication.folder / "parts"
        parts = _ingest_files(videos, files, parts_folder, options, progress)
        usable = [part for part in parts if part.reason is None]
        skipped += [(part.source, part.reason) for part in parts if part.reason is not None]
        if not usable:
            raise InputError(_nothing_usable(videos, skipped))
        if progress is not None:
            total = sum(size for _, size in files)
            progress(total, total, "writing the shards")
        report = _report(usable, skipped, publication.folder, videos, options)
        shutil.rmtree(parts_folder)
        publication.publish()
    return report


def _nothing_usable(videos: Path, skipped: list[tuple[str, str]]) -> str:
    name, reason = sorted(skipped)[0]
    more = f" (and {len(skipped) - 1} more)" if len(skipped) > 1 else ""
    return f"{videos} holds no video that can be used: {name!r}: {reason}{more}"


def _ingest_files(
    videos: Path,
    files: list[tuple[str, int]],
    parts: Path,
    options: IngestOptions,
    progress: Progress | None,
) -> list[Part]:
    """Handle all files, several at a time; returns the parts in the order of `files`.

    Threads suffice: decoding runs in the children, compression outside Python's lock.
    """
    done, frames = [0] * len(files), [0] * len(files)  # of each file; bytes and frames
    total = sum(size for _, size in files)
    stop = threading.Event()

    def work(number: int) -> Part:
        name, size = files[number]

        def at(share: float, count: int) -> None:
            done[number], frames[number] = int(size * min(share, 1.0)), count
            if stop.is_set():
                raise _Stopped

        part = ingest_file(videos / name, name, parts / f"{number:06d}", options, at)
        done[number] = size
        return part

    pool = ThreadPoolExecutor(options.workers or os.cpu_count() or 1, "playworld-ingest")
    finished: SimpleQueue[Future[Part]] = SimpleQueue()
    try:
        futures = [pool.submit(work, number) for number in range(len(files))]
        for future in futures:
            future.add_done_callback(finished.put)
        count = 0
        while count < len(files):
            try:
                finished.get(timeout=0.25).result()
                count += 1
            except Empty:
                pass
            if progress is not None:
                note = f"{count} of {len(files)} files, {sum(frames)} frames"
                progress(sum(done), total, note)
        return [future.result() for future in futures]
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


class _Stopped(Exception):
    """The run was interrupted."""


def ingest_file(
    path: Path,
    source: str,
    folder: Path,
    options: IngestOptions,
    at: Callable[[float, int], None] | None = None,
) -> Part:
    """Cut one video into the scenes of a shard folder of its own.

    A file with any damage is left out whole: what a decoder makes up for lost data is no footage.
    `at` is called every 16 frames with the share of the file that is done and the frames so far.
    """
    width, height = parse_size(options.size)
    try:
        with (
            Decoding(path, options.fps, (width, height), options.fit) as decoding,
            ShardWriter(folder, height, width, float(options.fps)) as writer,
        ):
            kept, dropped = _write_scenes(decoding, writer, source, options, at)
    except VideoError as error:
        shutil.rmtree(folder, ignore_errors=True)
        return Part(source, folder, reason=str(error))
    reason = None
    if not kept:
        shutil.rmtree(folder)
        reason = f"no scene of {options.min_frames} frames at {options.fps:g} per second"
    return Part(source, folder, decoding.info, len(dropped), sum(dropped), reason)


def _write_scenes(
    decoding: Decoding,
    writer: ShardWriter,
    source: str,
    options: IngestOptions,
    at: Callable[[float, int], None] | None,
) -> tuple[list[int], list[int]]:
    """Write the scenes of one video; returns the lengths of those kept and of those dropped."""
    kept: list[int] = []
    dropped: list[int] = []
    stream: Iterator[tuple[bool, float, np.ndarray]]
    stream = mark_cuts(iter(decoding)) if options.cuts else ((False, t, f) for t, f in decoding)

    def finish() -> None:
        long_enough = writer.scene_frames >= options.min_frames
        (kept if long_enough else dropped).append(writer.scene_frames)
        writer.end() if long_enough else writer.discard()

    last = None
    for number, (cut, time, frame) in enumerate(stream):
        if last is None or cut or time - last > HOLD_SECONDS:
            if last is not None:
                finish()
            writer.begin(source)
        writer.append(time, frame)
        last = time
        if at is not None and number % CHUNK_FRAMES == 0:
            at(time / decoding.info.duration if decoding.info.duration else 0.0, number + 1)
    if last is not None:
        finish()
    if at is not None:
        at(1.0, sum(kept) + sum(dropped))
    return kept, dropped


def _report(
    parts: list[Part],
    skipped: list[tuple[str, str]],
    folder: Path,
    videos: Path,
    options: IngestOptions,
) -> dict[str, Any]:
    """Write the splits and both documents into `folder`.

    Nothing in them depends on the clock, the number of workers or the speed of the machine.
    """
    width, height = parse_size(options.size)
    fps, fraction = float(options.fps), options.valid_fraction
    valid = held_out([part.source for part in parts], fraction, options.seed)
    shape = height, width, fps
    entries = join(parts, valid, folder, fraction, options.min_frames, shape)
    splits = {name: _count(entries, name, fps) for name in ("train", "valid")}
    report = {
        "format": FORMAT,
        "videos": str(videos.resolve()),
        "options": dataclasses.asdict(options) | {"workers": 0},
        "split_by": "video" if len(parts) > 1 else "time",
        "splits": splits,
        "warnings": _warnings(len(parts), splits),
        "ok": entries,
        "skipped": [{"source": source, "reason": reason} for source, reason in sorted(skipped)],
    }
    for name, counts in splits.items():
        counts["index_sha256"] = sha256_of(folder / name / "index.json")
    dataset = {
        "format": FORMAT,
        "height": height,
        "width": width,
        "fps": fps,
        "chunk": CHUNK_FRAMES,
        "videos": report["videos"],
        "splits": splits,
    }
    write_json(folder / "report.json", report)
    write_json(folder / "dataset.json", dataset)
    return report


def _count(entries: list[dict[str, Any]], split: str, fps: float) -> dict[str, Any]:
    scenes = [
        (entry["source"], scene["frames"])
        for entry in entries
        for scene in entry["scenes"]
        if scene["split"] == split
    ]
    frames = sum(count for _, count in scenes)
    return {
        "videos": len({source for source, _ in scenes}),
        "scenes": len(scenes),
        "frames": frames,
        "seconds": round(frames / fps, 3),
    }


def _warnings(num_videos: int, splits: dict[str, dict[str, Any]]) -> list[str]:
    if num_videos > 1:
        return []
    if splits["valid"]["scenes"]:
        return ["one video only: its end is held out for validation; more videos are better"]
    return ["one short video only: nothing is held out for validation; add videos"]
