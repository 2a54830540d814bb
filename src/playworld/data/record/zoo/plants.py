"""Tufts, bushes, flowers, stones and signs that stand on the ground."""

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image, ImageDraw

from playworld.data.record.zoo.colour import Colour, Palette
from playworld.data.record.zoo.level import EMPTY, GROUND, Grid

Rng = np.random.Generator
Paint = UInt8[np.ndarray, "H W 3"]
Mask = Bool[np.ndarray, "H W"]


def plant(rng: Rng, palette: Palette, grid: Grid, side: int, paint: Paint, solid: Mask) -> None:
    """Tufts, posts, bushes and stones on the ground; one walks before them."""
    kinds = [_drawn(rng, palette, side) for _ in range(int(rng.integers(1, 4)))]
    ground = (grid[1:] == GROUND) & (grid[:-1] == EMPTY)
    density = rng.uniform(0.05, 0.35)
    for y, x in zip(*np.nonzero(ground & (rng.random(ground.shape) < density)), strict=True):
        image = kinds[rng.integers(len(kinds))]
        left = x * side + (side - image.width) // 2
        top = (y + 1) * side - image.height
        rgba = np.asarray(image)
        cut = (slice(max(0, top), top + image.height), slice(max(0, left), left + image.width))
        rgba = rgba[max(0, -top) :, max(0, -left) :][: paint[cut].shape[0], : paint[cut].shape[1]]
        on = (rgba[..., 3] > 127) & ~solid[cut]
        np.copyto(paint[cut], rgba[..., :3], where=on[..., None])
        solid[cut] |= on


def _drawn(rng: Rng, palette: Palette, side: int) -> Image.Image:
    high = 3.0 if rng.random() < 0.3 else 1.4
    wide, tall = (max(3, round(side * v)) for v in rng.uniform((0.5, 0.3), (1.1, high)))
    image = Image.new("RGBA", (wide * 4, tall * 4))
    draw = ImageDraw.Draw(image)
    w, h = image.size
    tones: list[Colour] = palette.tones(rng, palette.front + rng.uniform(-0.1, 0.3), 0.12)
    kind = int(rng.integers(5))
    if kind == 0:
        for _ in range(int(rng.integers(3, 8))):
            x = w * rng.uniform(0.2, 0.8)
            tip = (x + w * rng.normal(0, 0.2), h * rng.uniform(0, 0.5))
            draw.polygon([(x - w * 0.08, h), (x + w * 0.08, h), tip], tones[int(rng.integers(4))])
    elif kind == 1:
        for k in range(4):
            x, y, r = w * rng.uniform(0.25, 0.75), h * rng.uniform(0.4, 0.8), w * 0.25
            draw.ellipse([x - r, y - r, x + r, h + r], tones[k])
    elif kind == 2:
        draw.line([(w / 2, h), (w / 2, h * 0.3)], tones[0], max(2, w // 8))
        r = min(w, h) * 0.3
        draw.ellipse([w / 2 - r, h * 0.3 - r, w / 2 + r, h * 0.3 + r], palette.accent(rng))
    elif kind == 3:
        draw.polygon(
            [(w * 0.1, h), (w * 0.3, h * 0.4), (w * 0.7, h * 0.35), (w * 0.95, h)], tones[1]
        )
        draw.polygon([(w * 0.3, h * 0.4), (w * 0.7, h * 0.35), (w * 0.5, h)], tones[3])
    else:
        draw.rectangle([w * 0.4, h * 0.2, w * 0.6, h], tones[0])
        draw.rectangle([w * 0.1, 0, w * 0.9, h * 0.45], tones[2])
    return image.resize((wide, tall), Image.Resampling.BOX)
