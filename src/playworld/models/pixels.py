"""The one conversion between stored pixels (uint8) and what the models see (float in [0, 1])."""

from jaxtyping import Float, UInt8
from torch import Tensor


def to_float(video: UInt8[Tensor, "*batch H W C"]) -> Float[Tensor, "*batch H W C"]:
    """Stored pixels 0..255 as floats in [0, 1]."""
    return video.float() / 255


def to_uint8(video: Float[Tensor, "*batch H W C"]) -> UInt8[Tensor, "*batch H W C"]:
    """Floats in [0, 1] (clamped) as the nearest stored pixel."""
    return (video.clamp(0, 1) * 255).round().byte()
