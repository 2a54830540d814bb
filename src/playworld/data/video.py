"""One video file to frames at a given rate and size, decoded in a child process.

The child is `decoder.py`, started afresh for each file (never forked from a process that runs
threads) with limits on memory, processor time and silence. It is a plain subprocess and not
`multiprocessing`'s spawn, which would import the caller's main script again, torch and all. Frames
come back in batches through a pipe that the child cannot run ahead of, so memory stays bounded
whatever the length of the video.
"""

import io
import json
import os
import re
import selectors
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, cast

import numpy as np
from jaxtyping import UInt8

from playworld.config import InputError

HOLD_SECONDS = 10.0
"""A frame that stays on the screen longer than this is held this long, then time jumps."""

MAX_BATCH_FRAMES = 16
_HEADER = struct.Struct("<cI")


class VideoError(InputError):
    """A file that cannot be used as a video; the message is the reason, without the path."""


@dataclass(frozen=True)
class DecodeLimits:
    """What decoding one file may cost."""

    memory_mb: int = 4096
    """Address space of the child in MiB."""
    stall_seconds: float = 60.0
    """Longest wait for a sign of life."""
    total_seconds: float = 6 * 3600.0
    """Longest time spent waiting for the child in all, and its processor time."""


@dataclass(frozen=True)
class VideoInfo:
    """What a file says about its video stream."""

    width: int
    """Pixels as stored."""
    height: int
    """Pixels as stored."""
    rotation: float
    """Degrees counterclockwise that turn the stored picture upright."""
    fps: float | None
    """Average frames per second, where known."""
    duration: float | None
    """Seconds, where known."""
    codec: str
    """FFmpeg's name of the codec."""
    container: str
    """FFmpeg's name of the container."""


def probe(path: Path, limits: DecodeLimits | None = None) -> VideoInfo:
    """Open a file and decode one frame of it.

    Raises:
        VideoError: where it is no video.
    """
    with Decoding(path, limits=limits) as decoding:
        return decoding.info


def read_frames(
    path: Path,
    fps: float,
    size: tuple[int, int],
    fit: Literal["crop", "pad"] = "crop",
    limits: DecodeLimits | None = None,
) -> Iterator[tuple[float, UInt8[np.ndarray, "H W 3"]]]:
    """Frames at `fps` and `size` (width, height), each with the time it was shown in the source.

    The frame at time k / fps is the last one that the source has shown by then, whatever its own
    frame rate, fixed or not; its time, in seconds since the first frame, is the source's. The
    picture is scaled without stretching, then its edges are cut off ("crop") or black bars added
    ("pad").

    Raises:
        VideoError: where the file is no video, is damaged, or goes past `limits`.
    """
    with Decoding(path, fps, size, fit, limits) as decoding:
        yield from decoding


class Decoding:
    """A child process that decodes one file; iterate over it once. Leaving it ends the child."""

    def __init__(
        self,
        path: Path,
        fps: float | None = None,
        size: tuple[int, int] = (1, 1),
        fit: Literal["crop", "pad"] = "crop",
        limits: DecodeLimits | None = None,
    ) -> None:
        self.limits = limits or DecodeLimits()
        self.width, self.height = size
        rate = Fraction(fps or 1).limit_denominator(1001)
        request = {
            "path": os.fsencode(Path(path).absolute()).hex(),
            "frames": fps is not None,
            "fps": [rate.numerator, rate.denominator],
            "width": self.width,
            "height": self.height,
            "fit": fit,
            "hold_seconds": HOLD_SECONDS,
            "memory_mb": self.limits.memory_mb,
            "total_seconds": self.limits.total_seconds,
        }
        self._waited = 0.0
        self._start(json.dumps(request))
        try:
            kind, payload = self._receive()
            if kind != b"I":
                raise VideoError("the decoder broke off before the first frame")
            self.info = VideoInfo(**json.loads(payload))
        except BaseException:
            self.close()
            raise

    def _start(self, request: str) -> None:
        program = str(Path(__file__).with_name("decoder.py"))
        # One thread per child: ingest runs a child per core, and BLAS is never used there.
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", program, request],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=environment,
            # Ctrl-C is for us: the child ends when we close its standard input.
            start_new_session=True,
        )
        self._pipe = cast(io.FileIO, self._process.stdout)  # unbuffered, so no BufferedReader
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._pipe, selectors.EVENT_READ)

    def __enter__(self) -> "Decoding":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child, whatever it is doing."""
        self._selector.close()
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def __iter__(self) -> Iterator[tuple[float, UInt8[np.ndarray, "H W 3"]]]:
        """Frames with their times in the source."""
        while True:
            kind, payload = self._receive()
            if kind == b"D":
                return
            if kind != b"F":
                raise VideoError("the decoder sent something unexpected")
            yield from self._frames(payload)

    def _frames(self, payload: bytearray) -> Iterator[tuple[float, np.ndarray]]:
        per_frame = 8 + self.height * self.width * 3
        count = len(payload) // per_frame
        times = np.frombuffer(payload, dtype="<f8", count=count)
        pixels = np.frombuffer(payload, dtype=np.uint8, offset=8 * count)
        frames = pixels.reshape(count, self.height, self.width, 3)
        yield from zip(times.tolist(), frames, strict=True)

    def _receive(self) -> tuple[bytes, bytearray]:
        """The next message; an error message is raised."""
        kind, length = _HEADER.unpack(self._read(_HEADER.size))
        per_frame = 8 + self.height * self.width * 3
        whole = kind != b"F" or length % per_frame == 0
        if length > max(2**16, MAX_BATCH_FRAMES * per_frame) or not whole:
            raise VideoError("the decoder sent something unexpected")
        payload = self._read(length)
        if kind == b"E":
            raise VideoError(str(json.loads(payload)["reason"]))
        return kind, payload

    def _read(self, count: int) -> bytearray:
        """Exactly `count` bytes from the child, within the limits."""
        data = bytearray(count)
        view = memoryview(data)
        while view:
            self._wait()
            read = self._pipe.readinto(view)
            if not read:
                raise VideoError(self._cause_of_death())
            view = view[read:]
        return data

    def _wait(self) -> None:
        limit = min(self.limits.stall_seconds, self.limits.total_seconds - self._waited)
        start = time.monotonic()
        ready = self._selector.select(max(limit, 0.0))
        self._waited += time.monotonic() - start
        if not ready:
            if self._waited >= self.limits.total_seconds:
                raise VideoError(f"took longer than {self.limits.total_seconds:g} s to decode")
            raise VideoError(f"the decoder was silent for {self.limits.stall_seconds:g} s")

    def _cause_of_death(self) -> str:
        code = self._process.wait()
        if code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"signal {-code}"
            return f"the decoder crashed ({name})"
        return f"the decoder ended early (exit code {code})"


def parse_size(text: str) -> tuple[int, int]:
    """Width and height in pixels from text such as "160x90".

    Raises:
        InputError: where the text is something else or the size is out of range.
    """
    match = re.fullmatch(r"([0-9]{1,5})[xX]([0-9]{1,5})", text)
    if match is None:
        raise InputError(f"a size is WIDTHxHEIGHT in pixels, for example 64x64, got {text!r}")
    width, height = int(match[1]), int(match[2])
    if not (8 <= width <= 2048 and 8 <= height <= 2048):
        raise InputError(f"width and height should be 8 to 2048 pixels, got {text!r}")
    return width, height
