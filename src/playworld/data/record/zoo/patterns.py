"""Patterns of one tile: bricks, planks, rivets and the like, drawn in four tones."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from playworld.data.record.zoo.colour import Colour

Rng = np.random.Generator
Draw = ImageDraw.ImageDraw
Tones = Sequence[Colour]
"""Four colours from dark to light."""
Pattern = Callable[[Draw, int, Tones, Rng], None]
"""Draws over a square of so many pixels, already of the second tone."""
SMALLEST = 8
"""Tiles are drawn at least this large, and reduced."""


def tile(
    rng: Rng, side: int, tones: Sequence[Colour], pattern: Pattern
) -> UInt8[np.ndarray, "H W 3"]:
    """One square of a pattern."""
    drawn = max(side, SMALLEST)
    image = Image.new("RGB", (drawn, drawn), tones[1])
    pattern(ImageDraw.Draw(image), drawn, tones, rng)
    return np.asarray(image if drawn == side else image.resize((side, side), Image.Resampling.BOX))


def _plain(draw: Draw, n: int, tones: Tones, rng: Rng) -> None:
    pass


def _bevel(draw: Draw, n: int, tones: Tones, rng: Rng) -> None:
    edge = max(1, round(n * rng.uniform(0.08, 0.22)))
    draw.polygon([(0, 0), (n, 0), (n - edge, edge), (edge, n - edge), (0, n)], tones[3])
    draw.polygon([(n, n), (0, n), (edge, n - edge), (n - edge, edge), (n, 0)], tones[0])
    draw.rectangle([edge, edge, n - edge - 1, n - edge - 1], tones[int(rng.integers(1, 3))])


def _bricks(draw: Draw, n: int, tones: Tones, rng: Rng) -> None:
    rows, joint = int(rng.integers(2, 4)), max(1, n // 10)
    high = n / rows
    draw.rectangle([0, 0, n, n], tones[0])
    for row in range(rows):
        for k in (-1, 0, 1):
            left = (k + 0.5 * (row % 2)) * n / 1.0
            paint = tones[int(rng.integers(1, 4))]
            draw.rectangle(
                [left + joint, row * high + joint, left + n - 1, (row + 1) * high - 1], paint
            )


def _planks(draw: Draw, n: int, tones: Tones, rng: Rng) -> None:
    rows, upright = int(rng.integers(1, 4)), rng.random() < 0.4
    for row in range(rows):
        top, bottom = row * n / rows, (row + 1) * n / rows - 1
        paint = tones[int(rng.integers(1, 4))]
        joint = max(1, n // 12)
        if upright:
            draw.rectangle([top, 0, bottom, n], paint)
            draw.line([(top, 0), (top, n)], tones[0], joint)
        else:
            draw.rectangle([0, top, n, bottom], paint)
            draw.line([(0, top), (n, top)], tones[0], joint)


def _cobbles(draw: Draw, n: int, tones: Tones, rng: Rng) -> None:
    draw.rectangle([0, 0, n, n], tones[0])
    k = int(rng.integers(1, 4))
    for row in range(k):
        for column in range(k):
            r = n / k / 2
            x = (column + 0.5) * n / k + rng.normal(0, 0.1) * r
            y = (row + 0.5) * n / k + rng.normal(0, 0.1) * r
            a, b = r * rng.uniform(0.75, 1.0), r * rng.uniform(0.75, 1.0)
            draw.ellipse([x - a, y - b, x + a, y + b], tones[int(rng.integers(1, 3))])
            draw.ellipse([x - a * 0.6, y - b * 0.8, x + a * 0.2, y], tones[3])


def _dots(draw: Draw, n: int, tones: Tones, rng: Rng) -> None:
    for _ in range(int(rng.integers(2, 9))):
        x, y, r = rng.random() * n, rng.random() * n, n * rng.uniform(0.04, 0.14)
        draw.ellipse([x - r, y - r, x + r, y + r], tones[int(rng.choice([0, 2, 3]))])


def _checks(draw: Draw, n: int, tones: Tones, rng: Rng) -> None:
    k = int(rng.integers(2, 5))
    for row in range(k):
        for column in range(k):
            if (row + column) % 2:
                box = [column * n / k, row * n / k, (column + 1) * n / k - 1, (row + 1) * n / k - 1]
                draw.rectangle(box, tones[2])


def _stripes(draw: Draw, n: int, tones: Tones, rng: Rng) -> None:
    k, way = int(rng.integers(1, 4)), int(rng.integers(3))
    for line in range(-k, 2 * k):
        at, wide = line * n / k, n / k / 2
        if way == 0:
            draw.rectangle([at, 0, at + wide, n], tones[2])
        elif way == 1:
            draw.rectangle([0, at, n, at + wide], tones[2])
        else:
            draw.polygon([(at, 0), (at + wide, 0), (at + wide + n, n), (at + n, n)], tones[2])


def _rivets(draw: Draw, n: int, tones: Tones, rng: Rng) -> None:
    draw.rectangle([0, 0, n - 1, n - 1], tones[1], tones[0], max(1, n // 12))
    r, away = max(0.5, n * 0.06), n * rng.uniform(0.15, 0.25)
    for x in (away, n - away):
        for y in (away, n - away):
            draw.ellipse([x - r, y - r, x + r, y + r], tones[3])
    if rng.random() < 0.4:
        draw.line([(away, n - away), (n - away, away)], tones[2], max(1, n // 9))


def _emblem(draw: Draw, n: int, tones: Tones, rng: Rng) -> None:
    k = int(rng.integers(4, 8))
    on = rng.random((k, k)) < 0.5
    on[:, k - k // 2 :] = on[:, : k // 2][:, ::-1]
    for row, column in zip(*np.nonzero(on), strict=True):
        box = [column * n / k, row * n / k, (column + 1) * n / k - 1, (row + 1) * n / k - 1]
        draw.rectangle(box, tones[int(2 + (row == 0))])


def _blades(draw: Draw, n: int, tones: Tones, rng: Rng) -> None:
    for _ in range(int(rng.integers(4, 14))):
        x, y, tall = rng.random() * n, rng.random() * n, n * rng.uniform(0.1, 0.35)
        draw.line([(x, y), (x + rng.normal(0, 0.08) * n, y - tall)], tones[int(rng.choice([0, 3]))])


def _scales(draw: Draw, n: int, tones: Tones, rng: Rng) -> None:
    k = int(rng.integers(2, 4))
    r = n / k / 2
    for row in range(2 * k + 1, -1, -1):
        for column in range(-1, k + 1):
            x, y = (column + 0.5 * (row % 2)) * 2 * r + r, (row - 1) * r
            draw.ellipse([x - r, y - r, x + r, y + r], tones[2], tones[0])


def _diamonds(draw: Draw, n: int, tones: Tones, rng: Rng) -> None:
    half = n / 2
    for share, paint in ((1.0, tones[2]), (rng.uniform(0.3, 0.7), tones[3])):
        r = half * share
        draw.polygon(
            [(half, half - r), (half + r, half), (half, half + r), (half - r, half)], paint
        )


def _waves(draw: Draw, n: int, tones: Tones, rng: Rng) -> None:
    k, high = int(rng.integers(2, 5)), n * rng.uniform(0.05, 0.15)
    for row in range(k):
        y = (row + 0.5) * n / k
        line = [(x, y + high * np.sin(2 * np.pi * x / n)) for x in range(n + 1)]
        draw.line(line, tones[int(rng.choice([0, 3]))], max(1, n // 8))


PATTERNS: tuple[Pattern, ...] = (
    *(_plain, _bevel, _bricks, _planks, _cobbles, _dots, _checks, _stripes, _rivets, _emblem),
    *(_blades, _scales, _diamonds, _waves),
)
