"""The documents that lie beside the clips: what was made of the videos, and what was left out."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from playworld.data.clips.shards import CHUNK_FRAMES, FORMAT, sha256_of, write_json
from playworld.data.ingest.cleaning import REASONS, Stretch
from playworld.data.ingest.parts import Part
from playworld.data.ingest.selection import Parts
from playworld.words import counted


def left_out(part: Part, stretches: Iterable[Stretch], parts: Parts, fps: float) -> list[Any]:
    """What was left out of one file, with times in the source."""
    found = [
        {"reason": "damaged", "start": start, "end": end, "frames": round((end - start) * fps)}
        for start, end in part.damaged
    ]
    for stretch in stretches:
        if stretch.reason in (None, "damaged"):  # of the damaged, not all frames have come
            continue
        times = parts.reader(stretch.part).scenes[stretch.scene].times
        entry: dict[str, Any] = {
            "reason": stretch.reason,
            "start": float(times[stretch.start]),
            "end": float(times[stretch.stop - 1]),
            "frames": stretch.frames,
        }
        if stretch.origin is not None:
            origin = stretch.origin
            first = parts.reader(origin.part).scenes[origin.scene].times[origin.frame]
            source = parts.parts[origin.part].source
            entry["copies"] = {"source": source, "start": float(first)}
        found.append(entry)
    return sorted(found, key=lambda entry: entry["start"])


def count_left_out(files: Iterable[dict[str, Any]], fps: float) -> dict[str, Any]:
    """For each reason how much was left out of all files."""
    counts: dict[str, Any] = {
        reason: {"stretches": 0, "frames": 0, "seconds": 0.0} for reason in REASONS
    }
    for file in files:
        for stretch in file.get("dropped", ()):
            count = counts[stretch["reason"]]
            count["stretches"] += 1
            count["frames"] += stretch["frames"]
            count["seconds"] = round(count["frames"] / fps, 3)
    return counts


def why_nothing_is_left(dropped: list[dict[str, Any]], min_frames: int, fps: float) -> str:
    """The reason to give for a file of which nothing is kept."""
    frames: dict[str, int] = {}
    for stretch in dropped:
        frames[stretch["reason"]] = frames.get(stretch["reason"], 0) + stretch["frames"]
    if set(frames) <= {"short"}:
        return f"no scene of {counted(min_frames, 'frame')} at {fps:g} per second"
    originals = sorted({s["copies"]["source"] for s in dropped if "copies" in s})
    most = max(frames, key=lambda reason: frames[reason])
    if most == "duplicate":
        return f"a copy of {originals[0]!r}" + (" and others" if originals[1:] else "")
    parts = ", ".join(f"{reason} {count / fps:g} s" for reason, count in frames.items())
    return f"nothing is left of it: {parts}"


def write_documents(
    folder: Path,
    videos: Path,
    options: Any,
    shape: tuple[int, int, float],
    ok: list[dict[str, Any]],
    skipped: list[dict[str, Any]],
) -> dict[str, Any]:
    """Write report.json and dataset.json into `folder`; returns the report.

    Nothing in them depends on the clock, the number of workers or the speed of the machine.

    Args:
        folder: where train and valid lie already.
        videos: what was ingested.
        options: the options of it, a dataclass with `workers`.
        shape: height, width and frames per second.
        ok: the entry of each file of which something is kept.
        skipped: the entry of each other file.
    """
    height, width, fps = shape
    splits = {name: _count(ok, name, fps) for name in ("train", "valid")}
    for name, counts in splits.items():
        counts["index_sha256"] = sha256_of(folder / name / "index.json")
    report = {
        "format": FORMAT,
        "videos": str(videos.resolve()),
        "options": dataclasses.asdict(options) | {"workers": 0, "engine": "local"},
        "split_by": "video" if len(ok) > 1 else "time",
        "splits": splits,
        "dropped": count_left_out([*ok, *skipped], fps),
        "warnings": _warnings(len(ok), splits),
        "ok": ok,
        "skipped": sorted(skipped, key=lambda entry: (entry["source"], entry["reason"])),
    }
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


def summary(report: dict[str, Any]) -> str:
    """A report in one line."""
    fps = report["options"]["fps"]
    kept = sum(split["frames"] for split in report["splits"].values()) / fps
    gone = {reason: count["seconds"] for reason, count in report["dropped"].items()}
    left_out = ", ".join(f"{reason} {seconds:.1f} s" for reason, seconds in gone.items() if seconds)
    files = f"{counted(len(report['ok']), 'file')} used, {len(report['skipped'])} not"
    return f"kept {kept:.1f} s ({files}); left out: {left_out or 'nothing'}"


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
