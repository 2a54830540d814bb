"""Pictures to the page."""

import io

from jaxtyping import UInt8
from PIL import Image
from torch import Tensor


def to_png(frame: UInt8[Tensor, "H W 3"]) -> bytes:
    """Lossless, so that sprites stay crisp; quick rather than small (64x64: about 5 kB)."""
    buffer = io.BytesIO()
    Image.fromarray(frame.cpu().numpy()).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
