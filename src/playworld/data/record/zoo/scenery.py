"""What lies behind a game seen from the side: skies, and bands of things in front of them."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFilter

from playworld.data.record.zoo.bands import BANDS, below
from playworld.data.record.zoo.colour import Colour, Palette
from playworld.data.record.zoo.picture import Layer, Sprite
from playworld.data.record.zoo.sky import sky
from playworld.data.record.zoo.texture import Size, lit, noise, profile

Rng = np.random.Generator
Paint = UInt8[np.ndarray, "H W 3"]
FACTORS = ((0.0, 0.0), (0.0, 0.5), (0.15, 0.5), (0.3, 0.8), (1.0, 1.0))
"""How fast the farthest and the nearest band move, as shares of the level's own movement."""


def backdrop(
    rng: Rng, palette: Palette, view: Size, level: Size, side: int, natural: bool
) -> list[Layer]:
    """Layers from the sky forwards, for a view and a level of these pixels.

    Args:
        rng: chooses everything.
        palette: colours.
        view: pixels of the screen.
        level: pixels of the level, at least those of the screen.
        side: pixels of a tile.
        natural: shaded and full of detail, as a photograph is.
    """
    far, near = FACTORS[rng.choice(len(FACTORS), p=[0.04, 0.18, 0.32, 0.24, 0.22])]
    count = int(rng.choice([0, 1, 2, 3], p=[0.2, 0.3, 0.3, 0.2]))
    far_paint, haze = sky(rng, palette, _extent(view, level, far), side, natural)
    if rng.random() < (0.4 if natural else 0.15):  # what is far is out of focus
        blur = ImageFilter.GaussianBlur(view[1] * rng.uniform(0.005, 0.03))
        far_paint = np.asarray(Image.fromarray(far_paint).filter(blur))
    layers = [Layer(Sprite.cut(far_paint, np.ones(far_paint.shape[:2], bool)), far)]
    for band in range(count):
        nearness = (band + 1) / (count + 0.5)
        factor = far + (near - far) * nearness
        size = _extent(view, level, factor)
        distance = (1 - nearness) * rng.uniform(0.4, 1.0)
        layers.append(Layer(_band(rng, palette, size, view, haze, distance, natural), factor))
    return layers


def foreground(rng: Rng, palette: Palette, view: Size, level: Layer) -> Layer | None:
    """Dark tufts or stems before everything, that move faster than the level; mostly none."""
    if rng.random() > 0.07:
        return None
    factor = rng.uniform(1.2, 1.7)
    height, width = level.sprite.paint.shape[:2]
    size = _extent(view, (width, height), factor)
    line = profile(rng, size[0], view[0] * rng.uniform(0.1, 0.6), int(rng.integers(1, 4)))
    tall = view[1] * rng.uniform(0.15, 0.5)
    solid = below(size[1] - tall * np.clip(line - rng.uniform(0.1, 0.6), 0, 1), size)
    paint = np.empty((size[1], size[0], 3), np.uint8)
    paint[:] = palette.tone(rng, rng.choice([0.1, 0.2, palette.front]))
    return Layer(Sprite.cut(paint, solid), factor)


def _extent(view: Size, level: Size, factor: float) -> Size:
    """Pixels that a layer needs to fill the view wherever the camera is."""
    width, height = (v + round((w - v) * factor) for v, w in zip(view, level, strict=True))
    return width, height


def _band(
    rng: Rng, palette: Palette, size: Size, view: Size, haze: Colour, distance: float, natural: bool
) -> Sprite:
    """Hills, woods, towns or other things, the more faded the farther they are."""
    light = palette.back + (palette.front - palette.back) * rng.uniform(0.2, 0.7)
    kind = BANDS[rng.integers(len(BANDS))]
    paint, solid = kind(rng, palette, size, view, light)
    if natural:
        field = noise(rng, size, view[1] * 0.25, 5, 0.6)
        relief = field - np.roll(field, (2, 2), axis=(0, 1))
        paint = lit(paint, 0.7 + 0.5 * field + rng.uniform(1, 5) * relief)
    faded = paint + (np.array(haze, np.float32) - paint) * distance * 0.7
    return Sprite.cut(faded.astype(np.uint8), solid)
