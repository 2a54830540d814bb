"""What things are made of: noise of several octaves, tiles, and materials made of both."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from playworld.data.record.zoo.colour import Colour, Palette, ramp
from playworld.data.record.zoo.patterns import PATTERNS, tile

Rng = np.random.Generator
Draw = ImageDraw.ImageDraw
Tones = Sequence[Colour]
"""Four colours from dark to light."""
Size = tuple[int, int]
"""Width and height in pixels."""
SMALLEST = 8
"""Tiles are drawn at least this large, and reduced."""


def noise(
    rng: Rng, size: Size, cell: float, octaves: int = 3, gain: float = 0.5
) -> Float[np.ndarray, "H W"]:
    """Smooth noise in 0..1, of spots `cell` pixels across, then half as large, and so on."""
    width, height = size
    total, weight = np.zeros((height, width), np.float32), 1.0
    for octave in range(octaves):
        step = cell / 2**octave
        if step < 1 and octave:
            break
        across, down = width / step, height / step
        coarse = rng.random((int(down) + 4, int(across) + 4), dtype=np.float32)
        box = (1.0, 1.0, 1.0 + across, 1.0 + down)
        total += weight * np.asarray(
            Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC, box)
        )
        weight *= gain
    low, high = total.min(), total.max()
    return (total - low) / max(high - low, 1e-6)


def profile(rng: Rng, length: int, cell: float, octaves: int) -> Float[np.ndarray, " W"]:
    """A line of hills, 0..1: as `noise`, along one axis and with straight slopes."""
    total, weight, at = np.zeros(length), 1.0, np.arange(length)
    for octave in range(octaves):
        step = max(cell / 2**octave, 1.0)
        heights = rng.random(int(length / step) + 2)
        total += weight * np.interp(at / step, np.arange(len(heights)), heights)
        weight *= 0.5
    return (total - total.min()) / max(float(np.ptp(total)), 1e-6)


def lit(
    paint: UInt8[np.ndarray, "H W 3"], light: Float[np.ndarray, "H W"]
) -> UInt8[np.ndarray, "H W 3"]:
    """The picture, brighter where `light` is above 1 and darker where it is below."""
    return np.clip(paint * light[..., None], 0, 255).astype(np.uint8)


def tiled(
    rng: Rng, size: Size, tiles: Sequence[UInt8[np.ndarray, "N N 3"]]
) -> UInt8[np.ndarray, "H W 3"]:
    """A wall of tiles, each place with one of them by chance."""
    side = len(tiles[0])
    columns, rows = -(-size[0] // side), -(-size[1] // side)
    places = rng.integers(len(tiles), size=(rows, columns))
    wall = np.stack(tiles)[places].transpose(0, 2, 1, 3, 4)
    return wall.reshape(rows * side, columns * side, 3)[: size[1], : size[0]]


def material(
    rng: Rng, palette: Palette, light: float, size: Size, side: int
) -> UInt8[np.ndarray, "H W 3"]:
    """A surface of about this lightness, with a pattern about `side` pixels across."""
    tones = palette.tones(rng, light, contrast=rng.uniform(0.03, 0.2))
    kind = rng.random()
    if kind < 0.55:
        pattern = PATTERNS[rng.integers(len(PATTERNS))]
        paint = tiled(rng, size, [tile(rng, side, tones, pattern) for _ in range(4)])
    elif kind < 0.85:
        field = noise(rng, size, side * rng.uniform(0.3, 2.5), int(rng.integers(1, 5)), 0.6)
        levels = int(rng.integers(2, 6)) if rng.random() < 0.35 else 256
        paint = ramp(field, tones, levels)
    else:
        bend = noise(rng, size, side * 3.0, 2)
        rows = np.arange(size[1], dtype=np.float32)[:, None] / (side * rng.uniform(0.4, 1.5))
        paint = ramp((rows + 2 * bend) % 1.0, tones, int(rng.choice([3, 4, 256])))
    if rng.random() < 0.25:
        grain = rng.normal(1, rng.uniform(0.02, 0.12), (size[1], size[0])).astype(np.float32)
        paint = lit(paint, grain)
    return paint
