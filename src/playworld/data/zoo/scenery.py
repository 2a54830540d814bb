"""What lies behind a game seen from the side: skies, and bands of things in front of them."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFilter

from playworld.data.zoo.colour import Colour, Palette, mix, ramp
from playworld.data.zoo.picture import Layer, Sprite
from playworld.data.zoo.texture import Size, lit, material, noise, profile

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
    far, near = FACTORS[rng.choice(len(FACTORS), p=[0.1, 0.2, 0.3, 0.2, 0.2])]
    count = int(rng.choice([0, 1, 2, 3], p=[0.2, 0.3, 0.3, 0.2]))
    sky, haze = _sky(rng, palette, _extent(view, level, far), side, natural)
    if rng.random() < (0.4 if natural else 0.15):  # what is far is out of focus
        blur = ImageFilter.GaussianBlur(view[1] * rng.uniform(0.005, 0.03))
        sky = np.asarray(Image.fromarray(sky).filter(blur))
    layers = [Layer(Sprite.cut(sky, np.ones(sky.shape[:2], bool)), far)]
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
    solid = _below(size[1] - tall * np.clip(line - rng.uniform(0.1, 0.6), 0, 1), size)
    paint = np.empty((size[1], size[0], 3), np.uint8)
    paint[:] = palette.tone(rng, rng.choice([0.1, 0.2, palette.front]))
    return Layer(Sprite.cut(paint, solid), factor)


def _extent(view: Size, level: Size, factor: float) -> Size:
    """Pixels that a layer needs to fill the view wherever the camera is."""
    width, height = (v + round((w - v) * factor) for v, w in zip(view, level, strict=True))
    return width, height


def _sky(rng: Rng, palette: Palette, size: Size, side: int, natural: bool) -> tuple[Paint, Colour]:
    """The farthest picture, and the colour that far things fade to."""
    top = palette.tone(rng, palette.back + rng.uniform(-0.15, 0.15))
    low = palette.tone(rng, palette.back + rng.uniform(-0.15, 0.15))
    kind = rng.random()
    if kind < 0.12:
        sky = np.broadcast_to(np.array(top, np.uint8), (size[1], size[0], 3)).copy()
    elif kind < 0.2:
        sky = material(rng, palette, palette.back, size, side * int(rng.integers(1, 4))).copy()
    elif kind < 0.35 or natural and kind < 0.5:
        cell = min(size) * rng.uniform(0.15, 0.8)
        field = noise(rng, size, cell, int(rng.integers(3, 7)), rng.uniform(0.4, 0.65))
        sky = ramp(field, [top, palette.tone(rng, palette.back), low])
    else:
        sky = _gradient(rng, size, top, low)
    if rng.random() < 0.25:
        sky = _orb(rng, sky, palette)
    if rng.random() < (0.6 if natural else 0.3):
        sky = _clouds(rng, palette, sky, soft=natural or rng.random() < 0.4)
    if palette.back < 0.35 and rng.random() < 0.4:
        stars = rng.random((size[1], size[0])) < rng.uniform(0.001, 0.008)
        sky[stars] = mix(top, (255, 255, 255), 0.8)
    return sky, low


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


def _below(line: Float[np.ndarray, " W"], size: Size) -> np.ndarray:
    return np.arange(size[1])[:, None] >= line[None]


def _hills(rng: Rng, palette: Palette, size: Size, view: Size, light: float):
    """Mountains or hills with a ridge, sometimes with white tops."""
    smooth = rng.random() < 0.5
    cell = view[0] * rng.uniform(0.2, 0.8)
    line = profile(rng, size[0], cell, 1 if smooth else int(rng.integers(2, 6)))
    if smooth:
        line = 0.5 - 0.5 * np.cos(np.pi * line)
    ridge = size[1] - view[1] * (rng.uniform(0.05, 0.4) + rng.uniform(0.15, 0.5) * (1 - line))
    solid = _below(ridge, size)
    tones = palette.tones(rng, light, rng.uniform(0.02, 0.12))
    depth = np.clip((np.arange(size[1])[:, None] - ridge[None]) / (view[1] * 0.6), 0, 1)
    paint = ramp(depth.astype(np.float32), tones[:: int(rng.choice([-1, 1]))])
    if not smooth and rng.random() < 0.35:
        snow = depth < 0.08 + 0.06 * rng.random(size[0])[None]
        paint[snow & (ridge < np.percentile(ridge, 55))[None]] = palette.tone(rng, 0.96, 0.2)
    return paint, solid


def _woods(rng: Rng, palette: Palette, size: Size, view: Size, light: float):
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


def _town(rng: Rng, palette: Palette, size: Size, view: Size, light: float):
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


def _columns(rng: Rng, palette: Palette, size: Size, view: Size, light: float):
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


def _cave(rng: Rng, palette: Palette, size: Size, view: Size, light: float):
    """A wall with holes in it: rock, leaves, far walls."""
    field = noise(rng, size, view[1] * rng.uniform(0.2, 0.6), int(rng.integers(2, 5)))
    solid = field > rng.uniform(0.4, 0.6)
    return material(rng, palette, light, size, max(4, view[1] // 8)).copy(), solid


def _shapes(rng: Rng, palette: Palette, size: Size, view: Size, light: float):
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


def _room(rng: Rng, palette: Palette, size: Size, view: Size, light: float):
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


Band = Callable[[Rng, Palette, Size, Size, float], tuple[Paint, np.ndarray]]
BANDS: tuple[Band, ...] = (_hills, _hills, _hills, _woods, _town, _columns, _cave, _shapes, _room)
