"""Picture files of strangers: measured before they are decoded, upright, RGB, fitted to a frame.

Imports neither torch nor FFmpeg: `picture_decoder.py` runs this in a child with little memory.
"""

import io

from PIL import Image, ImageOps

from playworld.config import InputError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
"""The only decoders that Pillow may try: each is a parser that a stranger can reach."""
MAX_PIXELS = 100_000_000
"""The largest picture that is read from the user's own disk."""
MAX_SIDE = 16_384
"""Pixels of a side: 1 x 25,000,000 takes seconds and gigabytes to scale."""
MAX_PASSES = 20
"""A JPEG may go over as many pixels, in all its scans, as the largest picture has, so often."""

NOT_A_PICTURE = (
    "This file is not a picture that can be read here. Send a PNG, JPEG, WebP, GIF or BMP."
)
TOO_MANY_PIXELS = "This picture has too many pixels. Send a smaller one."
TOO_MUCH_WORK = "This picture takes too long to decode. Send it as a PNG or a baseline JPEG."


def open_picture(data: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """A picture file whose size is known and small enough, and of which no pixel is decoded yet.

    Raises:
        InputError: with one of this module's fixed sentences, which never repeat the input.
    """
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(TOO_MANY_PIXELS) from error
    except Exception as error:  # a mutated file makes Pillow raise nearly anything
        raise InputError(NOT_A_PICTURE) from error
    if max(picture.size) > MAX_SIDE or picture.width * picture.height > max_pixels:
        raise InputError(TOO_MANY_PIXELS)
    return picture


def read_picture(data: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode a picture: upright, RGB, transparency on white, the first frame of several.

    Size is checked before a pixel is decoded: a 481 KB PNG can otherwise unfold to 662 MB.

    Raises:
        InputError: with one of this module's fixed sentences, which never repeat the input.
    """
    picture = open_picture(data, max_pixels)
    try:
        return plain(picture)
    except MemoryError:
        raise
    except Exception as error:
        raise InputError(NOT_A_PICTURE) from error


def work(picture: Image.Image, data: bytes) -> int:
    """About how many pixels a decoder goes over: each scan of a JPEG goes over all of them.

    The marker of a scan occurs nowhere in its data; thumbnails may add a few.
    """
    scans = data.count(b"\xff\xda") if picture.format == "JPEG" else 1
    return picture.width * picture.height * max(1, scans)


def plain(picture: Image.Image) -> Image.Image:
    """A picture of any mode as a viewer shows it: upright, RGB, transparency on white."""
    return _on_white(ImageOps.exif_transpose(picture))


def fit(picture: Image.Image, width: int, height: int) -> Image.Image:
    """A picture scaled to cover a frame, its overhang cropped evenly."""
    return ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        # 16-bit grey: Pillow's own conversion clips everything above 255 to white.
        picture = picture.convert("I").point(lambda value: value / 256).convert("L")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")
