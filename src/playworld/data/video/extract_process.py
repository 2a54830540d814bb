"""The child process that makes a video file of some frames of another, or of pictures.

`extract.py` runs this file by its path, `python extract_process.py JSON`, so that a stranger's file
crashes or hangs it, not us; it imports nothing of playworld. It prints one JSON object: an answer,
or `reason`, why there is none.

Packets are copied where that gives exactly these frames: they begin with a keyframe and follow each
other in the file, as those of an episode do that was encoded alone. Else they are encoded anew.
"""

import io
import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

MEMORY, CPU_SECONDS = 4 * 2**30, 3600
CONTAINERS = "mov,mp4,matroska,webm"
"""Playlists are not among them: they would make FFmpeg open other files."""
QUALITY = {"crf": "10", "preset": "veryfast"}
"""Of frames that are encoded anew: they have been through a lossy codec already."""
PICTURES = ("PNG", "JPEG", "WEBP", "BMP")
MAX_PIXELS = 67_000_000


class CannotExtract(Exception):
    """There are no such frames, for the reason given."""


def main() -> None:
    """Do what the JSON argument asks for."""
    request = json.loads(sys.argv[1])
    work = {"list": _list, "extract": _extract, "pictures": _pictures}[request["do"]]
    try:
        answer = work(request)
    except Exception as error:  # PyAV lets UnicodeDecodeError, IndexError and others through
        reason = (
            str(error) if isinstance(error, CannotExtract) else f"{type(error).__name__}: {error}"
        )
        answer = {"reason": " ".join(reason.split())[:300]}
    print(json.dumps(answer))


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; the parent's clock still holds
        return
    limits = (("RLIMIT_AS", MEMORY), ("RLIMIT_CPU", CPU_SECONDS), ("RLIMIT_CORE", 0))
    for name, value in limits:
        try:
            resource.setrlimit(getattr(resource, name), (value, value))
        except (OSError, ValueError):  # macOS refuses RLIMIT_AS; a lower hard limit also stays
            continue


def _open(path: str) -> tuple[Any, Any]:
    """The file and its video stream."""
    import av

    av.logging.set_level(av.logging.PANIC)
    _limit()
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    source = av.open(path, options=options)
    stream: Any = source.streams.best("video")
    if stream is None:
        raise CannotExtract("holds no video stream")
    stream.codec_context.thread_count = 1
    return source, stream


def _ticks(source: Any, stream: Any) -> list[int]:
    """Times of all frames that are shown, ascending, in units of the stream's time base."""
    packets = source.demux(stream)
    return sorted(p.pts for p in packets if p.pts is not None and not p.is_discard)


def _list(request: dict[str, Any]) -> dict[str, Any]:
    """When each frame of the file is shown."""
    source, stream = _open(request["path"])
    with source:
        base = stream.time_base
        return {"ticks": _ticks(source, stream), "base": [base.numerator, base.denominator]}


def _extract(request: dict[str, Any]) -> dict[str, Any]:
    """Write the frames of the window [first, last] in ticks; of a whole file without one."""
    source, stream = _open(request["path"])
    with source:
        count, base = request["frames"], stream.time_base
        answer: dict[str, Any] = {"base": [base.numerator, base.denominator]}
        window = request["window"]
        if window is None:
            ticks = answer["ticks"] = _ticks(source, stream)
            if len(ticks) < count:
                raise CannotExtract(f"has {len(ticks)} frames where {count} were expected")
            window = ticks[0], ticks[count - 1]
        source.seek(window[0], stream=stream)
        packets = _exact_run(source, stream, window, count)
        if packets:
            _copy(packets, stream, request["out"])
            return answer | {"how": "copied"}
        source.seek(window[0], stream=stream)
        _encode(_frames(source, stream, window), base, request)
        return answer | {"how": "encoded"}


def _exact_run(source: Any, stream: Any, window: tuple, count: int) -> list[Any]:
    """The packets of the window where they can be copied, none where they cannot."""
    run: list[Any] = []
    for packet in source.demux(stream):
        if packet.pts is None or packet.is_discard:
            continue
        inside = window[0] <= packet.pts <= window[1]
        if inside and not run and not packet.is_keyframe:
            return []
        if inside:
            run.append(packet)
        elif run:
            break  # whatever of the window comes after this needs what lies outside
    return run if len(run) == count and run[0].pts == min(p.pts for p in run) else []


def _copy(packets: list[Any], stream: Any, out: str) -> None:
    import av

    with av.open(out, "w", format="mp4") as target:
        copy = target.add_stream_from_template(stream, opaque=True)
        first = packets[0].pts
        for packet in packets:
            packet.pts -= first
            packet.dts = packet.pts if packet.dts is None else packet.dts - first
            packet.stream = copy
            target.mux(packet)


def _frames(source: Any, stream: Any, window: tuple) -> Iterator[Any]:
    for frame in source.decode(stream):
        if frame.pts is None:
            continue
        if frame.pts > window[1]:
            return
        if frame.pts >= window[0]:
            yield frame


def _encode(frames: Iterator[Any], base: Fraction, request: dict[str, Any]) -> None:
    import av

    number = first = 0
    with av.open(request["out"], "w", format="mp4") as target:
        stream: Any = target.add_stream("libx264", rate=Fraction(*request["fps"]), options=QUALITY)
        stream.codec_context.thread_count = 1
        for number, frame in enumerate(frames, start=1):
            if number == 1:
                halved = frame.format.name in ("yuv420p", "yuvj420p") and not frame.width % 2
                pixels = "yuv420p" if halved and not frame.height % 2 else "yuv444p"
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pixels
                stream.time_base, first = base, frame.pts
            if number <= request["frames"]:
                picture = frame.reformat(format=pixels)
                picture.pts, picture.time_base = frame.pts - first, base
                target.mux(stream.encode(picture))
        if number != request["frames"]:
            raise CannotExtract(f"has {number} frames where {request['frames']} were expected")
        target.mux(stream.encode())


def _pictures(request: dict[str, Any]) -> dict[str, Any]:
    """Write the pictures on standard input, each behind its length in 8 bytes, without a loss."""
    import av
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow refuses what has twice as many
    _limit()
    rate, size = Fraction(*request["fps"]), None
    with av.open(request["out"], "w", format="mp4") as target:
        stream: Any = target.add_stream("libx264rgb", rate=rate, options={"crf": "0"})
        stream.codec_context.thread_count = 1
        for number, content in enumerate(_contents()):
            with Image.open(io.BytesIO(content), formats=PICTURES) as image:
                if image.mode.startswith(("I", "F")):
                    raise CannotExtract(
                        f"has pictures of mode {image.mode}: measurements, no colours"
                    )
                if size not in (None, image.size):
                    raise CannotExtract(f"has pictures of {size} and of {image.size} pixels")
                picture = av.VideoFrame.from_image(image.convert("RGB"))
            if size is None:
                size = stream.width, stream.height = image.size
                stream.pix_fmt, stream.time_base = "rgb24", 1 / rate
            picture.pts, picture.time_base = number, 1 / rate
            target.mux(stream.encode(picture))
        target.mux(stream.encode())
    return {"how": "encoded"}


def _contents() -> Iterator[bytes]:
    while length := sys.stdin.buffer.read(8):
        yield sys.stdin.buffer.read(int.from_bytes(length, "big"))


if __name__ == "__main__":
    main()
