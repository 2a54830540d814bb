"""One video file to frames at a given rate and size, decoded in a child process.

The child comes from a `ForkServer` and serves one file only, with limits on memory, processor time
and silence. Frames come back in batches through a socket that the child cannot run ahead of, so
memory stays bounded whatever the length of the video.
"""

import json
import os
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from playworld.config import InputError
from playworld.data.video.fork_server import ForkServer

HOLD_SECONDS = 10.0
"""A frame that stays on the screen longer than this is held this long, then time jumps."""

MAX_BATCH_FRAMES = 16
_HEADER = struct.Struct("<cI")
_TIME = struct.Struct("<d")


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
    dynamic_range: str
    """SDR, HDR (PQ) or HDR (HLG); of the latter two an SDR picture is made."""
    bars: Sequence[int]
    """Pixels of black bar at the sides, and at top and bottom, that were looked for and found."""


def probe(
    path: Path, limits: DecodeLimits | None = None, fork_server: ForkServer | None = None
) -> VideoInfo:
    """Open a file and decode one frame of it.

    Raises:
        VideoError: where it is no video.
    """
    with Decoding(path, limits=limits, fork_server=fork_server) as decoding:
        return decoding.info


def read_frames(
    path: Path,
    fps: float,
    size: tuple[int, int],
    fit: Literal["crop", "pad"] = "crop",
    limits: DecodeLimits | None = None,
    fork_server: ForkServer | None = None,
    bars: bool = False,
) -> Iterator[tuple[float, UInt8[np.ndarray, "H W 3"]]]:
    """Frames at `fps` and `size` (width, height), each with the time it was shown in the source.

    The frame at time k / fps is the last one that the source has shown by then, whatever its own
    frame rate, fixed or not; its time, in seconds since the first frame, is the source's. The
    picture is scaled without stretching, then its edges are cut off ("crop") or black bars added
    ("pad"). With a `fork_server`, a file takes a tenth of a second less to open. With `bars`, black
    bars around the picture are looked for and cut away first.

    Raises:
        VideoError: where the file is no video, is damaged, or goes past `limits`.
    """
    with Decoding(path, fps, size, fit, limits, fork_server, bars) as decoding:
        yield from decoding


class Decoding:
    """A child process that decodes one file; iterate over it once. Leaving it ends the child.

    Without a `fork_server` it starts one for itself, which takes a tenth of a second.

    Raises:
        VideoError: as `read_frames` does.
        Stopped: where the fork server is closed meanwhile.
    """

    def __init__(
        self,
        path: Path,
        fps: float | None = None,
        size: tuple[int, int] = (1, 1),
        fit: Literal["crop", "pad"] = "crop",
        limits: DecodeLimits | None = None,
        fork_server: ForkServer | None = None,
        bars: bool = False,
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
            "bars": bars,
            "hold_seconds": HOLD_SECONDS,
            "memory_mb": self.limits.memory_mb,
            "total_seconds": self.limits.total_seconds,
        }
        self._waited = 0.0
        self.breaks: set[float] = set()
        """Times of frames, of those read so far, that do not follow on the one before."""
        self.damaged: list[tuple[float, float]] = []
        """Start and end of stretches that were left out as damaged; known once all is read."""
        with ExitStack() as stack:
            self.child = (fork_server or stack.enter_context(ForkServer())).start()
            stack.callback(self.child.end)
            self.child.ask(json.dumps(request).encode())
            kind, payload = self._receive()
            if kind != b"I":
                raise VideoError("the decoder broke off before the first frame")
            self.info = VideoInfo(**json.loads(payload))
            self._stack = stack.pop_all()

    def __enter__(self) -> "Decoding":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child, whatever it is doing."""
        self._stack.close()

    def __iter__(self) -> Iterator[tuple[float, UInt8[np.ndarray, "H W 3"]]]:
        """Frames with their times in the source."""
        while True:
            kind, payload = self._receive()
            match kind:
                case b"D":
                    self.damaged = [(start, end) for start, end in json.loads(payload)["damaged"]]
                    return
                case b"S" if len(payload) == _TIME.size:
                    self.breaks.add(*_TIME.unpack(payload))
                case b"F":
                    yield from self._frames(payload)
                case _:
                    raise VideoError("the decoder sent something unexpected")

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
            read = self._read_some(view)
            if not read:
                raise VideoError(self.child.cause_of_death())
            view = view[read:]
        return data

    def _read_some(self, view: memoryview) -> int:
        limit = min(self.limits.stall_seconds, self.limits.total_seconds - self._waited)
        start = time.monotonic()
        try:
            self.child.socket.settimeout(max(limit, 0.001))
            return self.child.socket.recv_into(view)
        except ConnectionResetError:  # it died before it had read the request
            return 0
        except TimeoutError:
            if limit < self.limits.stall_seconds:
                reason = f"took longer than {self.limits.total_seconds:g} s to decode"
            else:
                reason = f"the decoder was silent for {self.limits.stall_seconds:g} s"
            raise VideoError(reason) from None
        finally:
            self._waited += time.monotonic() - start
