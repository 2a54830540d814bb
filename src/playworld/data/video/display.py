"""A decoded frame -> the picture that a player shows, at one size, as bytes of RGB.

Runs in the child process that decodes (see `decoder.py`). numpy takes longer to import than many a
file to decode, so it is imported where a picture needs more than scaling.
"""

import functools
import struct
from fractions import Fraction
from typing import Any, NamedTuple

from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideData
from av.video.format import VideoFormat
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

HD_WIDTH, HD_HEIGHT = 1280, 720
"""A picture with such a side is HDTV, and its matrix BT.709 where it says nothing; else BT.601."""
UNSPECIFIED, CONSTANT_LUMINANCE = 2, 10
"""FFmpeg's numbers of no matrix, and of a rare one (ITU-T H.273)."""
UNREADABLE = {8: "YCgCo", 14: "ICtCp", 15: "IPT", 16: "YCgCo-Re", 17: "YCgCo-Ro"}
"""Matrices that FFmpeg cannot turn into RGB; Dolby Vision of profile 5 has one."""
HDR, WIDE = {16: "HDR (PQ)", 18: "HDR (HLG)"}, {9, 12}
"""FFmpeg's numbers of transfer curves, and of primaries (BT.2020, P3), that are not as in sRGB."""
GROUND = 255
"""What lies behind transparent pixels: white, as behind a picture on a page."""


class Turn(NamedTuple):
    """What brings a stored picture upright, in this order."""

    transpose: bool = False
    """Exchange rows and columns."""
    mirror: bool = False
    """Left to right."""
    flip: bool = False
    """Top to bottom."""


def turn_of(frame: Any) -> Turn:
    """How a frame's display matrix turns it; one at an angle counts as the nearest quarter turn."""
    try:
        # `frame.side_data` would be kept by the frame, and keep it: both live on until Python looks
        # for such circles, every 170 frames, which is gigabytes of large ones.
        held = SideDataContainer(frame)  # type: ignore[call-arg]
        matrix = held.get(SideData.DISPLAYMATRIX)
    except ValueError:  # kinds of side data that PyAV does not know
        return _quarters(round(frame.rotation / 90) % 4)
    if matrix is None:
        return Turn()
    a, b, _, c, d = struct.unpack_from("5i", bytes(matrix))  # x' = ax + cy, y' = bx + dy
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Turn(True, c < 0, b < 0)
    return Turn(False, a < 0, d < 0)


def _quarters(turns: int) -> Turn:
    """Quarter turns counterclockwise."""
    quarter, half, three = Turn(True, False, True), Turn(False, True, True), Turn(True, True, False)
    return (Turn(), quarter, half, three)[turns]


class Resizer:
    """Scales frames to one size without stretching them: the edges are cut off, or bars added."""

    def __init__(
        self, width: int, height: int, fit: str, aspect: Fraction, bars: tuple[int, int]
    ) -> None:
        self.width, self.height, self.fit, self.aspect = width, height, fit, aspect
        self.bars = bars
        self.scaler = VideoReformatter()
        # Exact rounding and full chroma keep synthetic pictures sharp, and with BITEXACT every
        # machine makes the same shards.
        exact = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.BITEXACT
        self.shrinking, self.growing = Interpolation.AREA | exact, Interpolation.BICUBIC | exact

    def resize(self, frame: Any) -> bytes:
        """The frame as height x width x 3 bytes of RGB, upright."""
        turn = turn_of(frame)
        # The frame fills this box before it is turned upright.
        box = (self.height, self.width) if turn.transpose else (self.width, self.height)
        curve, primaries = frame.color_trc, frame.color_primaries
        if _has_alpha(frame.format.name):
            frame = _over_ground(frame)
        mapped = curve in HDR or primaries in WIDE
        pixels = _into_box(self._scale(frame, *box, "rgb48le" if mapped else "rgb24"), *box)
        if mapped:
            pixels = _to_srgb(pixels, curve, primaries)
        return pixels if turn == Turn() else _turn(pixels, *box, turn)

    def _scale(self, frame: Any, box_width: int, box_height: int, pixels: str) -> Any:
        width, height = self._scaled_size(frame.width, frame.height, box_width, box_height)
        shrinks = width < frame.width or height < frame.height
        return self.scaler.reformat(
            frame,
            width,
            height,
            format=pixels,
            src_colorspace=_matrix_of(frame),
            interpolation=self.shrinking if shrinks else self.growing,
            threads=1,
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


def _matrix_of(frame: Any) -> int | None:
    """The matrix of a picture whose tags do not say it and whose size does; None for the tagged."""
    if frame.colorspace == CONSTANT_LUMINANCE:
        return Colorspace.BT2020  # the nearest that FFmpeg can read
    hd = frame.width >= HD_WIDTH or frame.height >= HD_HEIGHT
    return Colorspace.ITU709 if hd and frame.colorspace == UNSPECIFIED else None


@functools.cache
def _has_alpha(pixels: str) -> bool:
    """Whether a pixel format can hold transparent pixels."""
    parts = VideoFormat(pixels).components
    return pixels == "pal8" or any(part.is_alpha for part in parts)


def _over_ground(frame: Any) -> Any:
    """A frame over the ground, where any of it is transparent."""
    import av
    import numpy as np

    rgba = frame.reformat(format="rgba", src_colorspace=_matrix_of(frame), threads=1).to_ndarray()
    alpha = rgba[..., 3:].astype(np.uint16)
    if alpha.min() == 255:
        return frame
    over = (rgba[..., :3] * alpha + GROUND * (255 - alpha) + 127) // 255
    return av.VideoFrame.from_ndarray(over.astype(np.uint8), format="rgb24")


def _into_box(frame: Any, width: int, height: int) -> bytes:
    """The middle of a picture in RGB, with black bars where the box is larger.

    On plain bytes, as numpy would have to be imported.
    """
    plane, size = frame.planes[0], 6 if frame.format.name == "rgb48le" else 3
    pixels, stride = memoryview(plane), plane.line_size
    left, top = max(0, (frame.width - width) // 2), max(0, (frame.height - height) // 2)
    shown, lines = size * min(width, frame.width), min(height, frame.height)
    starts = range(top * stride + size * left, (top + lines) * stride, stride)
    bar_left = bytes((size * width - shown) // (2 * size) * size)
    bar_right = bytes(size * width - shown - len(bar_left))
    picture = (bar_right + bar_left).join([pixels[start : start + shown] for start in starts])
    above = bytes((height - lines) // 2 * width * size)
    below = bytes((height - lines) * width * size - len(above))
    return b"".join([above, bar_left, picture, bar_right, below])


def _to_srgb(pixels: bytes, curve: int, primaries: int) -> bytes:
    import numpy as np

    from playworld.data.video.colours import to_srgb

    return to_srgb(np.frombuffer(pixels, "<u2").reshape(-1, 3), curve, primaries).tobytes()


def _turn(pixels: bytes, width: int, height: int, turn: Turn) -> bytes:
    import numpy as np

    picture = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
    if turn.transpose:
        picture = picture.transpose(1, 0, 2)
    step_x, step_y = (-1 if turned else 1 for turned in (turn.mirror, turn.flip))
    return picture[::step_y, ::step_x].tobytes()
