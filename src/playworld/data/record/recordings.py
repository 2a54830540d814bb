"""Recordings: lossless video files with what was really done beside them (docs/record.md)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from jaxtyping import UInt8

from playworld.atomic import cannot_save, fsync, is_full, temporary_folder
from playworld.data.record.actions import ACTIONS_SUFFIX, Actions, ContinuousActions, as_json
from playworld.data.record.games import FPS


def write_recording(
    out: Path,
    stem: str,
    frames: Iterable[UInt8[np.ndarray, "H W 3"]],
    actions: Sequence[int] | Sequence[Sequence[float]],
    names: Sequence[str],
    fps: float,
    about: Mapping[str, object],
) -> None:
    """Write a video and its true actions as `stem`.mp4 and `stem`.actions.json into `out`.

    Each file appears whole or not at all.

    Args:
        out: a folder.
        stem: what the files are called.
        frames: at least one.
        actions: the action taken from each frame, an index into `names` or a number for each of
            them; there may be none from the last frame.
        names: what each action, or each number, is called.
        fps: frames per second.
        about: what else the action file says.
    """
    times = tuple(k / fps for k in range(len(actions)))
    numbers = any(isinstance(row, Sequence) for row in actions)
    kind: Any = ContinuousActions if numbers else Actions
    truth: Actions | ContinuousActions = kind(times, tuple(actions), tuple(names))
    # The actions first: a video whose truth is missing would count as one without any.
    with unfinished(out, stem) as (text, video):
        text.write_text(json.dumps(as_json(truth, fps, about)))
        write_video(video, frames, fps)


@contextmanager
def unfinished(out: Path, stem: str) -> Iterator[tuple[Path, Path]]:
    """Two paths for the action file, if there is one, and the video: they go into `out` as `stem`.

    Raises:
        CannotSave: where the disk is full or fails.
    """
    with temporary_folder(out, "episode") as folder:
        text, video = folder / "actions.json", folder / "video.mp4"
        try:
            yield text, video
            fsync(video)
            if text.exists():
                fsync(text)
                text.replace(out / f"{stem}{ACTIONS_SUFFIX}")
            else:  # of an older import that had some
                (out / f"{stem}{ACTIONS_SUFFIX}").unlink(missing_ok=True)
            video.replace(out / f"{stem}.mp4")
        except OSError as error:
            if not is_full(error):
                raise
            written = sum(path.stat().st_size for path in (text, video) if path.exists())
            raise cannot_save(out / f"{stem}.mp4", written + 1, error) from error
    fsync(out)


def write_video(path: Path, frames: Iterable[UInt8[np.ndarray, "H W 3"]], fps: float = FPS) -> None:
    """Write frames, at least one, as H.264 in MP4, losslessly.

    RGB at CRF 0 decodes to the very same bytes. YUV at CRF 0 takes half as much and is not quite
    the same, and 4:2:0 blurs such sprites: `benchmarks/recordings.py` has the figures.
    """
    rest = iter(frames)
    first = next(rest)
    with av.open(str(path), "w", format="mp4") as container:
        rate = Fraction(fps).limit_denominator(1001)
        stream = container.add_stream("libx264rgb", rate=rate)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "rgb24"
        stream.time_base = 1 / rate
        stream.options = {"crf": "0", "preset": "medium"}
        # One thread: the bytes of the file then do not depend on the machine's number of cores.
        stream.codec_context.thread_count = 1
        for frame in chain([first], rest):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
