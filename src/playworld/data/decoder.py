"""The child process that decodes one video file: a stranger's file crashes or hangs it, not us.

`video.py` runs this file by its path, `python decoder.py JSON`, so it imports nothing of playworld:
it starts in a fraction of a second, and a fault in FFmpeg ends a process that holds nothing else.
It writes messages to its standard output, each a kind (1 byte), a length (4 bytes) and a payload:

    I  JSON, what the video is (first, once)
    F  n float64 times and n frames of height x width x 3 bytes; n is 1 to 16
    E  JSON, why the video cannot be used (last)
    D  JSON, how many frames were decoded (last)
"""

import json
import os
import struct
import sys
import threading
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

# FFmpeg opens other files for some inputs (a text file named clip.mp4 can be a playlist), so only
# containers that hold their own video are let in. A name matches FFmpeg's name of the demuxer.
CONTAINERS = (
    "3g2,3gp,apng,asf,av1,avi,dv,flv,gif,h261,h263,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mp4,mpeg,"
    "mpegts,mpegvideo,mxf,nut,obu,ogg,rm,vc1,webm,wtv,yuv4mpegpipe"
)
MAX_PIXELS = 2**26
BATCH_FRAMES = 16
# Clocks of milliseconds (Matroska, FLV) round: at 30 fps a frame due at 100 ms may claim 101.
CLOCK_SLACK = Fraction(1, 500)


class Unusable(Exception):
    """The video cannot be used, for the reason given."""


