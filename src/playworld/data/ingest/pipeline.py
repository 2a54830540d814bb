"""A folder of videos to a folder of clips: decoded, cut, cleaned, split, and reported on.

Each file is handled alone, by the same function whatever the number of workers, into a part of its
own; the parts are then joined in the order of their names. So the result depends on the files and
the options only, and an interrupted run, started again, gives the same shards.
"""

import functools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from playworld.atomic import alone, new_folder, write_whole
from playworld.config import InputError
from playworld.data.clips.shards import CHUNK_FRAMES, ShardWriter
from playworld.data.ingest.cuts import mark_cuts
from playworld.data.ingest.documents import left_out, why_nothing_is_left, write_documents
from playworld.data.ingest.executors import At, Job, run
from playworld.data.ingest.frame_stats import FrameStats
from playworld.data.ingest.page.document import render
from playworld.data.ingest.page.pictures import gather
from playworld.data.ingest.parts import Part, join_parts
from playworld.data.ingest.selection import Parts, select, shared_footage, write_traits
from playworld.data.ingest.sources import check_target, find_videos, own_clips
from playworld.data.ingest.train_valid_split import held_out
from playworld.data.options import IngestOptions, parse_size
from playworld.data.video.fork_server import ForkServer
from playworld.data.video.reader import HOLD_SECONDS, Decoding, VideoError
from playworld.progress import Progress, silent


def ingest(
    videos: Path, clips: Path, options: IngestOptions, progress: Progress = silent
) -> dict[str, Any]:
    """Turn the folder `videos` into the folder `clips`; returns what `report.json` holds.

    `clips` appears whole or not at all, and takes the place of clips ingested before; other files
    in that folder stay. A file that cannot be used is reported and passed over. `progress` is
    called with bytes of video done, bytes in all, and a note.

    Raises:
        InputError: where there is no folder, no video that can be used, or `clips` is something
            else than a folder of clips.
    """
    videos, clips = Path(videos), Path(clips)
    files, skipped = find_videos(videos)
    check_target(videos, clips)
    busy = f"another run is writing {clips}; wait for it"
    with alone(clips, busy), new_folder(clips, own_clips) as folder:
        parts_folder = folder / "parts"
        jobs = [
            Job(videos / name, name, size, parts_folder / f"{number:06d}")
            for number, (name, size) in enumerate(files)
        ]
        handle = functools.partial(ingest_file, options)
        parts = run(options.engine, handle, jobs, options.workers, progress)
        total = sum(size for _, size in files)
        progress(total, total, "choosing what to keep")
        report = _keep(parts, skipped, folder, videos, options)
        shutil.rmtree(parts_folder)
    return report


def _keep(
    parts: list[Part],
    skipped: list[tuple[str, str]],
    folder: Path,
    videos: Path,
    options: IngestOptions,
) -> dict[str, Any]:
    """Choose what is worth keeping of what was decoded; write splits and documents to `folder`."""
    width, height = parse_size(options.size)
    fps, fraction, min_frames = float(options.fps), options.valid_fraction, options.min_frames
    decoded = Parts([part for part in parts if part.reason is None])
    chosen = select(decoded, options.clean, fps, min_frames, padded=options.fit == "pad")
    dropped = [
        left_out(part, stretches, decoded, fps)
        for part, stretches in zip(decoded.parts, chosen, strict=True)
    ]
    kept: list[int] = []
    lost: list[int] = []
    for n, stretches in enumerate(chosen):
        (kept if any(s.reason is None for s in stretches) else lost).append(n)
    bad: list[dict[str, Any]] = [{"source": name, "reason": reason} for name, reason in skipped]
    bad += [{"source": p.source, "reason": p.reason} for p in parts if p.reason is not None]
    for n in lost:
        reason = why_nothing_is_left(dropped[n], min_frames, fps)
        bad.append({"source": decoded.parts[n].source, "reason": reason, "dropped": dropped[n]})
    if not kept:
        raise InputError(_nothing_usable(videos, [(e["source"], e["reason"]) for e in bad]))
    leaders = shared_footage((s for stretches in chosen for s in stretches), len(chosen))
    usable = [decoded.parts[n] for n in kept]
    names = [part.source for part in usable]
    leader = {decoded.parts[n].source: decoded.parts[leaders[n]].source for n in kept}
    # Where all videos share footage with each other, only the copies are kept apart.
    valid = held_out(names, fraction, options.seed, leader)
    valid = valid or held_out(names, fraction, options.seed)
    gathered = gather(decoded, chosen)  # `join_parts` removes the parts
    shape = height, width, fps
    entries = join_parts(
        usable, [chosen[n] for n in kept], valid, folder, fraction, min_frames, shape
    )
    ok = [entry | {"dropped": dropped[n]} for n, entry in zip(kept, entries, strict=True)]
    report = write_documents(folder, videos, options, shape, ok, bad)
    write_whole(folder / "report.html", render(report, gathered))
    return report


def _nothing_usable(videos: Path, skipped: list[tuple[str, str]]) -> str:
    name, reason = sorted(skipped)[0]
    more = f" (and {len(skipped) - 1} more)" if len(skipped) > 1 else ""
    return f"{videos} holds no video that can be used: {name!r}: {reason}{more}"


def ingest_file(
    options: IngestOptions, job: Job, fork_server: ForkServer | None = None, at: At | None = None
) -> Part:
    """Cut one video into the scenes of a shard folder of its own.

    What is damaged is left out: what a decoder makes up for lost data is no footage.
    `at` is called every 16 frames with the share of the file that is done and the frames so far.
    """
    width, height = size = parse_size(options.size)
    try:
        with (
            Decoding(
                job.path,
                options.fps,
                size,
                options.fit,
                fork_server=fork_server,
                bars=options.clean.bars,
            ) as decoding,
            ShardWriter(job.folder, height, width, float(options.fps)) as writer,
        ):
            traits = _write_scenes(decoding, writer, job.source, options, at)
    except VideoError as error:
        shutil.rmtree(job.folder, ignore_errors=True)
        return Part(job.source, job.folder, reason=str(error))
    write_traits(job.folder, traits)
    return Part(job.source, job.folder, decoding.info, damaged=decoding.damaged)


def _write_scenes(
    decoding: Decoding,
    writer: ShardWriter,
    source: str,
    options: IngestOptions,
    at: At | None,
) -> np.ndarray:
    """Write all scenes of one video; returns the traits of their frames."""
    watcher = FrameStats(options.clean)
    stream: Iterator[tuple[bool, float, np.ndarray]]
    stream = mark_cuts(iter(decoding)) if options.cuts else ((False, t, f) for t, f in decoding)
    last = None
    for number, (cut, time, frame) in enumerate(stream):
        resumed = time in decoding.breaks and time != last
        if last is None or cut or resumed or time - last > HOLD_SECONDS:
            if last is not None:
                writer.end()
            writer.begin(source)
        writer.append(time, frame)
        watcher.see(frame)
        last = time
        if at is not None and number % CHUNK_FRAMES == 0:
            at(time / decoding.info.duration if decoding.info.duration else 0.0, number + 1)
    if last is not None:
        writer.end()
    if at is not None:
        at(1.0, len(watcher.traits))
    return watcher.traits
