"""Skies: gradients, suns, clouds, stars, or a wall instead."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from playworld.data.record.zoo.colour import Colour, Palette, mix, ramp
from playworld.data.record.zoo.texture import Size, material, noise

Rng = np.random.Generator
Paint = UInt8[np.ndarray, "H W 3"]


def sky(rng: Rng, palette: Palette, size: Size, side: int, natural: bool) -> tuple[Paint, Colour]:
    """The farthest picture, and the colour that far things fade to."""
    top = palette.tone(rng, palette.back + rng.uniform(-0.15, 0.15))
    low = palette.tone(rng, palette.back + rng.uniform(-0.15, 0.15))
    kind = rng.random()
    if kind < 0.12:
        picture = np.broadcast_to(np.array(top, np.uint8), (size[1], size[0], 3)).copy()
    elif kind < 0.2:
        picture = material(rng, palette, palette.back, size, side * int(rng.integers(1, 4))).copy()
    elif kind < 0.35 or natural and kind < 0.5:
        cell = min(size) * rng.uniform(0.15, 0.8)
        field = noise(rng, size, cell, int(rng.integers(3, 7)), rng.uniform(0.4, 0.65))
        picture = ramp(field, [top, palette.tone(rng, palette.back), low])
    else:
        picture = _gradient(rng, size, top, low)
    if rng.random() < 0.25:
        picture = _orb(rng, picture, palette)
    if rng.random() < (0.6 if natural else 0.3):
        picture = _clouds(rng, palette, picture, soft=natural or rng.random() < 0.4)
    if palette.back < 0.35 and rng.random() < 0.4:
        stars = rng.random((size[1], size[0])) < rng.uniform(0.001, 0.008)
        picture[stars] = mix(top, (255, 255, 255), 0.8)
    return picture, low


def _gradient(rng: Rng, size: Size, top: Colour, low: Colour) -> Paint:
    down = np.linspace(0, 1, size[1], dtype=np.float32)[:, None] ** rng.uniform(0.5, 2.0)
    field = np.repeat(down, size[0], axis=1)
    if rng.random() < 0.2:
        across = np.linspace(-1, 1, size[0], dtype=np.float32) - rng.uniform(-0.5, 0.5)
        field = np.clip(np.sqrt(down**2 + across**2), 0, 1)
    return ramp(field, [top, low], int(rng.choice([256, 256, 256, 5, 9])))


def _orb(rng: Rng, sky: Paint, palette: Palette) -> Paint:
    """A sun, a moon or a planet, sometimes with a glow."""
    height, width = sky.shape[:2]
    radius = height * rng.uniform(0.05, 0.25)
    y, x = np.ogrid[:height, :width]
    away = np.hypot(x - width * rng.random(), y - height * rng.uniform(0.1, 0.6)) / radius
    paint = np.array(palette.tone(rng, 0.9 if palette.back < 0.7 else 0.99), np.float32)
    share = np.clip((1 - away) * radius + 0.5, 0, 1)
    if rng.random() < 0.5:
        share = np.maximum(share, rng.uniform(0.3, 0.8) * np.exp(-np.maximum(away - 1, 0) * 1.5))
    return (sky + (paint - sky) * share[..., None]).astype(np.uint8)


def _clouds(rng: Rng, palette: Palette, sky: Paint, soft: bool) -> Paint:
    height, width = sky.shape[:2]
    paint = palette.tone(rng, min(palette.back + 0.25, 0.98), 0.4)
    if soft:
        # Clouds are wider than they are high.
        field = noise(rng, (width, height), height * rng.uniform(0.2, 0.5), 5, 0.55)
        share = np.clip((field - rng.uniform(0.4, 0.6)) * rng.uniform(2, 5), 0, 1)
        share *= np.linspace(1, rng.random(), height, dtype=np.float32)[:, None]
        shade = 0.75 + 0.25 * np.clip(field - np.roll(field, 3, axis=0) + 0.6, 0, 1)
        cloud = np.array(paint, np.float32) * shade[..., None]
        return (sky + (cloud - sky) * share[..., None]).astype(np.uint8)
    image = Image.fromarray(sky)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(2, 9)) * max(1, width // height)):
        x, y, r = rng.random() * width, rng.random() * height * 0.7, height * rng.uniform(0.03, 0.1)
        for _ in range(int(rng.integers(3, 6))):
            a, b = x + rng.normal(0, 1.6) * r, y + rng.normal(0, 0.35) * r
            draw.ellipse([a - 1.4 * r, b - r, a + 1.4 * r, b + r], paint)
    return np.array(image)
