"""Figures: drawings made into sprites, for every pose or turn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from playworld.data.record.zoo.colour import Colour, Palette
from playworld.data.record.zoo.creatures import beast, bird, blob, robot
from playworld.data.record.zoo.people import person
from playworld.data.record.zoo.picture import Pen, Sprite, outlined
from playworld.data.record.zoo.turning import ball, bug, ship, walker

Rng = np.random.Generator
STRIDES = 4
"""Pictures of a walk."""
TURNS = 16
"""Pictures of a figure that turns."""


@dataclass(frozen=True)
class Figure:
    """Look of a character from the side, or turned."""

    poses: Mapping[str, tuple[Sprite, ...]]
    """Facing right: stand, walk, jump, fall, climb; or `turn` alone, counterclockwise."""
    mirrored: Mapping[str, tuple[Sprite, ...]]

    @classmethod
    def of(cls, poses: Mapping[str, tuple[Sprite, ...]]) -> "Figure":
        """A figure whose left side is the mirror of its right one."""
        turned = {name: tuple(s.mirrored() for s in sprites) for name, sprites in poses.items()}
        return cls(poses, turned)

    def rounded(self) -> "Figure":
        """The same, shaded as a body is."""
        lit = {name: tuple(s.rounded() for s in sprites) for name, sprites in self.poses.items()}
        return Figure.of(lit)

    @property
    def turns(self) -> bool:
        """Whether it is seen from above, or rolls."""
        return "turn" in self.poses

    def sprite(self, pose: str, phase: int, facing: int) -> Sprite:
        """One picture."""
        sprites = (self.poses if facing >= 0 else self.mirrored)[pose]
        return sprites[phase % len(sprites)]


def figure(rng: Rng, palette: Palette, width: int, height: int, line: int) -> Figure:
    """Draw a character of this size in pixels; `line` pixels of outline, 0 for none."""
    kinds = (person, person, person, blob, beast, bird, robot)
    choice = int(rng.integers(len(kinds) + 2))
    dark = palette.tone(rng, 0.1) if rng.random() < 0.8 else palette.tone(rng, 0.95)
    if choice == len(kinds):
        return _invader(rng, palette, width, height)
    if choice == len(kinds) + 1:
        side = min(width, height)
        return Figure.of(
            {"turn": _turned(_drawn(ball(rng, palette), side, line, dark), side, side)}
        )
    draw = kinds[choice](rng, palette)
    poses = {}
    for pose, phases in (("stand", 1), ("walk", STRIDES), ("jump", 1), ("fall", 1), ("climb", 2)):
        poses[pose] = tuple(
            _sprite(partial(draw, pose, k / phases), width, height, line, dark)
            for k in range(phases)
        )
    return Figure.of(poses)


def vehicle(rng: Rng, palette: Palette, side: int, line: int) -> Figure:
    """Draw a thing seen from above, in all its directions."""
    dark = palette.tone(rng, 0.1)
    draw = (ship, walker, bug)[rng.integers(3)](rng, palette)
    image = _drawn(draw, side, line, dark)
    return Figure.of({"turn": _turned(image, side, side)})


def _drawn(draw: Callable[[Pen], None], pixels: int, line: int, dark: Colour) -> Image.Image:
    pen = Pen(pixels)
    draw(pen)
    if not line:
        return pen.image
    return outlined(pen.image, max(1, line * pen.side // max(pixels, 4)), dark)


def _sprite(
    draw: Callable[[Pen], None], width: int, height: int, line: int, dark: Colour
) -> Sprite:
    image = _drawn(draw, max(width, height), line, dark)
    return Sprite.of(image.resize((max(width, 2), max(height, 2)), Image.Resampling.BOX))


def _turned(image: Image.Image, width: int, height: int) -> tuple[Sprite, ...]:
    size = (max(width, 2), max(height, 2))
    angles = (360 * k / TURNS for k in range(TURNS))
    return tuple(
        Sprite.of(image.rotate(a, Image.Resampling.BILINEAR).resize(size, Image.Resampling.BOX))
        for a in angles
    )


def _invader(rng: Rng, palette: Palette, width: int, height: int) -> Figure:
    """A symmetric pattern of a few pixels, whose lower row moves."""
    rows, columns = int(rng.integers(5, 11)), int(rng.integers(5, 10))
    on = rng.random((rows, columns)) < 0.62
    which = rng.integers(0, 3, (rows, columns)) * (rng.random((rows, columns)) < 0.4)
    half = columns // 2
    on[:, columns - half :] = on[:, :half][:, ::-1]
    which[:, columns - half :] = which[:, :half][:, ::-1]
    on[rows // 3 : -1, half] = True
    paints = np.array([palette.accent(rng) for _ in range(3)], np.uint8)
    pictures = []
    for k in range(2):
        shown = on.copy()
        if k:
            shown[-1] = np.roll(shown[-1], 1)
        rgba = np.dstack([paints[which], np.where(shown, 255, 0).astype(np.uint8)])
        size = (max(width, 2), max(height, 2))
        pictures.append(Sprite.of(Image.fromarray(rgba).resize(size, Image.Resampling.NEAREST)))
    first, second = pictures
    alone = {"stand": (first,), "jump": (second,), "fall": (first,), "climb": (first, second)}
    return Figure.of(alone | {"walk": (first, first, second, second)})
