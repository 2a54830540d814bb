"""What is noted of each frame while a video streams by, for judging its stretches afterwards."""

import functools
import struct

import numpy as np
from jaxtyping import Float, UInt8

from playworld.data.ingest.clean_options import CleanOptions

TRAITS = np.dtype([("hash", "<u8"), ("black", "?"), ("moved", "?"), ("bars", "u1", (2,))])
"""Per frame: its perceptual hash; whether it is black; whether it differs from the frame at which
the picture last changed; percent of the width and of the height that facing dark bars take each."""
_NOTED = struct.Struct("<Q??BB")
"""One of them."""
BRIGHT_SHARE = 0.002
"""Share of a black picture that may be brighter: compression makes specks, a player is larger."""
GRID = 32
"""Cells along each side of the picture that is hashed."""
WAVES = 8
"""Lowest frequencies in each direction that make up the hash, one bit each."""
GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""What red, green and blue add to the brightness."""
PARTS = 16
"""Parts along the shorter side in which movement is looked for."""

Frame = UInt8[np.ndarray, "H W 3"]


class FrameStats:
    """Notes the traits of the frames of one video, one after another."""

    def __init__(self, options: CleanOptions) -> None:
        self.options = options
        self._still: np.ndarray | None = None
        self._noted = bytearray()  # 12 bytes per frame, however long the video

    def see(self, frame: Frame) -> None:
        """Note the traits of the next frame."""
        bright = _strongest(frame) > self.options.black_level
        black = np.count_nonzero(bright) <= BRIGHT_SHARE * bright.size
        bars = _bars(bright)
        self._noted += _NOTED.pack(perceptual_hash(frame), black, self._moved(frame), *bars)

    @property
    def traits(self) -> np.ndarray:
        """`TRAITS` of all frames so far."""
        return np.frombuffer(bytes(self._noted), dtype=TRAITS)

    def _moved(self, frame: Frame) -> bool:
        """Whether any part differs from the last frame that moved; then this one is that frame.

        Compared with one frame and not with the one before, a slow pan is no standstill.
        """
        if self._still is not None and frame.shape == self._still.shape:
            change = np.maximum(frame, self._still) - np.minimum(frame, self._still)
            side = max(1, min(frame.shape[:2]) // PARTS)
            if _cells(_strongest(change), side).max() <= self.options.static_change:
                return False
        self._still = frame.copy()
        return True


def perceptual_hash(frame: Frame) -> int:
    """64 bits that stay nearly the same under another encoding, size or brightness.

    Signs of the lowest frequencies of the grey picture against their median (the pHash of Zauner,
    2010). Own lines: the imagehash package would bring SciPy and PyWavelets for them.
    """
    height, width = frame.shape[:2]
    lines = frame.reshape(height, width * 3).astype(np.float32)
    across = (_to_grid(height) @ lines).reshape(WAVES, width, 3) @ GREY
    waves = (across @ _to_grid(width).T).ravel()
    median = np.partition(waves, len(waves) // 2 - 1)[len(waves) // 2 - 1]
    return int.from_bytes(np.packbits(waves > median).tobytes(), "big")


@functools.cache
def _to_grid(count: int) -> Float[np.ndarray, "waves count"]:
    """Maps `count` pixels to the strengths of the lowest cosine waves over `GRID` cells."""
    edges = np.linspace(0, count, GRID + 1)
    pixels = np.arange(count)
    overlap = np.minimum(pixels + 1, edges[1:, None]) - np.maximum(pixels, edges[:-1, None])
    means = np.clip(overlap, 0, None) * GRID / count
    wave = np.arange(WAVES)[:, None]
    cosines = np.cos(np.pi * wave * (2 * np.arange(GRID) + 1) / (2 * GRID))
    return (cosines @ means).astype(np.float32)


def _strongest(frame: Frame) -> UInt8[np.ndarray, "H W"]:
    """The strongest colour of each pixel; ten times as fast as `frame.max(axis=2)`."""
    return np.maximum(np.maximum(frame[..., 0], frame[..., 1]), frame[..., 2])


def _cells(picture: UInt8[np.ndarray, "H W"], side: int) -> np.ndarray:
    """Means of squares of `side` pixels; what is left over at the right and below is not looked at.

    Sums along rows first, which is several times as fast as both at once.
    """
    height, width = (count // side for count in picture.shape)
    lines = picture[: height * side, : width * side].reshape(height, side, width * side)
    sums = lines.sum(axis=1, dtype=np.uint32).reshape(height, width, side).sum(axis=2)
    return sums / side**2


def _bars(bright: np.ndarray) -> tuple[int, int]:
    """Percent of the width, and of the height, that the thinner of two facing dark bars takes."""
    thin = []
    for axis, count in ((0, bright.shape[1]), (1, bright.shape[0])):
        lit = np.flatnonzero(np.logical_or.reduce(bright, axis=axis))
        edge = min(lit[0], count - 1 - lit[-1]) if len(lit) else count // 2
        thin.append(int(100 * edge / count))
    return thin[0], thin[1]
