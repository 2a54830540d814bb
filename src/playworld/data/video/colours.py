"""HDR and wide colours -> the picture that an SDR screen shows: sRGB.

Runs in the child process that decodes (see `decoder.py`). Diffuse white of HDR (BT.2408: 203 cd/m2
in PQ, 75% of the signal in HLG) becomes nearly white, what is darker keeps its colour, and brighter
lights share what is left above `KNEE`. HLG is taken as the light that the camera saw, as an SDR
camera beside it would have.
"""

import functools

import numpy as np
from jaxtyping import Float, UInt8, UInt16

PQ, HLG = 16, 18
"""FFmpeg's numbers of the transfer curves (ITU-T H.273)."""
BT2020, P3 = 9, 12
"""FFmpeg's numbers of the primaries (ITU-T H.273)."""
WHITE_NITS, WHITE_HLG = 203.0, 0.75
KNEE = 0.7
"""Linear light, white being 1, up to which nothing is compressed."""
TO_SRGB = {
    BT2020: [[1.6605, -0.5877, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    P3: [[1.2249, -0.2249, 0.0], [-0.0420, 1.0420, 0.0], [-0.0197, -0.0786, 1.0983]],
}
"""Linear light in these primaries to that in those of sRGB (both with a white of D65)."""


def to_srgb(
    pixels: UInt16[np.ndarray, "n 3"], transfer: int, primaries: int
) -> UInt8[np.ndarray, "n 3"]:
    """RGB of 16 bits, as tagged, to sRGB of 8 bits."""
    hdr = transfer in (PQ, HLG)
    light = _decoding(transfer)[pixels]
    matrix = TO_SRGB.get(primaries, TO_SRGB[BT2020] if hdr else None)
    if matrix is not None:
        light = np.maximum(light @ np.array(matrix, dtype=np.float32).T, 0)
    if hdr:
        brightest = light.max(axis=-1, keepdims=True)
        over = np.maximum(brightest - KNEE, 0) / (1 - KNEE)
        rolled = np.minimum(brightest, KNEE) + (1 - KNEE) * (1 - np.exp(-over))
        light *= rolled / np.maximum(brightest, 1e-9)  # all three alike: the hue stays
    return np.rint(255 * _encode(np.clip(light, 0, 1))).astype(np.uint8)


@functools.cache
def _decoding(transfer: int) -> Float[np.ndarray, " 65536"]:
    """Linear light of each value, SDR white being 1."""
    x = np.arange(65536) / 65535
    if transfer == PQ:  # SMPTE ST 2084
        root = x ** (32 / 2523)
        c1, c2, c3 = 3424 / 4096, 2413 / 128, 2392 / 128
        light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (16384 / 2610)
        light *= 10_000 / WHITE_NITS
    elif transfer == HLG:
        light = _hlg_scene(x) / _hlg_scene(np.array(WHITE_HLG))
    else:
        light = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


def _hlg_scene(x: np.ndarray) -> np.ndarray:
    """The inverse OETF of BT.2100: light of the scene, 0 to 1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(x <= 0.5, x**2 / 3, (np.exp((x - c) / a) + b) / 12)


def _encode(light: np.ndarray) -> np.ndarray:
    """The curve of sRGB."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
