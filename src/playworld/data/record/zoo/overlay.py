"""What lies over the picture of a game: weather, light and dark, a score, a film's tones."""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from playworld.data.record.zoo.colour import Palette

Rng = np.random.Generator
View = UInt8[np.ndarray, "H W 3"]
Weather = Callable[[View, int, float, float], None]
"""Draws over a view at a time, with the camera at (x, y) in pixels."""
Light = Callable[[View, float, float], View]
"""The view in this light, with the figure at (x, y) in pixels."""
Board = Callable[[View, int], None]
"""Draws a score over a view."""


def weather(rng: Rng, ppu: float) -> Weather | None:
    """Rain, snow or sparks that fall before everything; mostly none."""
    if rng.random() > 0.08:
        return None
    count = int(rng.integers(8, 50))
    start = rng.random((count, 2)) * 997
    wind, fall = rng.uniform(-0.6, 0.6), rng.uniform(0.4, 3.0)
    paint = np.array([255, 255, 255] if rng.random() < 0.7 else rng.integers(0, 256, 3), np.uint8)
    wide = max(1, round(ppu * rng.uniform(0.5, 1.2)))
    tall = max(1, round(wide * (1 if fall < 1.2 else rng.uniform(1, 5))))

    def draw(view: View, time: int, x: float, y: float) -> None:
        height, width = view.shape[:2]
        places = start * ppu + np.array([wind, fall]) * (ppu * time) - np.array([x, y])
        for left, top in (places % np.array([width, height])).astype(int).tolist():
            view[top : top + tall, left : left + wide] = paint

    return draw


def light(rng: Rng, pixels: tuple[int, int], natural: bool) -> Light | None:
    """Dark corners, a slanted light, or a lamp around the figure; mostly none."""
    kind = rng.random()
    if kind > (0.35 if natural else 0.14):
        return None
    width, height = pixels
    y, x = np.mgrid[-1 : 1 : 2 * height * 1j, -1 : 1 : 2 * width * 1j].astype(np.float32)
    if kind < 0.04:
        # Twice as large as the screen, so that it can be moved to wherever the figure is.
        reach = rng.uniform(0.15, 0.4)
        lamp = np.clip(1.2 - np.hypot(x * width / height, y) / reach, rng.uniform(0.15, 0.4), 1)
        lamp = (255 * lamp[..., None]).astype(np.uint16)

        def moved(view: View, at_x: float, at_y: float) -> View:
            left, top = (min(max(s - round(v), 0), s) for s, v in ((width, at_x), (height, at_y)))
            return (view * lamp[top : top + height, left : left + width] >> 8).astype(np.uint8)

        return moved
    y, x = y[::2, ::2], x[::2, ::2]
    if kind < 0.1:
        share = 1 - rng.uniform(0.2, 0.6) * np.clip(x**2 + y**2 - 0.4, 0, 1)
    else:
        turn = rng.uniform(0, 2 * np.pi)
        share = 0.85 + rng.uniform(0.05, 0.15) * (x * np.cos(turn) + y * np.sin(turn))
    still = (255 * np.clip(share, 0, 1)[..., None]).astype(np.uint16)
    return lambda view, at_x, at_y: (view * still >> 8).astype(np.uint8)


def board(rng: Rng, palette: Palette, ppu: float) -> Board | None:
    """A bar with the score as a row of lamps, at the top or the bottom; mostly none."""
    if rng.random() > 0.15:
        return None
    height, low = max(2, round(ppu * rng.uniform(4, 8))), rng.random() < 0.3
    lamp, ground = palette.accent(rng), palette.tone(rng, rng.choice([0.08, 0.25, 0.9]))
    side = max(1, height // 2)

    def draw(view: View, score: int) -> None:
        bar = view[-height:] if low else view[:height]
        bar[:] = ground
        for k in range(1 + score % 10):
            x = side + k * (side + max(1, side // 2))
            bar[height // 4 : height // 4 + side, x : x + side] = lamp

    return draw


def tones(rng: Rng) -> UInt8[np.ndarray, " 256"] | None:
    """A curve for all brightnesses: faded, hard, posterised, inverted; mostly none."""
    kind, at = rng.random(), np.arange(256) / 255
    if kind < 0.06:
        levels = int(rng.integers(3, 8))
        curve = np.floor(at * levels * 0.999) / (levels - 1)
    elif kind < 0.09:
        curve = 1 - at
    elif kind < 0.17:
        curve = 0.5 + (at - 0.5) * rng.uniform(0.4, 0.8)
    elif kind < 0.25:
        curve = at ** rng.uniform(0.5, 1.4)
    else:
        return None
    return (255 * np.clip(curve, 0, 1)).round().astype(np.uint8)