def main() -> None:
    """Decode the file that the JSON argument names."""
    request = json.loads(sys.argv[1])
    # Whatever a library prints must not end up between two messages.
    out = os.dup(1)
    os.dup2(2, 1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _send(out, b"D", json.dumps(_run(request, out)).encode())
    except BrokenPipeError:
        pass  # the parent has seen enough
    except MemoryError:
        _fail(out, f"needs more than {request['memory_mb']} MB of memory")
    except Unusable as error:
        _fail(out, str(error))
    except Exception as error:  # PyAV lets UnicodeDecodeError, IndexError and others through
        _fail(out, f"{type(error).__name__}: {error}")
    os._exit(0)


def _fail(out: int, reason: str) -> None:
    try:
        _send(out, b"E", json.dumps({"reason": " ".join(reason.split())[:300]}).encode())
    except BrokenPipeError:
        pass


def _send(out: int, kind: bytes, *parts: bytes) -> None:
    view = memoryview(kind + struct.pack("<I", sum(map(len, parts))) + b"".join(parts))
    while view:
        view = view[os.write(out, view) :]


def _end_with_parent() -> None:
    """The parent holds our standard input open and never writes; its end is ours."""
    while os.read(0, 1):
        pass
    os._exit(1)


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
    import av

    av.logging.set_level(av.logging.PANIC)
    _limit(request)
    path = os.fsdecode(bytes.fromhex(request["path"]))
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    try:
        container = av.open(path, options=options, metadata_errors="replace")
    except av.error.MemoryError:
        raise MemoryError from None
    except av.error.ArgumentError:  # no demuxer, or none of those let in
        raise Unusable("not a video in a container that is known") from None
    except (av.error.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise Unusable(f"not a video that can be read ({reason})") from None
    with container:
        stream: Any = container.streams.best("video")
        if stream is None or stream.disposition & av.stream.Disposition.attached_pic:
            raise Unusable("holds no video stream")
        context = stream.codec_context
        context.thread_count = 1
        context.options = {"max_pixels": str(MAX_PIXELS)}
        frames = _timed_frames(container, stream)
        first = next(frames, None)
        if first is None:
            raise Unusable("holds no frame that can be decoded")
        _send(out, b"I", json.dumps(_info(container, stream, first[1])).encode())
        if not request["frames"]:
            return {"decoded": 1}
        aspect = Fraction(stream.sample_aspect_ratio or context.sample_aspect_ratio or 1)
        return _stream_frames(first, frames, aspect, request, out)


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

    first = last = None
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
            if frame.pts is not None and frame.time_base:
                time = frame.pts * Fraction(frame.time_base)
                first = time if first is None else first
                time -= first
            else:  # raw streams carry no clock
                time = Fraction(0) if last is None else last + step
            if last is not None and time < last - 1:
                raise Unusable(f"its clock jumps back {float(last - time):.1f} s")
            if last is None or time > last:
                last = time
                yield time, frame


def _stream_frames(
    first: tuple[Fraction, Any],
    frames: Iterator[tuple[Fraction, Any]],
    aspect: Fraction,
    request: dict[str, Any],
    out: int,
) -> dict[str, Any]:
    resizer = _Resizer(request["width"], request["height"], request["fit"], aspect)
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

    def count_until(end: Fraction) -> int:
        nonlocal k
        start, k = k, max(k, _ceil((end - CLOCK_SLACK) * fps))
        return min(k, _ceil((time + hold) * fps)) - start

    step = None
    for next_time, next_frame in rest:
        if (count := count_until(next_time)) > 0:
            yield time, frame, count
        step = next_time - time
        time, frame = next_time, next_frame
    shown = frame.duration * Fraction(frame.time_base) if frame.duration else step or 1 / fps
    if (count := count_until(time + max(shown, 2 * CLOCK_SLACK))) > 0:
        yield time, frame, count


def _ceil(x: Fraction) -> int:
    return -(-x.numerator // x.denominator)


class _Resizer:
    """Scales frames to one size without stretching them: the edges are cut off, or bars added."""

    def __init__(self, width: int, height: int, fit: str, aspect: Fraction) -> None:
        from av.video.reformatter import VideoReformatter

        self.width, self.height, self.fit, self.aspect = width, height, fit, aspect
        self.scaler = VideoReformatter()

    def resize(self, frame: Any) -> bytes:
        """The frame as height x width x 3 bytes of RGB, upright."""
        turns = round(frame.rotation / 90) % 4
        # The frame fills this box before it is turned upright.
        box = (self.height, self.width) if turns % 2 else (self.width, self.height)
        pixels = _into_box(self._scale(frame, *self._scaled_size(frame, *box)), *box)
        return _turn(pixels, *box, turns) if turns else pixels

    def _scaled_size(self, frame: Any, width: int, height: int) -> tuple[int, int]:
        """The size that covers the box (crop) or fits into it (pad), in the picture's shape."""
        shown_width = frame.width * self.aspect
        ratios = Fraction(width) / shown_width, Fraction(height, frame.height)
        ratio = max(ratios) if self.fit == "crop" else min(ratios)
        return max(1, round(shown_width * ratio)), max(1, round(frame.height * ratio))

    def _scale(self, frame: Any, width: int, height: int) -> Any:
        from av.video.reformatter import Interpolation

        shrinks = width < frame.width or height < frame.height
        flags = Interpolation.AREA if shrinks else Interpolation.BICUBIC
        # Exact rounding and full chroma keep synthetic pictures sharp, and with BITEXACT every
        # machine makes the same shards.
        flags |= Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.BITEXACT
        return self.scaler.reformat(
            frame, width, height, format="rgb24", interpolation=flags, threads=1
        )


def _into_box(frame: Any, width: int, height: int) -> bytes:
    """The middle of an RGB frame, with black bars where the box is larger.

    On plain bytes: numpy would take longer to import than many a file to decode.
    """
    plane = frame.planes[0]
    pixels, stride = memoryview(plane), plane.line_size
    left, top = max(0, (frame.width - width) // 2), max(0, (frame.height - height) // 2)
    shown = min(width, frame.width)
    bar_left = bytes((width - shown) // 2 * 3)
    bar_right = bytes(width * 3 - shown * 3 - len(bar_left))
    lines: list[Any] = []
    for y in range(top, top + min(height, frame.height)):
        start = y * stride + left * 3
        lines += [bar_left, pixels[start : start + shown * 3], bar_right]
    picture = b"".join(lines)
    above = (height * width * 3 - len(picture)) // (width * 3) // 2 * width * 3
    return bytes(above) + picture + bytes(height * width * 3 - len(picture) - above)


def _turn(pixels: bytes, width: int, height: int, turns: int) -> bytes:
    """Turn a picture counterclockwise by quarter turns."""
    import numpy as np

    return np.rot90(np.frombuffer(pixels, np.uint8).reshape(height, width, 3), turns).tobytes()


if __name__ == "__main__":
    main()
