"""A video file, opened so that it can open nothing else, and why it cannot be where it cannot.

Runs in the child process that decodes (see `decoder.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.video.reformatter  # for the resizer: loaded once, before the process forks

from playworld.data.video.frames import CHECKS, Losses, Messages, Timed, duration_of, timed_frames

# FFmpeg opens other files for some inputs (a text file named clip.mp4 can be a playlist), so only
# containers that hold their own video are let in. A name matches FFmpeg's name of the demuxer.
CONTAINERS = (
    "3g2,3gp,apng,asf,av1,avi,dv,flv,gif,h261,h263,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mp4,mpeg,"
    "mpegts,mpegvideo,mxf,nut,obu,ogg,rm,vc1,webm,wtv,yuv4mpegpipe"
)
MAX_PIXELS = 2**26
LIBVPX = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Decoders that read the alpha channel of WebM, which FFmpeg's own do not, at the same speed; and
that of VP9 notices most damage, where FFmpeg's own decodes it to a wrong picture."""
OTHER_FILES = {
    b"\xff\xd8\xff": "a still picture, not a video",
    b"\x89PNG": "a still picture, not a video",
    b"BM": "a still picture, not a video",
    b"II*\0": "a still picture, not a video",
    b"MM\0*": "a still picture, not a video",
    b"PK\x03\x04": "an archive, not a video; unpack it",
    b"7z\xbc\xaf": "an archive, not a video; unpack it",
    b"Rar!": "an archive, not a video; unpack it",
    b"ID3": "sound, not a video",
    b"fLaC": "sound, not a video",
}
"""What people keep beside their videos, by how it begins."""
BOXES = (b"ftyp", b"mdat", b"wide", b"free", b"skip")
"""What MP4 and QuickTime files begin with, behind four bytes."""
NO_INDEX = (
    "not a video that can be read: the recording broke off before its index (moov) was written; "
    "a tool such as untrunc can rebuild it from another file of the same recorder"
)


class Unusable(Exception):
    """The video cannot be used, for the reason given."""


@dataclass
class OpenVideo:
    """An opened file and its frames, of which none has been decoded yet."""

    frames: Iterator[Timed]
    """Whole frames with their times, to be read once."""
    codec: str
    container: str
    fps: float | None = None
    """Average frames per second, where known."""
    duration: float | None = None
    """Seconds, where known."""
    aspect: Fraction = Fraction(1)
    """Width of a stored pixel by its height."""
    seekable: bool = True
    """Whether `open_container` can open it a second time, to look ahead."""
    losses: Losses = field(default_factory=Losses)
    """Grows while `frames` is read."""


def open_video(path: str) -> OpenVideo:
    """Open a file to read all of it.

    Raises:
        Unusable: where it is no video, or one that is not let in.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(16)
    except OSError as error:
        raise Unusable(f"cannot be read ({error.strerror})") from None
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp(path)
    messages = Messages()
    container = open_container(path, head, messages)
    stream = video_of(container)
    messages.ignored |= {s.codec_context.name for s in container.streams if _is_other(s, stream)}
    context, rate = _context_of(stream), stream.average_rate or stream.guessed_rate
    duration, losses = duration_of(container, stream), Losses()
    return OpenVideo(
        timed_frames(container, stream, context, messages, losses),
        stream.codec_context.name,
        container.format.name,
        float(rate) if rate else None,
        float(duration) if duration is not None else None,
        Fraction(stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or 1),
        losses=losses,
    )


def open_container(path: str, head: bytes = b"", messages: Messages | None = None) -> Any:
    """The container of a file, of which `head` are the first bytes.

    Raises:
        Unusable: where it is none, or one that is not let in.
    """
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file", "err_detect": CHECKS}
    try:
        return av.open(path, options=options, metadata_errors="replace")
    except av.error.MemoryError:
        raise MemoryError from None
    except av.error.ArgumentError:  # no demuxer, or none of those let in
        reason = "not a video in a container that is known"
    except (av.error.FFmpegError, OSError) as error:
        what = getattr(error, "strerror", None) or type(error).__name__
        reason = f"not a video that can be read ({what})"
    said = () if messages is None else messages.take()
    if head[4:8] in BOXES and any("moov atom not found" in text for _, text in said):
        reason = NO_INDEX
    other = (what for beginning, what in OTHER_FILES.items() if head.startswith(beginning))
    raise Unusable(next(other, reason))


def video_of(container: Any) -> Any:
    """The video stream, set up to be decoded; raises Unusable where there is none."""
    stream = container.streams.best("video")
    if stream is None or stream.disposition & av.stream.Disposition.attached_pic:
        raise Unusable("holds no video stream")
    _set_up(stream.codec_context)
    return stream


def _set_up(context: Any) -> None:
    context.thread_count = 1
    context.options = {"max_pixels": str(MAX_PIXELS), "err_detect": CHECKS}


def _context_of(stream: Any) -> Any:
    """The decoder of a stream."""
    own = stream.codec_context
    wanted = own.name == "vp9" or (own.name == "vp8" and stream.metadata.get("alpha_mode") == "1")
    if not wanted or LIBVPX[own.name] not in av.codecs_available:
        return own
    context = av.CodecContext.create(LIBVPX[own.name], "r")
    _set_up(context)
    return context


def _is_other(stream: Any, chosen: Any) -> bool:
    """Whether a stream has a decoder that is not the chosen one's."""
    context = getattr(stream, "codec_context", None)
    return context is not None and context.name != chosen.codec_context.name


def _webp(path: str) -> OpenVideo:
    """An animated WebP, which FFmpeg has no demuxer for."""
    from playworld.data.video.webp import open_animation

    try:
        animation = open_animation(Path(path), MAX_PIXELS)
    except ValueError as error:
        raise Unusable(str(error)) from None
    if animation is None:
        raise Unusable("a still picture, not a video")
    losses = Losses()
    return OpenVideo(animation(losses), "webp", "webp", seekable=False, losses=losses)
