"""Extract frames of a video file into a file of their own, or join pictures; in a child process."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from playworld.config import InputError
from playworld.lfs import refuse_pointer

EXTRACT_SECONDS = 3600
"""Longest that extracting one episode may take."""


@dataclass(frozen=True)
class FrameTimes:
    """When the frames of a video file are shown."""

    ticks: tuple[int, ...]
    """Of every frame, ascending, in units of `base`."""
    base: Fraction
    """Seconds."""

    def times(self, first: int, count: int) -> tuple[float, ...]:
        """Seconds of so many frames after the first of them."""
        return tuple(
            float((tick - self.ticks[first]) * self.base)
            for tick in self.ticks[first : first + count]
        )


def list_frames(video: Path) -> FrameTimes:
    """When each frame of a video is shown.

    Raises:
        InputError: where the video cannot be read.
    """
    answer = _child({"do": "list", "path": _there(video)}, str(video))
    return _frame_times(answer)


def extract(
    video: Path, out: Path, frames: int, fps: float, window: tuple[int, int] | None = None
) -> tuple[str, FrameTimes]:
    """Put some frames of a video into a file of their own.

    Args:
        video: where they are.
        out: the new MP4.
        frames: how many.
        fps: frames per second, for the header of what is encoded anew.
        window: ticks of the first and the last one; those at the beginning if not given.

    Returns:
        "copied" where its packets could be taken as they are, else "encoded"; and, without a
        window, when all frames of the video are shown.

    Raises:
        InputError: where the video cannot be read or does not hold these frames.
    """
    request = {"do": "extract", "path": _there(video), "out": str(out.absolute()), "frames": frames}
    answer = _child(request | {"fps": _rate(fps), "window": window}, str(video))
    return answer["how"], _frame_times(answer)


def write_pictures(pictures: Sequence[bytes], out: Path, fps: float) -> None:
    """Encode pictures, PNG or JPEG and all of one size, as a video without a loss.

    Raises:
        InputError: where one cannot be read.
    """
    request = {"do": "pictures", "out": str(out.absolute()), "fps": _rate(fps)}
    framed = b"".join(len(p).to_bytes(8, "big") + p for p in pictures)
    _child(request, "it", framed)


def _there(video: Path) -> str:
    if not video.is_file():
        raise InputError(f"{video} does not exist")
    refuse_pointer(video)
    return str(video.absolute())


def _rate(fps: float) -> list[int]:
    rate = Fraction(fps).limit_denominator(1001)
    return [rate.numerator, rate.denominator]


def _frame_times(answer: dict[str, Any]) -> FrameTimes:
    return FrameTimes(tuple(answer.get("ticks", ())), Fraction(*answer["base"]))


def _child(request: dict[str, Any], what: str, content: bytes = b"") -> dict[str, Any]:
    """What the child process answers; `what` is where a reason begins."""
    command = [sys.executable, "-P", str(Path(__file__).with_name("extract_process.py"))]
    try:
        child = subprocess.run(
            [*command, json.dumps(request)],
            input=content,
            capture_output=True,
            timeout=EXTRACT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"{what} took longer than {EXTRACT_SECONDS} s to cut") from None
    if not child.stdout:
        raise InputError(f"{what}: FFmpeg crashed (exit code {child.returncode})")
    answer: dict[str, Any] = json.loads(child.stdout)
    if "reason" in answer:
        raise InputError(f"{what} {answer['reason']}")
    return answer
