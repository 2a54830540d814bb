"""Apply a filter: the stretches that it keeps, as a folder of clips like any other."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from playworld.atomic import alone, new_folder
from playworld.config import InputError, to_dict
from playworld.curate.filter import Filter
from playworld.curate.options import ApplyOptions
from playworld.curate.quality_models import LEVELS
from playworld.curate.stretches import Footage, LabelStretch
from playworld.data.clips.shards import CHUNK_FRAMES, ShardWriter, sha256_of, write_json
from playworld.data.clips.split_names import SPLITS
from playworld.data.ingest.sources import check_target, own_clips
from playworld.machine import choose_device
from playworld.progress import Progress, silent
from playworld.words import counted

BINS = 10


@dataclass(frozen=True)
class StretchRun:
    """Stretches of one scene, one after the other, of the same fate."""

    stretches: tuple[LabelStretch, ...]
    chance: float
    """Mean over them; NaN where their bytes are damaged."""

    @property
    def frames(self) -> int:
        """Frames in all of them."""
        return sum(stretch.frames for stretch in self.stretches)


def apply_filter(
    clips: Path, filter: Path, out: Path, options: ApplyOptions, progress: Progress = silent
) -> dict[str, Any]:
    """Write to `out` what the filter keeps of `clips`; returns what `out`/report.json holds.

    `out` is a folder of clips that training reads. It appears whole or not at all, and each video
    stays on its side of the split.

    Raises:
        InputError: for folders that cannot be used, or where nothing to train on would be left.
    """
    clips, out = Path(clips), Path(out)
    check_target(clips, out)
    footage, quality = Footage(clips), Filter.load(filter)
    quality.check(footage)
    stretches = footage.stretches(quality.config.length)
    predicted = quality.predict(footage, stretches, choose_device(options.device), progress)
    chances = together(footage, stretches, predicted[:, LEVELS.index(options.keep)], options.whole)
    kept, dropped = runs(stretches, chances, chances >= options.confidence, options.min_frames)
    if not any(run.stretches[0].split == "train" for run in kept):
        raise InputError(
            f"nothing to train on would be left: no stretch reaches label {options.keep} with a "
            f"chance of {options.confidence:g}; ask for less with --keep or --confidence"
        )
    busy = f"another run is writing {out}; wait for it"
    with alone(out, busy), new_folder(out, own_clips) as folder:
        write_runs(footage, kept, folder)
        report = {
            "format": 1,
            "clips": str(clips.resolve()),
            "clips_sha256": footage.sha256,
            "filter": str(Path(filter).resolve()),
            "filter_sha256": quality.sha256,
            "options": to_dict(options),
            "splits": _splits(footage, kept, folder),
            **_summary(footage, stretches, chances, kept, dropped),
        }
        write_json(folder / "report.json", report)
        same = {key: footage.dataset[key] for key in footage.dataset if key != "splits"}
        write_json(folder / "dataset.json", same | {"splits": report["splits"]})
    return report


def together(
    footage: Footage,
    stretches: Sequence[LabelStretch],
    chances: Float[np.ndarray, " n"],
    whole: str,
) -> Float[np.ndarray, " n"]:
    """The chances, each replaced by the mean over its scene or video where that is kept whole.

    A damaged stretch has none, and stays without.
    """
    if whole == "stretch":
        return chances
    keys = [(s.split, s.scene) if whole == "scene" else footage.source(s) for s in stretches]
    groups: dict[Any, list[int]] = {}
    for number, key in enumerate(keys):
        if not np.isnan(chances[number]):
            groups.setdefault(key, []).append(number)
    result = chances.copy()
    for members in groups.values():
        result[members] = chances[members].mean()
    return result


def runs(
    stretches: Sequence[LabelStretch],
    chances: Float[np.ndarray, " n"],
    keep: Bool[np.ndarray, " n"],
    min_frames: int,
) -> tuple[list[StretchRun], list[StretchRun]]:
    """Neighbours of one scene with the same fate, joined; the kept ones and the dropped ones."""
    kept: list[StretchRun] = []
    dropped: list[StretchRun] = []
    fates = zip(stretches, chances, keep, strict=True)
    for (_, _, fate), group in groupby(fates, key=lambda f: (*f[0][:2], bool(f[2]))):
        members = list(group)
        run = StretchRun(tuple(m[0] for m in members), float(np.mean([m[1] for m in members])))
        (kept if fate and run.frames >= min_frames else dropped).append(run)
    return kept, dropped


def write_runs(footage: Footage, kept: Sequence[StretchRun], folder: Path) -> None:
    """Write the splits; chunks are copied as they are."""
    for split in SPLITS:
        with ShardWriter(folder / split, footage.height, footage.width, footage.fps) as writer:
            for run in kept:
                first = run.stretches[0]
                if first.split == split:
                    begin, end = first.start, first.start + run.frames
                    chunks = range(begin // CHUNK_FRAMES, -(-end // CHUNK_FRAMES))
                    writer.copy(footage.splits[split].shards, first.scene, chunks)


def _splits(
    footage: Footage, kept: Sequence[StretchRun], folder: Path
) -> dict[str, dict[str, Any]]:
    splits: dict[str, dict[str, Any]] = {}
    for split in SPLITS:
        own = [run for run in kept if run.stretches[0].split == split]
        frames = sum(run.frames for run in own)
        splits[split] = {
            "videos": len({footage.source(run.stretches[0]) for run in own}),
            "scenes": len(own),
            "frames": frames,
            "seconds": round(frames / footage.fps, 3),
            "index_sha256": sha256_of(folder / split / "index.json"),
        }
    return splits


def _summary(footage, stretches, chances, kept, dropped) -> dict[str, Any]:
    whole = chances[~np.isnan(chances)]
    histogram, _ = np.histogram(whole, bins=BINS, range=(0.0, 1.0))
    frames = {"kept": sum(r.frames for r in kept), "dropped": sum(r.frames for r in dropped)}
    videos = Counter(footage.source(run.stretches[0]) for run in kept)
    return {
        "frames": frames,
        "share_kept": frames["kept"] / (frames["kept"] + frames["dropped"]),
        "videos_kept": len(videos),
        "videos": len({footage.source(stretch) for stretch in stretches}),
        "damaged_stretches": int(np.isnan(chances).sum()),
        "histogram": histogram.tolist(),
        "kept": [_entry(footage, run) for run in kept],
        "dropped": [_entry(footage, run) for run in dropped],
    }


def _entry(footage: Footage, run: StretchRun) -> dict[str, Any]:
    first, last = run.stretches[0], run.stretches[-1]
    return {
        "source": footage.source(first),
        "split": first.split,
        "start": footage.times(first)[0],
        "end": footage.times(last)[1],
        "frames": run.frames,
        "chance": None if np.isnan(run.chance) else round(run.chance, 4),
    }


def format_report(report: dict[str, Any]) -> str:
    """What `playworld curate apply` prints: the shares, and how sure the filter was."""
    frames, options = report["frames"], report["options"]
    lines = [
        f"kept {frames['kept']:,} of {counted(frames['kept'] + frames['dropped'], 'frame')} "
        f"({report['share_kept']:.1%}), from {report['videos_kept']} of "
        f"{counted(report['videos'], 'video')}",
        *(
            f"  {split}: {counted(counts['videos'], 'video')}, "
            f"{counted(counts['scenes'], 'scene')}, "
            f"{counts['seconds'] / 60:.1f} minutes"
            for split, counts in report["splits"].items()
        ),
        f"chance of a label of {options['keep']} or above, stretches:",
    ]
    most = max(report["histogram"])
    for number, count in enumerate(report["histogram"]):
        low, high = number / BINS, (number + 1) / BINS
        mark = " kept from here on" if low <= options["confidence"] < high else ""
        bar = "#" * round(40 * count / most) if most else ""
        lines.append(f"  {low:.1f} to {high:.1f} {count:>7,}  {bar:<40}{mark}".rstrip())
    if report["damaged_stretches"]:
        lines.append(
            f"{counted(report['damaged_stretches'], 'damaged stretch', 'damaged stretches')} "
            "dropped"
        )
    if not report["splits"]["valid"]["scenes"]:
        lines.append("nothing is left for validation: no video on that side was kept")
    return "\n".join(lines)
