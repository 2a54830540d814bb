"""Pictures from strangers (an RGB picture, or one fixed sentence), and pictures to the page."""

import io

from jaxtyping import UInt8
from PIL import Image, ImageOps
from torch import Tensor

from playworld.config import InputError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
"""The only decoders that Pillow may try: each is a parser that a stranger can reach."""

NOT_A_PICTURE = (
    "This file is not a picture that can be read here. Send a PNG, JPEG, WebP, GIF or BMP."
)
TOO_MANY_PIXELS = "This picture has too many pixels. Send a smaller one."


def read_picture(data: bytes, max_pixels: int) -> Image.Image:
    """Decode an untrusted picture: upright, RGB, transparency on white, the first frame of several.

    Size is checked before a pixel is decoded: a 481 KB PNG can otherwise unfold to 662 MB.

    Raises:
        InputError: with one of this module's fixed sentences, which never repeats what came.
    """
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
        if picture.width * picture.height > max_pixels:
            raise InputError(TOO_MANY_PIXELS)
        return _on_white(ImageOps.exif_transpose(picture))
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(TOO_MANY_PIXELS) from error
    except Exception as error:  # a mutated file makes Pillow raise nearly anything
        raise InputError(NOT_A_PICTURE) from error


def to_png(frame: UInt8[Tensor, "H W 3"]) -> bytes:
    """Lossless, so that sprites stay crisp; quick rather than small (64x64: about 5 kB)."""
    buffer = io.BytesIO()
    Image.fromarray(frame.cpu().numpy()).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        # 16-bit grey: Pillow's own conversion clips everything above 255 to white.
        picture = picture.convert("I").point(lambda value: value / 256).convert("L")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")
