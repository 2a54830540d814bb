"""How a level looks: its grid painted with materials, edges, light and shadow."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image, ImageDraw, ImageFilter

from playworld.data.record.zoo.colour import Palette, mix
from playworld.data.record.zoo.level import BLOCK, BOUNCE, GROUND, LADDER, LEDGE, WATER, Grid
from playworld.data.record.zoo.picture import Layer, Sprite
from playworld.data.record.zoo.plants import plant
from playworld.data.record.zoo.texture import Size, lit, material, noise, profile

Rng = np.random.Generator
Paint = UInt8[np.ndarray, "H W 3"]
Mask = Bool[np.ndarray, "H W"]


@dataclass(frozen=True)
class Style:
    """How edges and light are drawn in one game."""

    rounded: bool
    """Whether the ground has round corners."""
    outline: int
    """Pixels of dark line around everything, 0 for none."""
    bevel: bool
    """Whether edges are lit from the upper left."""
    cap: float
    """Thickness of grass, snow or boards on top, in tiles; 0 for none."""
    ragged: bool
    """Whether that has an uneven lower edge."""
    depth: float
    """How much darker the ground gets inside, 0..1."""
    shadow: float
    """How dark the soft shadows on a floor seen from above are, 0..1."""
    relief: float
    """How deep the bumps of surfaces are, 0 for none."""
    silhouette: bool
    """Whether all of it is one dark colour."""


def style(rng: Rng, pixel: int, natural: bool) -> Style:
    """Draw a style; `pixel` is the width of a thin line in pixels."""
    return Style(
        rounded=bool(rng.random() < (0.5 if natural else 0.25)),
        outline=pixel * int(rng.integers(1, 3)) if rng.random() < (0.1 if natural else 0.4) else 0,
        bevel=bool(rng.random() < 0.35),
        cap=float(rng.uniform(0.12, 0.5)) if rng.random() < 0.55 else 0.0,
        ragged=bool(rng.random() < 0.5),
        depth=float(rng.uniform(0.2, 0.7)) if rng.random() < (0.7 if natural else 0.35) else 0.0,
        shadow=float(rng.uniform(0.2, 0.6)),
        relief=float(rng.uniform(0.8, 4)) if natural and rng.random() < 0.7 else 0.0,
        silhouette=bool(rng.random() < 0.06),
    )


def side_terrain(rng: Rng, palette: Palette, look: Style, grid: Grid, side: int) -> Layer:
    """The tiles of a level seen from the side, each of `side` pixels; what is empty is clear."""
    rows, columns = grid.shape
    size = (columns * side, rows * side)
    paint = np.zeros((size[1], size[0], 3), np.uint8)
    solid = np.zeros((size[1], size[0]), bool)
    for kind in (LADDER, WATER, LEDGE, GROUND, BLOCK, BOUNCE):
        where = grid == kind
        if not where.any():
            continue
        if kind == LADDER:
            part = _ladders(rng, palette, where, side)
        elif kind == WATER:
            part = _water(rng, palette, where, side)
        elif kind == LEDGE:
            part = _slabs(rng, palette, look, where, side)
        else:
            part = _mass(rng, palette, look, where, side, crowned=kind != BLOCK)
        solid |= part[1]
        np.copyto(paint, part[0], where=part[1][..., None])
    if rng.random() < 0.6:
        plant(rng, palette, grid, side, paint, solid)
    if look.silhouette:
        paint[:] = palette.tone(rng, 0.12)
    return Layer(Sprite.cut(paint, solid), 1.0)


def top_terrain(rng: Rng, palette: Palette, look: Style, grid: Grid, side: int) -> Layer:
    """Floor and walls seen from above, or slanted so that walls show a front."""
    rows, columns = grid.shape
    size = (columns * side, rows * side)
    paint = material(rng, palette, palette.back, size, side).copy()
    if rng.random() < 0.4:  # a second kind of floor, in patches
        patch = noise(rng, size, side * rng.uniform(2, 8), 3) > rng.uniform(0.45, 0.65)
        other = material(rng, palette, palette.back + rng.choice([-0.1, 0.1]), size, side)
        np.copyto(paint, other, where=patch[..., None])
    if rng.random() < 0.3:
        paint = lit(paint, 0.75 + 0.5 * noise(rng, size, side * 6.0, 2))
    if look.relief:
        paint = lit(paint, _bumps(rng, size, side, look.relief))
    walls = _upsampled(grid > 0, side, look.rounded)
    if rng.random() < 0.7:
        away = max(1, round(side * rng.uniform(0.1, 0.5)))
        paint = lit(paint, 1 - look.shadow * _shadow(walls, away, side))
    for kind in (GROUND, BLOCK):
        where = grid == kind
        if where.any():
            flat = rng.random() < 0.3
            part = _mass(rng, palette, look, where, side, crowned=False)
            if not flat:
                _front(rng, part[0], where, side)
            np.copyto(paint, part[0], where=part[1][..., None])
    if look.silhouette:
        paint[walls] = palette.tone(rng, 0.1)
    return Layer(Sprite.cut(paint, np.ones(walls.shape, bool)), 1.0)


def _upsampled(where: Bool[np.ndarray, "rows columns"], side: int, rounded: bool) -> Mask:
    """The mask in pixels, sometimes with round corners."""
    if not rounded or side < 4:
        return where.repeat(side, axis=0).repeat(side, axis=1)
    rows, columns = where.shape
    padded = Image.fromarray(np.pad(where, 1, mode="edge").astype(np.float32))
    box = (1.0, 1.0, 1.0 + columns, 1.0 + rows)
    size = (columns * side, rows * side)
    # Above a half, single tiles would vanish; below, one could not fall where one sees a gap.
    return np.asarray(padded.resize(size, Image.Resampling.BILINEAR, box)) > 0.42


def _mass(
    rng: Rng,
    palette: Palette,
    look: Style,
    where: Bool[np.ndarray, "rows columns"],
    side: int,
    crowned: bool,
) -> tuple[Paint, Mask]:
    """Solid tiles as one body of a material."""
    solid = _upsampled(where, side, look.rounded)
    size = (solid.shape[1], solid.shape[0])
    light = palette.front + rng.uniform(-0.1, 0.1)
    paint = material(rng, palette, light, size, side).copy()
    if look.relief:
        paint = lit(paint, _bumps(rng, size, side, look.relief))
    under = _run(solid)
    if look.depth:
        paint = lit(paint, 1 - look.depth * np.clip(under / (side * 4), 0, 1))
    if crowned and look.cap:
        bumps = profile(rng, size[0], side * 0.4, 2) if look.ragged else np.zeros(size[0])
        thick = look.cap * side * (1 + bumps)
        cap = material(rng, palette, palette.front + rng.uniform(0.05, 0.25), size, side)
        np.copyto(paint, cap, where=((under > 0) & (under <= thick[None]))[..., None])
    if look.bevel:
        edge = max(1, side // 8)
        paint = lit(paint, 1 + 0.3 * _rim(solid, edge) - 0.3 * _rim(solid, -edge))
    if look.outline:
        line = look.outline
        inner = solid.copy()
        for shift in (-line, line):
            for axis in (0, 1):
                inner &= np.roll(solid, shift, axis=axis)
        paint[solid & ~inner] = palette.tone(rng, 0.12 if palette.back > 0.3 else 0.9)
    return paint, solid


def _bumps(rng: Rng, size: Size, side: int, depth: float) -> Float[np.ndarray, "H W"]:
    """The light on an uneven surface, from the upper left."""
    field = noise(rng, size, side * rng.uniform(0.7, 3), 5, 0.6)
    return 1 + depth * (field - np.roll(field, (2, 2), axis=(0, 1)))


def _run(solid: Mask) -> Int[np.ndarray, "H W"]:
    """How many pixels of the same body lie above and at each pixel."""
    rows = np.arange(1, len(solid) + 1, dtype=np.int32)[:, None]
    last_gap = np.maximum.accumulate(np.where(solid, 0, rows), axis=0)
    # The body at the top edge of the level goes on above it.
    return np.where(solid, rows - last_gap + np.where(last_gap == 0, 999, 0), 0).astype(np.int32)


def _rim(solid: Mask, edge: int) -> Float[np.ndarray, "H W"]:
    """Pixels near an upper or left edge, or with a negative `edge` a lower or right one."""
    bare = ~np.roll(solid, edge, axis=0) | ~np.roll(solid, edge, axis=1)
    return (solid & bare).astype(np.float32)


def _shadow(walls: Mask, away: int, side: int) -> Float[np.ndarray, "H W"]:
    """Soft shadow of walls, cast to the lower right."""
    image = Image.fromarray(np.where(walls, 255, 0).astype(np.uint8))
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(side / 6)), np.float32) / 255
    return np.roll(soft, (away, away), axis=(0, 1))


def _front(rng: Rng, paint: Paint, where: Bool[np.ndarray, "rows columns"], side: int) -> None:
    """Darken the lower part of walls with nothing below them: their front."""
    tall = max(1, round(side * rng.uniform(0.25, 0.6)))
    front = where.copy()
    front[:-1] &= ~where[1:]
    front[-1] = False
    shade = rng.uniform(0.45, 0.75)
    for y, x in zip(*np.nonzero(front), strict=True):
        face = paint[(y + 1) * side - tall : (y + 1) * side, x * side : (x + 1) * side]
        face[:] = (face * shade).astype(np.uint8)


def _slabs(
    rng: Rng, palette: Palette, look: Style, where: Bool[np.ndarray, "rows columns"], side: int
) -> tuple[Paint, Mask]:
    """Ledges: the upper part of their tiles."""
    solid = where.repeat(side, axis=0).repeat(side, axis=1)
    thick = max(2, round(side * rng.uniform(0.25, 0.7)))
    solid &= (np.arange(len(solid)) % side < thick)[:, None]
    paint = material(
        rng,
        palette,
        palette.front + rng.uniform(-0.15, 0.15),
        (solid.shape[1], solid.shape[0]),
        side,
    ).copy()
    edge = max(1, side // 8)
    paint = lit(paint, 1 + 0.3 * _rim(solid, edge) - 0.35 * _rim(solid, -edge))
    return paint, solid


def _ladders(
    rng: Rng, palette: Palette, where: Bool[np.ndarray, "rows columns"], side: int
) -> tuple[Paint, Mask]:
    """Ladders, or ropes."""
    drawn = max(side, 8)
    image = Image.new("RGBA", (drawn, drawn))
    draw = ImageDraw.Draw(image)
    paint = palette.accent(rng)
    dark = mix(paint, (0, 0, 0), 0.35)
    thick = max(1, drawn // 8)
    if rng.random() < 0.7:
        for x in (drawn * 0.15, drawn * 0.85 - thick):
            draw.rectangle([x, 0, x + (thick - 1), drawn], dark)
        for y in np.arange(drawn / 6, drawn, drawn / int(rng.integers(2, 4))):
            draw.rectangle([drawn * 0.15, y, drawn * 0.85 - 1, y + (thick - 1)], paint)
    else:
        draw.rectangle([drawn / 2 - thick, 0, drawn / 2 + thick, drawn], dark)
        for y in np.arange(0, drawn, drawn / 3):
            draw.line([(drawn / 2 - thick, y), (drawn / 2 + thick, y + drawn / 6)], paint, thick)
    cell = np.asarray(image.resize((side, side), Image.Resampling.BOX))
    rows, columns = where.shape
    whole = np.tile(cell, (rows, columns, 1))
    return whole[..., :3], (whole[..., 3] > 127) & where.repeat(side, axis=0).repeat(side, axis=1)


def _water(
    rng: Rng, palette: Palette, where: Bool[np.ndarray, "rows columns"], side: int
) -> tuple[Paint, Mask]:
    """Water, or lava: a light line on top."""
    solid = where.repeat(side, axis=0).repeat(side, axis=1)
    size = (solid.shape[1], solid.shape[0])
    tones = palette.tones(rng, rng.uniform(0.35, 0.7), 0.1)
    paint = material(rng, palette, palette.back, size, side * 2).copy()
    paint = (0.3 * paint + 0.7 * np.array(tones[1])).astype(np.uint8)
    top = _run(solid)
    paint[(top > 0) & (top <= max(1, side // 5))] = tones[3]
    return paint, solid
