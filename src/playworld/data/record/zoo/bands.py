"""What stands behind a game: hills, woods, towns, pillars, caves, shapes, walls.

Each kind gets the size of the picture, the size of the screen, by which things are measured, and
a lightness; it returns a picture and where it is solid.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw

from playworld.data.record.zoo.colour import Colour, Palette, ramp
from playworld.data.record.zoo.texture import Size, material, noise, profile

Rng = np.random.Generator
Paint = UInt8[np.ndarray, "H W 3"]
Mask = Bool[np.ndarray, "H W"]
Cut = tuple[Paint, Mask]


def below(line: Float[np.ndarray, " W"], size: Size) -> Mask:
    """Everything below a line of rows."""
    return np.arange(size[1])[:, None] >= line[None]


def _hills(rng: Rng, palette: Palette, size: Size, view: Size, light: float) -> Cut:
    """Mountains or hills with a ridge, sometimes with white tops."""
    smooth = rng.random() < 0.5
    cell = view[0] * rng.uniform(0.2, 0.8)
    line = profile(rng, size[0], cell, 1 if smooth else int(rng.integers(2, 6)))
    if smooth:
        line = 0.5 - 0.5 * np.cos(np.pi * line)
    ridge = size[1] - view[1] * (rng.uniform(0.05, 0.4) + rng.uniform(0.15, 0.5) * (1 - line))
    solid = below(ridge, size)
    tones = palette.tones(rng, light, rng.uniform(0.02, 0.12))
    depth = np.clip((np.arange(size[1])[:, None] - ridge[None]) / (view[1] * 0.6), 0, 1)
    paint = ramp(depth.astype(np.float32), tones[:: int(rng.choice([-1, 1]))])
    if not smooth and rng.random() < 0.35:
        snow = depth < 0.08 + 0.06 * rng.random(size[0])[None]
        paint[snow & (ridge < np.percentile(ridge, 55))[None]] = palette.tone(rng, 0.96, 0.2)
    return paint, solid


def _woods(rng: Rng, palette: Palette, size: Size, view: Size, light: float) -> Cut:
    """Trees of one kind on flat ground."""
    image, mask = Image.new("RGB", size), Image.new("L", size)
    draw, cut = ImageDraw.Draw(image), ImageDraw.Draw(mask)
    ground = size[1] - view[1] * rng.uniform(0.05, 0.3)
    leaves, trunk = palette.tones(rng, light, 0.08), palette.tone(rng, light * 0.7)
    kind, tall = int(rng.integers(3)), view[1] * rng.uniform(0.25, 0.6)
    x = 0.0
    while x < size[0]:
        high, wide = tall * rng.uniform(0.7, 1.2), tall * rng.uniform(0.15, 0.3)
        top, paint = ground - high, leaves[int(rng.integers(4))]
        parts: list[tuple[str, list, Colour]] = [
            ("rectangle", [x - tall * 0.04, top, x + tall * 0.04, ground], trunk)
        ]
        if kind == 0:
            parts += [("ellipse", [x - wide, top, x + wide, top + high * 0.7], paint)]
        elif kind == 1:
            for k in range(3):
                y, half = top + k * high * 0.25, wide * (0.5 + 0.25 * k)
                outline = [(x, y), (x + half, y + high * 0.35), (x - half, y + high * 0.35)]
                parts += [("polygon", outline, paint)]
        else:
            for k in range(5):
                a, b = x + rng.normal(0, 0.6) * wide, top + high * 0.3 + rng.normal(0, 0.5) * wide
                parts += [
                    (
                        "ellipse",
                        [a - wide / 2, b - wide / 2, a + wide / 2, b + wide / 2],
                        leaves[k % 4],
                    )
                ]
        for name, where, fill in parts:
            getattr(draw, name)(where, fill)
            getattr(cut, name)(where, 255)
        x += tall * rng.uniform(0.15, 0.8)
    draw.rectangle([0, ground, *size], leaves[0])
    cut.rectangle([0, ground, *size], 255)
    return np.array(image), np.asarray(mask) > 127


def _town(rng: Rng, palette: Palette, size: Size, view: Size, light: float) -> Cut:
    """Houses with windows."""
    image, mask = Image.new("RGB", size), Image.new("L", size)
    draw, cut = ImageDraw.Draw(image), ImageDraw.Draw(mask)
    walls, window = palette.tones(rng, light, 0.08), palette.accent(rng)
    unit, roofs, lit_share = view[1] * rng.uniform(0.03, 0.06), rng.random() < 0.4, rng.random()
    x = -view[0] * 0.1
    while x < size[0]:
        wide, high = unit * int(rng.integers(4, 10)), view[1] * rng.uniform(0.2, 0.75)
        top = size[1] - high
        for pen, fill in ((draw, walls[int(rng.integers(4))]), (cut, 255)):
            pen.rectangle([x, top, x + wide, size[1]], fill)
            if roofs:
                pen.polygon([(x, top), (x + wide / 2, top - wide / 3), (x + wide, top)], fill)
        for row in np.arange(top + unit, size[1], 2 * unit):
            for column in np.arange(x + unit, x + wide - unit, 2 * unit):
                if rng.random() < lit_share:
                    draw.rectangle([column, row, column + unit * 0.8, row + unit], window)
        x += wide + unit * rng.integers(0, 3)
    return np.array(image), np.asarray(mask) > 127


def _columns(rng: Rng, palette: Palette, size: Size, view: Size, light: float) -> Cut:
    """Pillars, trunks, pipes or dripping stones from the top to the bottom."""
    tones = palette.tones(rng, light, rng.uniform(0.05, 0.2))
    across = profile(rng, size[0], view[0] * rng.uniform(0.05, 0.3), 1)
    bend = noise(rng, size, view[1] * 0.5, 2) if rng.random() < 0.5 else 0.5
    field = np.clip(
        np.broadcast_to(across[None], (size[1], size[0])) * 0.8 + 0.4 * (bend - 0.5), 0, 1
    )
    solid = field > rng.uniform(0.45, 0.65)
    if rng.random() < 0.5:
        paint = ramp(field.astype(np.float32), tones)
    else:
        paint = material(rng, palette, light, size, max(4, view[1] // 10)).copy()
    return paint, solid


def _cave(rng: Rng, palette: Palette, size: Size, view: Size, light: float) -> Cut:
    """A wall with holes in it: rock, leaves, far walls."""
    field = noise(rng, size, view[1] * rng.uniform(0.2, 0.6), int(rng.integers(2, 5)))
    solid = field > rng.uniform(0.4, 0.6)
    return material(rng, palette, light, size, max(4, view[1] // 8)).copy(), solid


def _shapes(rng: Rng, palette: Palette, size: Size, view: Size, light: float) -> Cut:
    """Discs, boxes, triangles: nothing in particular."""
    image, mask = Image.new("RGB", size), Image.new("L", size)
    draw, cut = ImageDraw.Draw(image), ImageDraw.Draw(mask)
    density = rng.uniform(1, 16) * size[0] * size[1] / (view[0] * view[1])
    big, kind = view[1] * rng.uniform(0.05, 0.3), int(rng.integers(4))
    for _ in range(int(min(density, 300)) + 1):
        x, y, r = rng.random() * size[0], rng.random() * size[1], big * rng.uniform(0.3, 1)
        fill = palette.tone(rng, light + rng.normal(0, 0.12))
        for pen, paint in ((draw, fill), (cut, 255)):
            if kind == 0:
                pen.ellipse([x - r, y - r, x + r, y + r], paint)
            elif kind == 1:
                pen.rectangle([x - r, y - r * 0.6, x + r, y + r * 0.6], paint)
            elif kind == 2:
                pen.polygon([(x, y - r), (x + r, y + r), (x - r, y + r)], paint)
            else:
                pen.line([(x, y - 2 * r), (x + r / 4, y + 2 * r)], paint, max(1, round(r / 3)))
    return np.array(image), np.asarray(mask) > 127


def _room(rng: Rng, palette: Palette, size: Size, view: Size, light: float) -> Cut:
    """An inner wall with windows or pictures: holes in a material, with frames."""
    paint = material(rng, palette, light, size, max(4, view[1] // 8)).copy()
    solid = np.ones((size[1], size[0]), bool)
    wide, high = (int(v * rng.uniform(0.12, 0.3)) + 2 for v in view)
    pitch = int(wide * rng.uniform(1.5, 3)), int(high * rng.uniform(1.5, 3))
    frame = palette.tone(rng, light * 0.6)
    edge = max(1, view[1] // 48)
    for y in range(pitch[1] // 3, size[1] - high, pitch[1]):
        for x in range(pitch[0] // 3, size[0] - wide, pitch[0]):
            paint[y - edge : y + high + edge, x - edge : x + wide + edge] = frame
            solid[y : y + high, x : x + wide] = False
    return paint, solid


Band = Callable[[Rng, Palette, Size, Size, float], Cut]
BANDS: tuple[Band, ...] = (_hills, _hills, _hills, _woods, _town, _columns, _cave, _shapes, _room)
