"""Frames as pictures: enlarged with every pixel kept, side by side, and as PNG files."""

import io
from collections.abc import Iterable
from itertools import chain

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageFont

CELL = 128
"""Small frames are enlarged, by a whole factor, to about this width."""
QUICK = 1
"""A level of compression: quick rather than small (a PNG of 64x64 is about 5 kB)."""
CLEAR = (0, 0, 0, 0)
"""The colour of gaps that show what is below."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def image(frame: ArrayLike) -> Image.Image:
    """A frame (H, W, 3) in uint8."""
    return Image.fromarray(np.ascontiguousarray(frame))


def to_png(frame: ArrayLike | Image.Image, compress_level: int = -1) -> bytes:
    """A picture as a PNG file, which loses nothing."""
    data = io.BytesIO()
    picture = frame if isinstance(frame, Image.Image) else image(frame)
    picture.save(data, "PNG", compress_level=compress_level)
    return data.getvalue()


def enlarged(picture: Image.Image, scale: int) -> Image.Image:
    """Every pixel as a square of `scale` by `scale`."""
    size = (picture.width * scale, picture.height * scale)
    return picture.resize(size, Image.Resampling.NEAREST)


def enlargement(width: int) -> int:
    """The factor by which frames of this width come nearest to CELL without passing it."""
    return max(1, CELL // width)


def tiled(
    pictures: Iterable[Image.Image],
    count: int,
    columns: int,
    gap: int = 0,
    paper: str | tuple[int, ...] = "white",
) -> Image.Image:
    """`count` pictures of one size in reading order; a colour with an alpha makes an RGBA picture.

    They are taken one by one, so that a film need not be in memory.
    """
    pictures = iter(pictures)
    first = next(pictures)
    columns = min(columns, count)
    rows = -(-count // columns)
    width, height = first.width + gap, first.height + gap
    size = (columns * width - gap, rows * height - gap)
    whole = Image.new("RGBA" if len(paper) == 4 else "RGB", size, paper)
    for place, picture in enumerate(chain([first], pictures)):
        row, column = divmod(place, columns)
        whole.paste(picture, (column * width, row * height))
    return whole


def font(size: int) -> Font:
    """The font of Pillow; it has Latin letters alone."""
    return ImageFont.load_default(size=size)
