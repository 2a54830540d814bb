"""The frames of a video stream in the order of their times, without what is damaged.

Runs in the child process that decodes (see `decoder.py`). A frame counts as damaged where the
demuxer marks its packet, where FFmpeg reports an error while it decodes it, or where it may have
been predicted from such a frame: everything up to the next intact keyframe. What a decoder makes up
for lost data is no footage.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import av
import av.logging

MARGIN = Fraction(1)
"""Seconds left out on both sides of what a decoder could not make sense of: where some bytes are
wrong, others nearby are too, and most codecs decode those to a wrong picture without a word."""
MOST_HELD = 256
"""Packets whose frames a decoder may hold back, at most."""
MOST_LOSSES = 1000
"""Damaged stretches that are listed one by one; later ones extend the last."""
JITTER = Fraction(1, 4)
"""Seconds that a timestamp may go back before it counts as a clock that starts anew."""
CHECKS = "crccheck+bitstream+buffer+careful"
"""What FFmpeg is to look for: checksums, impossible lengths, and what no known encoder does."""
CONCEALS = re.compile("conceal|Skipping invalid undecodable|Failed to parse header of NALU")
"""Damage that FFmpeg mentions without calling it an error."""
HARMLESS = re.compile("APP fields|SEI type|mmco: unref short failure")
"""Errors in what is not the picture; files from some cameras have one in every frame."""
RESYNCED = re.compile("exceeds containing|EBML number|Unknown-sized element|Packet mismatch")
"""A demuxer that has lost its place and looks for the next packet."""

LOST = object()
"""Stands for the rest of a file that cannot be read."""

Timed = tuple[Fraction, Any]
"""Seconds since the first frame, and the frame."""


class Messages:
    """What FFmpeg says while it reads and decodes; one for the whole process."""

    def __init__(self) -> None:
        # A repeated message counts again: it is about another packet.
        av.logging.set_skip_repeated(False)
        av.logging.set_level(av.logging.INFO)
        self._logs = av.logging.Capture(local=False).__enter__()
        self.ignored = {"swscaler"}
        """Sources of messages that do not concern the pictures: other streams' decoders, too."""

    def take(self) -> list[tuple[int, str]]:
        """Level and text of each message since the last call."""
        taken = [(level, text) for level, name, text in self._logs if name not in self.ignored]
        self._logs.clear()
        return taken

    def tell_damage(self) -> bool:
        """Whether one of the messages since the last call is about damage."""
        return bool(self._logs) and any(
            CONCEALS.search(text) or level <= av.logging.ERROR and not HARMLESS.search(text)
            for level, text in self.take()
        )


@dataclass
class Losses:
    """What is missing from the frames that came out."""

    breaks: list[Fraction] = field(default_factory=list)
    """Times of frames that do not follow on the one before: scenes begin there."""
    damaged: list[tuple[Fraction, Fraction]] = field(default_factory=list)
    """Start and end of each damaged stretch; whole frames in the margins of one have come."""

    def add(self, start: Fraction, end: Fraction) -> None:
        """List one more stretch."""
        start = max(start, Fraction(0))
        if self.damaged and (len(self.damaged) >= MOST_LOSSES or start <= self.damaged[-1][1]):
            start = min(start, self.damaged.pop()[0])
        self.damaged.append((start, max(start, end)))


class _Intact:
    """Which frames are whole, by the numbers of their packets.

    Whole numbers are packets in their order of decoding, halves the gaps between them.
    """

    def __init__(self) -> None:
        self._damage: list[float] = []  # rising; what is older than the last good keyframe is gone
        self.since = -1.0
        """The last good keyframe after damage."""
        self._wrong: float | None = None

    def wrong(self, at: float) -> None:
        """Note that a packet holds something else than was written."""
        self._wrong = at if self._wrong is None else self._wrong
        self.missing(at)

    def missing(self, at: float) -> None:
        """Note that a packet is not all there, or that something is missing between two."""
        place = bisect_left(self._damage, at)
        if self._damage[place : place + 1] != [at]:
            self._damage.insert(place, at)

    def margin(self, until: float) -> Fraction:
        """What to leave out beside the damage found since the last call, before packet `until`."""
        wrong, self._wrong = self._wrong, None
        return MARGIN if wrong is not None and wrong < until else Fraction(0)

    @property
    def pending(self) -> bool:
        """Whether there is damage after the last good keyframe."""
        return bool(self._damage)

    def judge(self, number: float, key: bool) -> Literal["whole", "resumed", "damaged"]:
        """What the next frame in the order of display is; `resumed` is the first whole one."""
        if number < self.since:
            return "damaged"
        place = bisect_left(self._damage, number)
        itself = self._damage[place : place + 1] == [number]
        if place == 0 and not itself:
            return "whole"
        if itself or not key:
            return "damaged"
        del self._damage[:place]
        self.since = number
        return "resumed"


