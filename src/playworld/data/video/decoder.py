"""The child process that decodes one video file: a stranger's file crashes or hangs it, not us.

`fork_server.py` starts it in an interpreter of its own, where it loads FFmpeg and then forks a
child for each file on request. A fault in FFmpeg ends a process that holds nothing else. The child
reads a request (a length of 4 bytes, then JSON) from its socket and writes messages to it, each a
kind (1 byte), a length (4 bytes) and a payload:

    I  JSON, what the video is (first, once)
    F  n float64 times and n frames of height x width x 3 bytes; n is 1 to 16
    S  float64, the time of the next frame, which does not follow on the one before
    E  JSON, why the video cannot be used (last)
    D  JSON, how many frames were decoded, and which stretches were damaged (last)
"""

import json
import os
import socket
import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import av

from playworld.data.video.containers import (
    OpenVideo,
    Unusable,
    open_container,
    open_video,
    video_of,
)
from playworld.data.video.display import HDR, UNREADABLE, Resizer
from playworld.data.video.fork_loop import fork_loop, limit
from playworld.data.video.frames import Timed
from playworld.data.video.letterbox import find_bars, may_have_bars

BATCH_FRAMES = 16
# Clocks of milliseconds (Matroska, FLV) round: at 30 fps a frame due at 100 ms may claim 101.
CLOCK_SLACK = Fraction(1, 500)


def main() -> None:
    """Fork a decoder for each request."""
    av.logging.set_level(av.logging.PANIC)
    fork_loop(_decode)


def _decode(connection: socket.socket) -> None:
    """Serve the one request of this process."""
    length = struct.unpack("<I", connection.recv(4, socket.MSG_WAITALL))[0]
    request = json.loads(connection.recv(length, socket.MSG_WAITALL))
    out = connection.fileno()
    try:
        _send(out, b"D", json.dumps(_run(request, out)).encode())
    except ConnectionError:
        pass  # the parent has closed its end
    except MemoryError:
        _fail(out, f"needs more than {request['memory_mb']} MB of memory")
    except Unusable as error:
        _fail(out, str(error))
    except Exception as error:  # PyAV lets UnicodeDecodeError, IndexError and others through
        _fail(out, f"{type(error).__name__}: {error}")


def _fail(out: int, reason: str) -> None:
    try:
        _send(out, b"E", json.dumps({"reason": " ".join(reason.split())[:300]}).encode())
    except ConnectionError:
        pass


def _send(out: int, kind: bytes, *parts: bytes) -> None:
    view = memoryview(b"".join([kind, struct.pack("<I", sum(map(len, parts))), *parts]))
    while view:
        view = view[os.write(out, view) :]


def _run(request: dict[str, Any], out: int) -> dict[str, Any]:
    """Decode, resample and resize; returns what the last message says."""
    limit(request["memory_mb"], int(request["total_seconds"]) + 1)
    path = os.fsdecode(bytes.fromhex(request["path"]))
    video = open_video(path)
    first = next(video.frames, None)
    if first is None:
        raise Unusable("holds no frame that can be decoded")
    if matrix := UNREADABLE.get(first[1].colorspace):
        raise Unusable(f"its colours are coded as {matrix}; convert it to BT.709 first")
    bars = _bars(path, first[1]) if request["bars"] and video.seekable else (0, 0)
    _send(out, b"I", json.dumps(_info(video, first[1]) | {"bars": bars}).encode())
    if not request["frames"]:
        return {"decoded": 1}
    size = request["width"], request["height"]
    resizer = Resizer(*size, request["fit"], video.aspect, bars)
    return _stream_frames(first, video, resizer, request, out)


def _bars(path: str, first: Any) -> tuple[int, int]:
    """Black bars at the sides, and at top and bottom, in pixels; none where there is any doubt."""
    try:
        if not may_have_bars(first):
            return 0, 0
        with open_container(path) as container:
            return find_bars(container, video_of(container))
    except Exception:  # the file is decoded from its start next, and that will say what is wrong
        return 0, 0


def _info(video: OpenVideo, frame: Any) -> dict[str, Any]:
    return {
        "width": frame.width,
        "height": frame.height,
        "rotation": frame.rotation,
        "fps": video.fps,
        "duration": video.duration,
        "codec": video.codec,
        "container": video.container,
        "dynamic_range": HDR.get(frame.color_trc, "SDR"),
    }


def _stream_frames(
    first: Timed,
    video: OpenVideo,
    resizer: Resizer,
    request: dict[str, Any],
    out: int,
) -> dict[str, Any]:
    batch: list[tuple[float, bytes]] = []
    decoded = 1

    def flush() -> None:
        times = struct.pack(f"<{len(batch)}d", *(time for time, _ in batch))
        _send(out, b"F", times, *(pixels for _, pixels in batch))
        batch.clear()

    def counted() -> Iterator[Timed]:
        nonlocal decoded
        for item in video.frames:
            decoded += 1
            yield item

    fps, hold = Fraction(*request["fps"]), Fraction(request["hold_seconds"])
    breaks, known = video.losses.breaks, 0
    for time, frame, count in resample(first, counted(), fps, hold, breaks):
        if known < len(breaks) and time >= breaks[known]:
            known = bisect_right(breaks, time)
            if batch:
                flush()
            _send(out, b"S", struct.pack("<d", time))
        pixels = resizer.resize(frame)
        for _ in range(count):
            batch.append((float(time), pixels))
            if len(batch) == BATCH_FRAMES:
                flush()
    if batch:
        flush()
    damaged = [(float(start), float(end)) for start, end in video.losses.damaged]
    return {"decoded": decoded, "damaged": damaged}


def resample(
    first: Timed,
    rest: Iterator[Timed],
    fps: Fraction,
    hold: Fraction,
    breaks: Sequence[Fraction] = (),
) -> Iterator[tuple[Fraction, Any, int]]:
    """Which frames are on the screen at 0, 1 / fps, 2 / fps, ... and how often each is.

    At every such time it is the last frame that has been shown by then. A frame that stays for
    longer than `hold` seconds is held that long, and the times in between are left out. Before a
    frame that makes `breaks` longer, nothing is held for longer than it was meant to be.
    """
    (time, frame), k = first, 0
    before, due = None, CLOCK_SLACK  # who is shown at k / fps is known after `due`
    known = len(breaks)

    def count_until(end: Fraction) -> int:
        nonlocal k
        start, k = k, max(k, _ceil((end - CLOCK_SLACK) * fps))
        return min(k, _ceil((time + hold) * fps)) - start

    def count_last() -> int:
        step = 1 / fps if before is None else time - before
        shown = frame.duration * Fraction(frame.time_base) if frame.duration else step
        return count_until(time + max(shown, 2 * CLOCK_SLACK))

    for next_time, next_frame in rest:
        if len(breaks) > known:
            known = len(breaks)
            if (count := count_last()) > 0:
                yield time, frame, count
            k = max(k, _ceil((next_time - CLOCK_SLACK) * fps))
            before, time, frame = None, next_time, next_frame
            due = k / fps + CLOCK_SLACK
            continue
        if next_time > due:
            if (count := count_until(next_time)) > 0:
                yield time, frame, count
            due = k / fps + CLOCK_SLACK
        before, time, frame = time, next_time, next_frame
    if (count := count_last()) > 0:
        yield time, frame, count


def _ceil(x: Fraction) -> int:
    return -(-x.numerator // x.denominator)
