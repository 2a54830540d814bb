"""The child process that cuts some frames out of a video file into a file of their own.

`imports.py` runs this file by its path, `python cutter.py JSON`, so that a stranger's file crashes
or hangs it, not us; it imports nothing of playworld. It prints one JSON object: `how`, which is
"copied" or "encoded", or `reason`, why there is no new file.

Packets are copied where that gives exactly these frames: they begin with a keyframe and follow each
other in the file, as those of an episode do that was encoded alone. Else they are encoded anew.
"""

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


class Unusable(Exception):
    """There are no such frames, for the reason given."""


def main() -> None:
    """Cut what the JSON argument asks for."""
    request = json.loads(sys.argv[1])
    try:
        answer = {"how": _cut(request)}
    except Exception as error:  # PyAV lets UnicodeDecodeError, IndexError and others through
        reason = str(error) if isinstance(error, Unusable) else f"{type(error).__name__}: {error}"
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


def _cut(request: dict[str, Any]) -> str:
    import av

    av.logging.set_level(av.logging.PANIC)
    _limit()
    rate = Fraction(*request["fps"])
    # Halfway between two frames, so that rounded clocks put no frame on the wrong side.
    begin = Fraction(request["start"]) - 1 / (2 * rate)
    window = (begin, begin + request["frames"] / rate)
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    with av.open(request["path"], options=options) as source:
        stream: Any = source.streams.best("video")
        if stream is None:
            raise Unusable("holds no video stream")
        stream.codec_context.thread_count = 1
        source.seek(max(0, int(begin / stream.time_base)), stream=stream)
        packets = _exact_run(source, stream, window, request["frames"])
        if packets:
            _copy(packets, stream, request["out"])
            return "copied"
        source.seek(max(0, int(begin / stream.time_base)), stream=stream)
        _encode(_frames(source, stream, window), rate, request)
        return "encoded"


def _exact_run(source: Any, stream: Any, window: tuple, count: int) -> list[Any]:
    """The packets of the window where they can be copied, none where they cannot."""
    run: list[Any] = []
    for packet in source.demux(stream):
        if packet.pts is None:
            continue
        inside = window[0] <= packet.pts * stream.time_base < window[1]
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
        if frame.pts * frame.time_base >= window[1]:
            return
        if frame.pts * frame.time_base >= window[0]:
            yield frame


def _encode(frames: Iterator[Any], rate: Fraction, request: dict[str, Any]) -> None:
    import av

    number = 0
    with av.open(request["out"], "w", format="mp4") as target:
        stream: Any = target.add_stream("libx264", rate=rate, options=QUALITY)
        stream.codec_context.thread_count = 1
        for number, frame in enumerate(frames, start=1):
            if number == 1:
                halved = frame.format.name in ("yuv420p", "yuvj420p") and not frame.width % 2
                pixels = "yuv420p" if halved and not frame.height % 2 else "yuv444p"
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pixels
                stream.time_base = 1 / rate
            if number <= request["frames"]:
                picture = frame.reformat(format=pixels)
                picture.pts, picture.time_base = number - 1, 1 / rate
                target.mux(stream.encode(picture))
        if number != request["frames"]:
            raise Unusable(f"has {number} frames from {request['start']:.3f} s on where "
                           f"{request['frames']} were expected")  # fmt: skip
        target.mux(stream.encode())


if __name__ == "__main__":
    main()