class _Clock:
    """Rising times in seconds since the first frame."""

    def __init__(self, step: Fraction) -> None:
        self.step = step
        """Seconds between frames, where nothing is known about them."""
        self.last: Fraction | None = None
        self._start: int | None = None
        self._base: Fraction | None = None
        self._shift = Fraction(0)

    def read(self, frame: Any) -> Fraction:
        """What the source says; may lie before the frame that came before."""
        if frame.pts is not None and (base := self._base or frame.time_base):
            self._base = base
            self._start = frame.pts if self._start is None else self._start
            time = (frame.pts - self._start) * base
            return time + self._shift if self._shift else time
        # raw streams carry no clock
        return Fraction(0) if self.last is None else self.last + self.step

    def end(self, frame: Any) -> Fraction:
        """When `frame`, the last that came, has been shown."""
        assert self.last is not None
        length = frame.duration * Fraction(frame.time_base) if frame.duration else self.step
        return self.last + length

    def restart(self, time: Fraction, at: Fraction) -> Fraction:
        """Call `at` what the source's clock calls `time`, from now on."""
        self._shift += at - time
        return at


def timed_frames(
    container: Any, stream: Any, context: Any, messages: Messages, losses: Losses
) -> Iterator[Timed]:
    """Whole frames with their times, rising; `losses` grows by what is left out in between.

    Undecodable packets before the first picture are no damage: a recording of a broadcast starts in
    the middle of a group of pictures.
    """
    intact = _Intact()
    if any(RESYNCED.search(text) for _, text in messages.take()) and not _rewind(container):
        intact.missing(0)
    clock = _Clock(1 / Fraction(stream.average_rate or stream.guessed_rate or 25))
    packets, codec = _packets(container, stream), context.name
    number, first, shown, until = 0, True, None, Fraction(0)
    for number, packet, frame in _decoded(packets, context, messages, intact):
        time, last, fate = clock.read(frame), clock.last, "whole"
        if intact.pending or number < intact.since:
            # The decoder of H.264 begins with what it can decode in full, keyframe or not.
            key = _is_key(frame, packet, number, codec) or (first and codec == "h264")
            fate = intact.judge(number, key)
        first = False
        if fate == "damaged":
            until = time
            continue
        if last is None:
            time = clock.restart(time, max(time, Fraction(0)))
        elif time <= last:
            if last - time <= JITTER:
                continue
            time = clock.restart(time, last + clock.step)
            losses.breaks.append(time)
        elif fate == "resumed":
            losses.breaks.append(time)
        if fate == "resumed":
            margin = intact.margin(number)
            losses.add(clock.end(shown) - margin if last is not None else time, time + margin)
        clock.last, shown = time, frame
        yield time, frame
    if intact.pending and clock.last is not None:
        start = clock.end(shown) - intact.margin(number)
        losses.add(start, duration_of(container, stream) or until)


def _rewind(container: Any) -> bool:
    """Read packets anew that were read to open the file: FFmpeg has logged what is wrong with them.

    Its messages do not name the packet otherwise.
    """
    try:
        container.seek(0)
    except av.error.FFmpegError:
        return False
    return True


def duration_of(container: Any, stream: Any) -> Fraction | None:
    """Seconds that the file claims to last, where it does."""
    if stream.duration:
        return stream.duration * stream.time_base
    return Fraction(container.duration, 1_000_000) if container.duration else None


def _is_key(frame: Any, packet: Any, number: int, codec: str) -> bool:
    """Whether a frame, the first that came of `packet`, needs none before it."""
    if codec == "apng":  # calls every frame one, and draws over the last
        return number == 0
    if codec.startswith("libvpx"):  # says nothing, but shows frames as soon as they are decoded
        return packet.is_keyframe
    return frame.key_frame


def _decoded(
    packets: Iterator[Any], context: Any, messages: Messages, intact: _Intact
) -> Iterator[tuple[int, Any, Any]]:
    """The number of the packet that a frame was in, the packet that made it come, and the frame.

    `intact` learns of damage before a frame comes that may show it.
    """
    numbers: dict[int, int] = {}
    decoded: list[tuple[int, Any, Any]] = []
    for number, packet in enumerate(packets):
        # A demuxer that lost its place did so in the packet before, or between that and this one.
        # So the frames of the packet before are held until here.
        if lost := packet is LOST or messages.tell_damage():
            intact.missing(number - 1)
            intact.missing(number - 0.5)
        yield from decoded
        decoded = []
        if packet is LOST:
            packet = av.Packet()  # asks for what the decoder still holds
        elif not packet.size and packet.dts is not None:
            continue  # in AVI: what was shown stays; a decoder would take it for the end
        elif (pts := packet.pts) is not None:
            numbers[pts] = number
            if len(numbers) > MOST_HELD:
                del numbers[next(iter(numbers))]
        if packet.is_corrupt:
            lost = True
            intact.missing(number)
        note = intact.missing if lost else intact.wrong
        try:
            frames = context.decode(packet)
        except av.error.MemoryError:
            raise MemoryError from None
        except av.error.EOFError:  # drained already
            return
        except av.error.FFmpegError:
            frames = []
            note(number)
        if messages.tell_damage():
            note(number)
        for frame in frames:
            of_packet = numbers.pop(frame.pts, number)
            if frame.is_corrupt:
                note(of_packet)
            decoded.append((of_packet, packet, frame))
    yield from decoded


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """Packets up to the end, the last without content; then LOST, where the file was cut off."""
    try:
        yield from container.demux(stream)
    except av.error.MemoryError:
        raise MemoryError from None
    except (av.error.FFmpegError, OSError):
        yield LOST
