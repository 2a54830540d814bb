"""What things are made of: noise of several octaves, tiles, and materials made of both."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from playworld.data.zoo.colour import Colour, Palette, ramp

Size = tuple[int, int]
"""Width and height in pixels."""
SMALLEST = 8
"""Tiles are drawn at least this large, and reduced."""


def noise(
    rng: np.random.Generator, size: Size, cell: float, octaves: int = 3, gain: float = 0.5
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


def profile(
    rng: np.random.Generator, length: int, cell: float, octaves: int
) -> Float[np.ndarray, " W"]:
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


def _plain(draw: ImageDraw.ImageDraw, n: int, tones: Sequence[Colour], rng: np.random.Generator):
    pass


def _bevel(draw: ImageDraw.ImageDraw, n: int, tones: Sequence[Colour], rng: np.random.Generator):
    edge = max(1, round(n * rng.uniform(0.08, 0.22)))
    draw.polygon([(0, 0), (n, 0), (n - edge, edge), (edge, n - edge), (0, n)], tones[3])
    draw.polygon([(n, n), (0, n), (edge, n - edge), (n - edge, edge), (n, 0)], tones[0])
    draw.rectangle([edge, edge, n - edge - 1, n - edge - 1], tones[int(rng.integers(1, 3))])


def _bricks(draw: ImageDraw.ImageDraw, n: int, tones: Sequence[Colour], rng: np.random.Generator):
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


def _planks(draw: ImageDraw.ImageDraw, n: int, tones: Sequence[Colour], rng: np.random.Generator):
    rows, upright = int(rng.integers(1, 4)), rng.random() < 0.4
    for row in range(rows):
        top, bottom = row * n / rows, (row + 1) * n / rows - 1
        paint = tones[int(rng.integers(1, 4))]
        edge, line = (
            ([top, 0, bottom, n], [(top, 0), (top, n)])
            if upright
            else (
                [0, top, n, bottom],
                [(0, top), (n, top)],
            )
        )
        draw.rectangle(edge, paint)
        draw.line(line, tones[0], max(1, n // 12))


def _cobbles(draw: ImageDraw.ImageDraw, n: int, tones: Sequence[Colour], rng: np.random.Generator):
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


def _dots(draw: ImageDraw.ImageDraw, n: int, tones: Sequence[Colour], rng: np.random.Generator):
    for _ in range(int(rng.integers(2, 9))):
        x, y, r = rng.random() * n, rng.random() * n, n * rng.uniform(0.04, 0.14)
        draw.ellipse([x - r, y - r, x + r, y + r], tones[int(rng.choice([0, 2, 3]))])


def _checks(draw: ImageDraw.ImageDraw, n: int, tones: Sequence[Colour], rng: np.random.Generator):
    k = int(rng.integers(2, 5))
    for row in range(k):
        for column in range(k):
            if (row + column) % 2:
                box = [column * n / k, row * n / k, (column + 1) * n / k - 1, (row + 1) * n / k - 1]
                draw.rectangle(box, tones[2])


def _stripes(draw: ImageDraw.ImageDraw, n: int, tones: Sequence[Colour], rng: np.random.Generator):
    k, way = int(rng.integers(1, 4)), int(rng.integers(3))
    for line in range(-k, 2 * k):
        at, wide = line * n / k, n / k / 2
        if way == 0:
            draw.rectangle([at, 0, at + wide, n], tones[2])
        elif way == 1:
            draw.rectangle([0, at, n, at + wide], tones[2])
        else:
            draw.polygon([(at, 0), (at + wide, 0), (at + wide + n, n), (at + n, n)], tones[2])


def _rivets(draw: ImageDraw.ImageDraw, n: int, tones: Sequence[Colour], rng: np.random.Generator):
    draw.rectangle([0, 0, n - 1, n - 1], tones[1], tones[0], max(1, n // 12))
    r, away = max(0.5, n * 0.06), n * rng.uniform(0.15, 0.25)
    for x in (away, n - away):
        for y in (away, n - away):
            draw.ellipse([x - r, y - r, x + r, y + r], tones[3])
    if rng.random() < 0.4:
        draw.line([(away, n - away), (n - away, away)], tones[2], max(1, n // 9))


def _emblem(draw: ImageDraw.ImageDraw, n: int, tones: Sequence[Colour], rng: np.random.Generator):
    k = int(rng.integers(4, 8))
    on = rng.random((k, k)) < 0.5
    on[:, k - k // 2 :] = on[:, : k // 2][:, ::-1]
    for row, column in zip(*np.nonzero(on), strict=True):
        box = [column * n / k, row * n / k, (column + 1) * n / k - 1, (row + 1) * n / k - 1]
        draw.rectangle(box, tones[int(2 + (row == 0))])


def _blades(draw: ImageDraw.ImageDraw, n: int, tones: Sequence[Colour], rng: np.random.Generator):
    for _ in range(int(rng.integers(4, 14))):
        x, y, tall = rng.random() * n, rng.random() * n, n * rng.uniform(0.1, 0.35)
        draw.line([(x, y), (x + rng.normal(0, 0.08) * n, y - tall)], tones[int(rng.choice([0, 3]))])


Pattern = Callable[[ImageDraw.ImageDraw, int, Sequence[Colour], np.random.Generator], None]
PATTERNS: tuple[Pattern, ...] = (
    *(_plain, _bevel, _bricks, _planks, _cobbles, _dots, _checks, _stripes, _rivets, _emblem),
    _blades,
)


def tile(
    rng: np.random.Generator, side: int, tones: Sequence[Colour], pattern: Pattern
) -> UInt8[np.ndarray, "H W 3"]:
    """One square of a pattern."""
    drawn = max(side, SMALLEST)
    image = Image.new("RGB", (drawn, drawn), tones[1])
    pattern(ImageDraw.Draw(image), drawn, tones, rng)
    return np.asarray(image if drawn == side else image.resize((side, side), Image.Resampling.BOX))


def tiled(
    rng: np.random.Generator, size: Size, tiles: Sequence[UInt8[np.ndarray, "N N 3"]]
) -> UInt8[np.ndarray, "H W 3"]:
    """A wall of tiles, each place with one of them by chance."""
    side = len(tiles[0])
    columns, rows = -(-size[0] // side), -(-size[1] // side)
    places = rng.integers(len(tiles), size=(rows, columns))
    wall = np.stack(tiles)[places].transpose(0, 2, 1, 3, 4)
    return wall.reshape(rows * side, columns * side, 3)[: size[1], : size[0]]


def material(
    rng: np.random.Generator, palette: Palette, light: float, size: Size, side: int
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
