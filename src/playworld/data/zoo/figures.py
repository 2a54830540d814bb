"""Figures and their walks: people, blobs, beasts, birds, robots, balls, invaders, vehicles."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import cos, pi, sin

import numpy as np
from PIL import Image

from playworld.data.zoo.colour import Colour, Palette, mix
from playworld.data.zoo.picture import Pen, Sprite, outlined

Rng = np.random.Generator
STRIDES = 4
"""Pictures of a walk."""
TURNS = 16
"""Pictures of a figure that turns."""


@dataclass(frozen=True)
class Figure:
    """How somebody looks from the side, or turned."""

    poses: Mapping[str, tuple[Sprite, ...]]
    """Facing right: stand, walk, jump, fall, climb; or `turn` alone, counterclockwise."""
    mirrored: Mapping[str, tuple[Sprite, ...]]

    @classmethod
    def of(cls, poses: Mapping[str, tuple[Sprite, ...]]) -> "Figure":
        """A figure whose left side is the mirror of its right one."""
        turned = {name: tuple(s.mirrored() for s in sprites) for name, sprites in poses.items()}
        return cls(poses, turned)

    @property
    def turns(self) -> bool:
        """Whether it is seen from above, or rolls."""
        return "turn" in self.poses

    def sprite(self, pose: str, phase: int, facing: int) -> Sprite:
        """One picture."""
        sprites = (self.poses if facing >= 0 else self.mirrored)[pose]
        return sprites[phase % len(sprites)]


Drawing = Callable[[str, float, Pen], None]
"""Draws a pose at a phase, 0..1, of its walk."""


def figure(rng: Rng, palette: Palette, width: int, height: int, line: int) -> Figure:
    """Draw somebody of this size in pixels; `line` pixels of outline, 0 for none."""
    kinds = (_person, _person, _person, _blob, _beast, _bird, _robot)
    choice = int(rng.integers(len(kinds) + 2))
    dark = palette.tone(rng, 0.1) if rng.random() < 0.8 else palette.tone(rng, 0.95)
    if choice == len(kinds):
        return _invader(rng, palette, width, height)
    if choice == len(kinds) + 1:
        return _ball(rng, palette, min(width, height), line, dark)
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
    draw = (_ship, _walker, _bug)[rng.integers(3)](rng, palette)
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


def _person(rng: Rng, palette: Palette) -> Drawing:
    """Head, body, arms and legs; many proportions, hats and coats."""
    skin, shirt, legs, hair = (palette.accent(rng) for _ in range(4))
    if rng.random() < 0.5:
        skin = mix((250, 220, 180), (90, 55, 35), rng.random())
    head, belly = rng.uniform(0.12, 0.26), rng.uniform(0.1, 0.24)
    neck, hip = 0.05 + 2 * head, rng.uniform(0.68, 0.82)
    limb, arms = rng.uniform(0.07, 0.16), rng.random() < 0.8
    hat, square, eyes = int(rng.integers(5)), rng.random() < 0.3, int(rng.integers(3))
    cape = palette.accent(rng) if rng.random() < 0.15 else None
    gait = rng.uniform(0.12, 0.28)

    def draw(pose: str, phase: float, pen: Pen) -> None:
        swing = {"walk": sin(2 * pi * phase), "jump": 0.9, "fall": -0.7}.get(pose, 0.0)
        bob = 0.03 * abs(swing) if pose == "walk" else 0.0
        lift = 0.08 if pose in ("jump", "fall") else 0.0
        top, low, foot = neck - bob, hip - bob, 0.97 - lift
        spread = 0.5 * belly
        if cape:
            pen.shape([(0.5, top), (0.5 - belly - 0.2, low + 0.1), (0.55, low)], cape)
        for sign in (-1, 1):
            reach = swing * sign * gait
            up = 0.06 * max(0.0, cos(2 * pi * phase) * sign) if pose == "walk" else 0.0
            if pose == "climb":
                reach, up = 0.06 * sign, 0.12 * (sign > 0) == (phase > 0.25)
                up = 0.1 * up
            pen.stick(
                (0.5 + sign * spread, low - 0.04),
                (0.5 + sign * spread + reach, foot - up),
                limb,
                legs,
            )
        if arms:
            _arm(pen, pose, top, belly, -swing * gait, limb, mix(shirt, (0, 0, 0), 0.25), phase)
        if square:
            pen.box(0.5 - belly, top - 0.04, 0.5 + belly, low + 0.02, shirt)
        else:
            pen.disc(0.5, (top + low) / 2, belly, (low - top) / 2 + 0.06, shirt)
        if arms:
            _arm(pen, pose, top, belly, swing * gait, limb, mix(shirt, skin, 0.3), 1 - phase)
        middle = top - head + 0.02
        if square:
            pen.box(0.5 - head, middle - head, 0.5 + head, middle + head, skin)
        else:
            pen.disc(0.5, middle, head, head, skin)
        if hat == 1:
            pen.box(0.5 - head, middle - head, 0.5 + head, middle - 0.35 * head, hair)
        elif hat == 2:
            pen.disc(0.5 - 0.2 * head, middle - 0.3 * head, 0.95 * head, 0.75 * head, hair)
            pen.disc(0.5 + 0.45 * head, middle + 0.2 * head, 0.55 * head, 0.55 * head, skin)
        elif hat == 3:
            pen.box(0.5 - head, middle - 0.9 * head, 0.5 + 1.6 * head, middle - 0.5 * head, hair)
            pen.box(
                0.5 - 0.8 * head, middle - 1.2 * head, 0.5 + 0.8 * head, middle - 0.6 * head, hair
            )
        elif hat == 4:
            pen.shape(
                [(0.5 - head, middle - 0.5 * head), (0.5 + head, middle - 0.5 * head), (0.5, 0)],
                hair,
            )
        for eye in range(eyes):
            x = 0.5 + (0.55 - 0.55 * eye) * head
            pen.disc(
                x, middle, 0.2 * head, 0.26 * head, (255, 255, 255) if hat == 2 else (20, 20, 25)
            )

    return draw


def _arm(
    pen: Pen,
    pose: str,
    top: float,
    belly: float,
    swing: float,
    limb: float,
    fill: Colour,
    phase: float,
) -> None:
    shoulder = (0.5, top + 0.06)
    hand = (0.5 + swing * 1.2, top + 0.3)
    if pose == "jump":
        hand = (0.5 + 1.4 * belly * (1 if swing > 0 else -1), top - 0.12)
    elif pose == "fall":
        hand = (0.5 + 1.7 * belly * (1 if swing > 0 else -1), top + 0.02)
    elif pose == "climb":
        hand = (0.5 + belly, top - 0.15 + 0.15 * phase)
    pen.stick(shoulder, hand, 0.8 * limb, fill)


def _blob(rng: Rng, palette: Palette) -> Drawing:
    """A body with eyes, that gets flat and long as it hops."""
    skin, spot, foot = (palette.accent(rng) for _ in range(3))
    eyes, feet, square = int(rng.integers(1, 3)), rng.random() < 0.6, rng.random() < 0.25
    size, ears = rng.uniform(0.34, 0.48), int(rng.integers(3))

    def draw(pose: str, phase: float, pen: Pen) -> None:
        squash = {"walk": 0.1 * sin(2 * pi * phase), "jump": -0.12, "fall": -0.06}.get(pose, 0.0)
        across, down = size * (1 + squash), size * (1 - squash)
        y = 0.94 - down
        if feet:
            for sign in (-1, 1):
                step = 0.1 * sin(2 * pi * phase) * sign if pose == "walk" else 0.0
                pen.disc(0.5 + 0.2 * sign + step, 0.93, 0.12, 0.07, foot)
        if ears:
            for sign in (-1, 1):
                tip = (0.5 + 0.3 * sign, y - 1.25 * down if ears == 1 else y - down * 1.05)
                pen.shape(
                    [(0.5 + 0.1 * sign, y - 0.6 * down), (0.5 + 0.36 * sign, y - 0.4 * down), tip],
                    skin,
                )
        if square:
            pen.box(0.5 - across, y - down, 0.5 + across, y + down, skin)
        else:
            pen.disc(0.5, y, across, down, skin)
        pen.disc(0.5 - 0.05, y + 0.35 * down, 0.6 * across, 0.5 * down, mix(skin, spot, 0.5))
        for eye in range(eyes):
            x = 0.5 + (0.5 - 0.55 * eye) * across
            pen.disc(x, y - 0.25 * down, 0.11, 0.14, (250, 250, 250))
            pen.disc(x + 0.04, y - 0.22 * down, 0.055, 0.08, (15, 15, 20))

    return draw


def _beast(rng: Rng, palette: Palette) -> Drawing:
    """Four legs, a head before and a tail behind."""
    fur, dark = palette.accent(rng), 0.3
    nose, head, tall = palette.accent(rng), rng.uniform(0.13, 0.22), rng.uniform(0.16, 0.3)
    long, ears, tail = rng.uniform(0.24, 0.34), int(rng.integers(3)), rng.uniform(-0.3, 0.2)

    def draw(pose: str, phase: float, pen: Pen) -> None:
        stretch = 1.0 if pose in ("jump", "fall") else 0.0
        y = 0.95 - tall - 0.16
        for k, x in enumerate((-0.8, -0.45, 0.45, 0.8)):
            swing = 0.12 * sin(2 * pi * (phase + 0.5 * (k % 2))) if pose == "walk" else 0.0
            swing += 0.15 * stretch * np.sign(x)
            root = 0.45 + x * long
            paint = mix(fur, (0, 0, 0), dark if k % 2 else 0.1)
            pen.stick((root, y + 0.05), (root + swing, 0.96 - 0.06 * stretch), 0.09, paint)
        pen.stick((0.45 - long, y), (0.45 - long - 0.16, y + tail), 0.07, fur)
        pen.disc(0.45, y, long, 0.17, fur)
        pen.disc(0.45 + long + 0.05, y - 0.14, head, head * 0.9, fur)
        pen.disc(0.45 + long + 0.05 + head * 0.8, y - 0.1, head * 0.45, head * 0.35, nose)
        if ears:
            base, tip = 0.45 + long, y - 0.14 - head * (1.6 if ears == 1 else 2.4)
            pen.shape(
                [(base - 0.08, y - 0.2), (base + 0.07, y - 0.22), (base - 0.03, tip)],
                mix(fur, (0, 0, 0), 0.2),
            )
        pen.disc(0.45 + long + 0.07, y - 0.18, 0.035, 0.045, (10, 10, 15))

    return draw


def _bird(rng: Rng, palette: Palette) -> Drawing:
    """A round body with wings that beat."""
    coat, wing, beak = (palette.accent(rng) for _ in range(3))
    size, tail = rng.uniform(0.2, 0.32), rng.random() < 0.7

    def draw(pose: str, phase: float, pen: Pen) -> None:
        flap = (
            sin(2 * pi * phase) if pose in ("walk", "climb") else (1.0 if pose == "jump" else -0.4)
        )
        y = 0.6 - 0.03 * flap
        if tail:
            pen.shape([(0.5 - size, y), (0.06, y - 0.12), (0.06, y + 0.12)], wing)
        for x in (0.45, 0.55):
            pen.stick((x, y + 0.8 * size), (x + 0.02, 0.95), 0.05, beak)
        pen.disc(0.5, y, size * 1.15, size, coat)
        pen.disc(0.5 + size, y - size * 0.6, size * 0.6, size * 0.6, coat)
        pen.shape(
            [
                (0.5 + 1.4 * size, y - 0.75 * size),
                (0.5 + 1.4 * size, y - 0.3 * size),
                (0.5 + 2.1 * size, y - 0.5 * size),
            ],
            beak,
        )
        pen.shape(
            [
                (0.5 + 0.4 * size, y),
                (0.5 - 0.6 * size, y),
                (0.5 - 0.5 * size, y - 0.42 * flap - 0.05),
            ],
            wing,
        )
        pen.disc(0.5 + 1.1 * size, y - 0.75 * size, 0.04, 0.05, (10, 10, 15))

    return draw


def _robot(rng: Rng, palette: Palette) -> Drawing:
    """A box on wheels, with a lamp."""
    case, wheel, lamp = (palette.accent(rng) for _ in range(3))
    wheels, radius = int(rng.integers(2, 4)), rng.uniform(0.1, 0.17)
    top, half, dome = rng.uniform(0.15, 0.45), rng.uniform(0.3, 0.45), rng.random() < 0.4

    def draw(pose: str, phase: float, pen: Pen) -> None:
        hop = 0.05 if pose in ("jump", "fall") else 0.0
        if dome:
            pen.disc(0.5, top - hop, half * 0.7, 0.16, mix(case, (255, 255, 255), 0.3))
        pen.stick((0.3, top), (0.25, top - 0.14 - hop), 0.04, wheel)
        pen.disc(0.25, top - 0.14 - hop, 0.05, 0.05, lamp)
        pen.box(0.5 - half, top - hop, 0.5 + half, 0.95 - radius - hop, case)
        pen.box(0.52, top + 0.06 - hop, 0.5 + half - 0.03, top + 0.2 - hop, lamp)
        for k in range(wheels):
            x = 0.5 + half * (2 * k / (wheels - 1) - 1) * 0.75
            pen.disc(x, 0.96 - radius, radius, radius, wheel)
            turn = 2 * pi * (phase if pose == "walk" else 0) / 2
            dx, dy = 0.7 * radius * cos(turn), 0.7 * radius * sin(turn)
            pen.stick(
                (x - dx, 0.96 - radius - dy),
                (x + dx, 0.96 - radius + dy),
                0.05,
                mix(wheel, case, 0.7),
            )

    return draw


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


def _ball(rng: Rng, palette: Palette, side: int, line: int, dark: Colour) -> Figure:
    """A ball that rolls: a disc with a mark, in all its turns."""
    one, two = palette.accent(rng), palette.accent(rng)
    kind = int(rng.integers(3))

    def draw(pen: Pen) -> None:
        pen.disc(0.5, 0.5, 0.47, 0.47, one)
        if kind == 0:
            pen.box(0.44, 0.05, 0.56, 0.95, two)
        elif kind == 1:
            for x, y in ((0.3, 0.35), (0.68, 0.4), (0.48, 0.72)):
                pen.disc(x, y, 0.12, 0.12, two)
        else:
            pen.draw.pieslice(
                [0.03 * pen.side, 0.03 * pen.side, 0.97 * pen.side, 0.97 * pen.side], 0, 180, two
            )
            pen.disc(0.5, 0.5, 0.14, 0.14, one)

    return Figure.of({"turn": _turned(_drawn(draw, side, line, dark), side, side)})


def _ship(rng: Rng, palette: Palette) -> Callable[[Pen], None]:
    """A ship or a car, its nose to the right."""
    hull, wing, glass = (palette.accent(rng) for _ in range(3))
    wide, back, blunt = rng.uniform(0.18, 0.42), rng.uniform(0.1, 0.3), rng.uniform(0, 0.25)

    def draw(pen: Pen) -> None:
        pen.shape(
            [(back - 0.05, 0.5 - wide), (0.45, 0.4), (0.45, 0.6), (back - 0.05, 0.5 + wide)], wing
        )
        pen.shape(
            [
                (0.95, 0.5 - blunt),
                (0.95, 0.5 + blunt),
                (0.6, 0.7),
                (back, 0.65),
                (back, 0.35),
                (0.6, 0.3),
            ],
            hull,
        )
        pen.disc(0.62, 0.5, 0.13, 0.09, glass)

    return draw


def _walker(rng: Rng, palette: Palette) -> Callable[[Pen], None]:
    """Somebody from above: shoulders, head, hands before them."""
    coat, hair, hand = (palette.accent(rng) for _ in range(3))
    broad, head = rng.uniform(0.3, 0.45), rng.uniform(0.18, 0.28)

    def draw(pen: Pen) -> None:
        for sign in (-1, 1):
            pen.disc(0.72, 0.5 + 0.75 * sign * broad, 0.1, 0.1, hand)
        pen.disc(0.45, 0.5, 0.2, broad, coat)
        pen.disc(0.48, 0.5, head, head, hair)
        pen.disc(0.56, 0.5, head * 0.6, head * 0.6, mix(hair, hand, 0.6))

    return draw


def _bug(rng: Rng, palette: Palette) -> Callable[[Pen], None]:
    """A beetle or a fish: a body with a stripe, eyes and a tail."""
    shell, mark, fin = (palette.accent(rng) for _ in range(3))
    fat = rng.uniform(0.18, 0.36)

    def draw(pen: Pen) -> None:
        pen.shape([(0.3, 0.5), (0.04, 0.25), (0.04, 0.75)], fin)
        pen.disc(0.52, 0.5, 0.36, fat, shell)
        pen.box(0.4, 0.5 - fat * 0.9, 0.52, 0.5 + fat * 0.9, mark)
        for sign in (-1, 1):
            pen.disc(0.76, 0.5 + 0.5 * sign * fat, 0.06, 0.06, (15, 15, 20))

    return draw
