"""Known datasets -> video files with their true actions beside them, as `record` writes them."""

import json
import logging
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from playworld.config import InputError
from playworld.data.actions import ACTIONS_SUFFIX, as_json
from playworld.data.lerobot import Dataset, Episode
from playworld.data.options import ImportOptions
from playworld.data.recordings import UNFINISHED, clear_stale

log = logging.getLogger(__name__)

Progress = Callable[[int, int, str], None]
CUT_SECONDS = 3600
"""Longest that cutting one episode may take."""


def import_dataset(
    folder: Path, out: Path, options: ImportOptions, progress: Progress | None = None
) -> dict[str, int]:
    """Write one video per episode into `out`, with its true actions beside it.

    Frames are those of the dataset, one for one, and packets are copied where that gives exactly
    these. An episode that cannot be used is said in the log and passed over. Files appear whole or
    not at all; an episode that is there already is replaced.

    Returns:
        Counts: `episodes` and `frames` written, how many were `copied` and `encoded`, `skipped`.

    Raises:
        InputError: where there is no such dataset or camera, or no episode that can be used.
    """
    dataset = Dataset.open(folder, options.camera)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: import needs a folder to write videos into")
    episodes = dataset.episodes()
    out.mkdir(parents=True, exist_ok=True)
    clear_stale(out)
    counts = dict.fromkeys(("episodes", "frames", "copied", "encoded", "skipped"), 0)
    for number, episode in enumerate(episodes, start=1):
        try:
            counts[_import_episode(dataset, episode, out)] += 1
            counts["episodes"] += 1
            counts["frames"] += episode.frames
        except (OSError, ValueError, TypeError) as error:
            counts["skipped"] += 1
            log.warning("episode %d is left out: %s", episode.index, error)
        if progress is not None:
            progress(number, len(episodes), f"{counts['frames']} frames")
    if not counts["episodes"]:
        raise InputError(f"{folder}: none of its {len(episodes)} episodes can be used")
    return counts


def _import_episode(dataset: Dataset, episode: Episode, out: Path) -> str:
    """Write both files; returns "copied" or "encoded"."""
    view = dataset.camera.rsplit(".", 1)[-1]
    stem = re.sub(r"[^\w-]", "-", f"{dataset.folder.resolve().name}-{view}")
    stem += f"-{episode.index:06d}"
    about = {
        "dataset": dataset.folder.resolve().name,
        "camera": dataset.camera,
        "episode": episode.index,
        "tasks": list(episode.tasks),
    }
    truth = as_json(dataset.actions(episode), dataset.fps, about)
    # The actions first: a video whose truth is missing would count as one without any.
    with tempfile.TemporaryDirectory(dir=out, prefix=UNFINISHED) as scratch:
        text, video = Path(scratch, "actions.json"), Path(scratch, "video.mp4")
        text.write_text(json.dumps(truth, allow_nan=False))
        how = cut(episode.video, video, episode.start, episode.frames, dataset.fps)
        text.replace(out / f"{stem}{ACTIONS_SUFFIX}")
        video.replace(out / f"{stem}.mp4")
    return how


def cut(video: Path, out: Path, start: float, frames: int, fps: float) -> str:
    """Put so many frames of a video, from `start` seconds on, into a file of their own.

    Returns:
        "copied" where its packets could be taken as they are, else "encoded".

    Raises:
        InputError: where the video cannot be read or does not hold these frames.
    """
    if not video.is_file():
        raise InputError(f"{video} does not exist")
    if not (frames >= 1 and 0 <= start < 1e6):
        raise InputError(f"{frames} frames from {start} s on are none")
    rate = Fraction(fps).limit_denominator(1001)
    request = {
        "path": str(video.absolute()),
        "out": str(out.absolute()),
        "start": start,
        "frames": frames,
        "fps": [rate.numerator, rate.denominator],
    }
    command = [sys.executable, "-P", str(Path(__file__).with_name("cutter.py"))]
    try:
        child = subprocess.run(
            [*command, json.dumps(request)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"{video} took longer than {CUT_SECONDS} s to cut") from None
    if not child.stdout:
        raise InputError(f"{video}: FFmpeg crashed (exit code {child.returncode})")
    answer = json.loads(child.stdout)
    if "reason" in answer:
        raise InputError(f"{video} {answer['reason']}")
    return answer["how"]
