"""The child process that decodes one video file: a stranger's file crashes or hangs it, not us.

`nursery.py` runs this file by its path, so it imports nothing of playworld: it starts in a fraction
of a second, loads FFmpeg and then forks a child for each file on request. A fault in FFmpeg ends a
process that holds nothing else. The child reads a request (a length of 4 bytes, then JSON) from its
socket and writes messages to it, each a kind (1 byte), a length (4 bytes) and a payload:

    I  JSON, what the video is (first, once)
    F  n float64 times and n frames of height x width x 3 bytes; n is 1 to 16
    E  JSON, why the video cannot be used (last)
    D  JSON, how many frames were decoded (last)
"""

import functools
import json
import os
import runpy
import signal
import socket
import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

# FFmpeg opens other files for some inputs (a text file named clip.mp4 can be a playlist), so only
# containers that hold their own video are let in. A name matches FFmpeg's name of the demuxer.
CONTAINERS = (
    "3g2,3gp,apng,asf,av1,avi,dv,flv,gif,h261,h263,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mp4,mpeg,"
    "mpegts,mpegvideo,mxf,nut,obu,ogg,rm,vc1,webm,wtv,yuv4mpegpipe"
)
COMMAND = struct.Struct("<ci")
REPLY = struct.Struct("<i")
MAX_PIXELS = 2**26
BATCH_FRAMES = 16
# Clocks of milliseconds (Matroska, FLV) round: at 30 fps a frame due at 100 ms may claim 101.
CLOCK_SLACK = Fraction(1, 500)


class Unusable(Exception):
    """The video cannot be used, for the reason given."""


def main() -> None:
    """Fork a decoder for each command `+` (with its socket), end it at `-`, all at the end."""
    import av
    import av.video.reformatter

    av.logging.set_level(av.logging.PANIC)
    control = socket.socket(fileno=0)
    living: set[int] = set()
    while True:
        command, descriptors, _, _ = socket.recv_fds(control, COMMAND.size, 1, socket.MSG_WAITALL)
        if not command:
            break
        kind, pid = COMMAND.unpack(command)
        if kind == b"+":
            pid = os.fork()
            if pid == 0:
                control.close()
                _decode(socket.socket(fileno=descriptors[0]))
                os._exit(0)
            os.close(descriptors[0])
            living.add(pid)
            control.sendall(REPLY.pack(pid))
        else:
            os.kill(pid, signal.SIGKILL)  # not waited for yet, so the number is still its own
            living.remove(pid)
            control.sendall(REPLY.pack(os.waitpid(pid, 0)[1]))
    for pid in living:
        os.kill(pid, signal.SIGKILL)


def _decode(connection: socket.socket) -> None:
    """Serve the one request of this process."""
    length = struct.unpack("<I", connection.recv(4, socket.MSG_WAITALL))[0]
    request = json.loads(connection.recv(length, socket.MSG_WAITALL))
    out = connection.fileno()
    try:
        _send(out, b"D", json.dumps(_run(request, out)).encode())
    except ConnectionError:
        pass  # the parent has seen enough
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


def _limit(request: dict[str, Any]) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; the parent's clock still holds
        return
    memory = request["memory_mb"] * 2**20
    cpu = int(request["total_seconds"]) + 1
    limits = [("RLIMIT_AS", memory), ("RLIMIT_CPU", cpu), ("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0)]
    for name, value in limits:
        try:
            resource.setrlimit(getattr(resource, name), (value, value))
        except (OSError, ValueError):  # macOS refuses RLIMIT_AS; a lower hard limit also stays
            continue


def _run(request: dict[str, Any], out: int) -> dict[str, Any]:
    """Decode, resample and resize; returns what the last message says."""
    _limit(request)
    path = os.fsdecode(bytes.fromhex(request["path"]))
    container = _open(path)
    with container:
        stream = _video_of(container)
        frames = _timed_frames(container, stream)
        first = next(frames, None)
        if first is None:
            raise Unusable("holds no frame that can be decoded")
        bars = _bars(path, first[1]) if request["bars"] else (0, 0)
        info = _info(container, stream, first[1]) | {"bars": bars}
        _send(out, b"I", json.dumps(info).encode())
        if not request["frames"]:
            return {"decoded": 1}
        context = stream.codec_context
        aspect = Fraction(stream.sample_aspect_ratio or context.sample_aspect_ratio or 1)
        size = request["width"], request["height"]
        resizer = _Resizer(*size, request["fit"], aspect, bars)
        return _stream_frames(first, frames, resizer, request, out)


def _open(path: str) -> Any:
    """The container of a file.

    Raises:
        Unusable: where it is none, or one that is not let in.
    """
    import av

    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    try:
        return av.open(path, options=options, metadata_errors="replace")
    except av.error.MemoryError:
        raise MemoryError from None
    except av.error.ArgumentError:  # no demuxer, or none of those let in
        raise Unusable("not a video in a container that is known") from None
    except (av.error.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise Unusable(f"not a video that can be read ({reason})") from None


def _video_of(container: Any) -> Any:
    """The video stream, set up to be decoded; raises Unusable where there is none."""
    import av

    stream = container.streams.best("video")
    if stream is None or stream.disposition & av.stream.Disposition.attached_pic:
        raise Unusable("holds no video stream")
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    return stream


def _bars(path: str, first: Any) -> tuple[int, int]:
    """Black bars at the sides, and at top and bottom, in pixels; none where there is any doubt."""
    functions = runpy.run_path(os.path.join(os.path.dirname(__file__), "bars.py"))
    try:
        if not functions["may_have_bars"](first):
            return 0, 0
        with _open(path) as container:
            return functions["find_bars"](container, _video_of(container))
    except Exception:  # the file is decoded from its start next, and that will say what is wrong
        return 0, 0


def _info(container: Any, stream: Any, frame: Any) -> dict[str, Any]:
    rate = stream.average_rate or stream.guessed_rate
    duration = stream.duration * stream.time_base if stream.duration else None
    if duration is None and container.duration:
        duration = Fraction(container.duration, 1_000_000)
    return {
        "width": frame.width,
        "height": frame.height,
        "rotation": frame.rotation,
        "fps": float(rate) if rate else None,
        "duration": float(duration) if duration is not None else None,
        "codec": stream.codec_context.name,
        "container": container.format.name,
    }


def _timed_frames(container: Any, stream: Any) -> Iterator[tuple[Fraction, Any]]:
    """Decoded frames with their times in seconds since the first one, rising.

    Raises:
        Unusable: on damage past the first frame. Before it, undecodable packets are passed over:
            a recording of a broadcast starts in the middle of a group of pictures.
    """
    import av

    start = base = last = None
    step = 1 / Fraction(stream.average_rate or stream.guessed_rate or 25)
    for packet in container.demux(stream):
        try:
            decoded = packet.decode()
        except av.error.InvalidDataError as error:
            if last is None:
                continue
            raise Unusable(f"damaged {float(last):.1f} s in ({error.strerror})") from None
        for frame in decoded:
            if frame.is_corrupt and last is not None:
                raise Unusable(f"damaged {float(last):.1f} s in")
            if (ticks := frame.pts) is not None and (base := base or frame.time_base):
                start = ticks if start is None else start
                time = (ticks - start) * base
            else:  # raw streams carry no clock
                time = Fraction(0) if last is None else last + step
            if last is None or time > last:
                last = time
                yield time, frame
            elif time < last - 1:
                raise Unusable(f"its clock jumps back {float(last - time):.1f} s")


def _stream_frames(
    first: tuple[Fraction, Any],
    frames: Iterator[tuple[Fraction, Any]],
    resizer: "_Resizer",
    request: dict[str, Any],
    out: int,
) -> dict[str, Any]:
    batch: list[tuple[float, bytes]] = []
    decoded = 1

    def flush() -> None:
        times = struct.pack(f"<{len(batch)}d", *(time for time, _ in batch))
        _send(out, b"F", times, *(pixels for _, pixels in batch))
        batch.clear()

    def counted() -> Iterator[tuple[Fraction, Any]]:
        nonlocal decoded
        for item in frames:
            decoded += 1
            yield item

    fps, hold = Fraction(*request["fps"]), Fraction(request["hold_seconds"])
    for time, frame, count in resample(first, counted(), fps, hold):
        pixels = resizer.resize(frame)
        for _ in range(count):
            batch.append((float(time), pixels))
            if len(batch) == BATCH_FRAMES:
                flush()
    if batch:
        flush()
    return {"decoded": decoded}


def resample(
    first: tuple[Fraction, Any],
    rest: Iterator[tuple[Fraction, Any]],
    fps: Fraction,
    hold: Fraction,
) -> Iterator[tuple[Fraction, Any, int]]:
    """Which frames are on the screen at 0, 1 / fps, 2 / fps, ... and how often each is.

    At every such time it is the last frame that has been shown by then. A frame that stays for
    longer than `hold` seconds is held that long, and the times in between are left out.
    """
    (time, frame), k = first, 0
    before, due = None, CLOCK_SLACK  # who is shown at k / fps is known after `due`

    def count_until(end: Fraction) -> int:
        nonlocal k
        start, k = k, max(k, _ceil((end - CLOCK_SLACK) * fps))
        return min(k, _ceil((time + hold) * fps)) - start

    for next_time, next_frame in rest:
        if next_time > due:
            if (count := count_until(next_time)) > 0:
                yield time, frame, count
            due = k / fps + CLOCK_SLACK
        before, time, frame = time, next_time, next_frame
    step = 1 / fps if before is None else time - before
    shown = frame.duration * Fraction(frame.time_base) if frame.duration else step
    if (count := count_until(time + max(shown, 2 * CLOCK_SLACK))) > 0:
        yield time, frame, count


def _ceil(x: Fraction) -> int:
    return -(-x.numerator // x.denominator)


class _Resizer:
    """Scales frames to one size without stretching them: the edges are cut off, or bars added."""

    def __init__(
        self, width: int, height: int, fit: str, aspect: Fraction, bars: tuple[int, int]
    ) -> None:
        from av.video.reformatter import Interpolation, VideoReformatter

        self.width, self.height, self.fit, self.aspect = width, height, fit, aspect
        self.bars = bars
        self.scaler = VideoReformatter()
        # Exact rounding and full chroma keep synthetic pictures sharp, and with BITEXACT every
        # machine makes the same shards.
        exact = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.BITEXACT
        self.shrinking, self.growing = Interpolation.AREA | exact, Interpolation.BICUBIC | exact

    def resize(self, frame: Any) -> bytes:
        """The frame as height x width x 3 bytes of RGB, upright."""
        turns = round(frame.rotation / 90) % 4
        # The frame fills this box before it is turned upright.
        box = (self.height, self.width) if turns % 2 else (self.width, self.height)
        pixels = _into_box(self._scale(frame, *box), *box)
        return _turn(pixels, *box, turns) if turns else pixels

    def _scale(self, frame: Any, box_width: int, box_height: int) -> Any:
        width, height = self._scaled_size(frame.width, frame.height, box_width, box_height)
        shrinks = width < frame.width or height < frame.height
        flags = self.shrinking if shrinks else self.growing
        return self.scaler.reformat(
            frame, width, height, format="rgb24", interpolation=flags, threads=1
        )

    @functools.cache  # noqa: B019  (there is one resizer in the life of a process)
    def _scaled_size(self, width: int, height: int, box_w: int, box_h: int) -> tuple[int, int]:
        """The size at which the picture covers the box (crop) or fits into it (pad).

        In the picture's shape; bars, equal on both sides, are scaled along and then lie outside.
        """
        inner_width, inner_height = (
            max(1, side - 2 * bar) for side, bar in zip((width, height), self.bars, strict=True)
        )
        ratios = Fraction(box_w) / (inner_width * self.aspect), Fraction(box_h, inner_height)
        ratio = max(ratios) if self.fit == "crop" else min(ratios)
        return max(1, round(width * self.aspect * ratio)), max(1, round(height * ratio))


def _into_box(frame: Any, width: int, height: int) -> bytes:
    """The middle of an RGB frame, with black bars where the box is larger.

    On plain bytes: numpy would take longer to import than many a file to decode.
    """
    plane = frame.planes[0]
    pixels, stride = memoryview(plane), plane.line_size
    left, top = max(0, (frame.width - width) // 2), max(0, (frame.height - height) // 2)
    shown, lines = 3 * min(width, frame.width), min(height, frame.height)
    starts = range(top * stride + 3 * left, (top + lines) * stride, stride)
    bar_left = bytes((3 * width - shown) // 6 * 3)
    bar_right = bytes(3 * width - shown - len(bar_left))
    picture = (bar_right + bar_left).join([pixels[start : start + shown] for start in starts])
    above = bytes((height - lines) // 2 * width * 3)
    below = bytes((height - lines) * width * 3 - len(above))
    return b"".join([above, bar_left, picture, bar_right, below])


def _turn(pixels: bytes, width: int, height: int, turns: int) -> bytes:
    """Turn a picture counterclockwise by quarter turns."""
    import numpy as np

    return np.rot90(np.frombuffer(pixels, np.uint8).reshape(height, width, 3), turns).tobytes()


if __name__ == "__main__":
    main()
