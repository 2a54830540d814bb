"""Drawings of animals and other creatures, seen from the side and facing right."""

from math import cos, pi, sin

import numpy as np

from playworld.data.record.zoo.colour import Palette, mix
from playworld.data.record.zoo.people import Drawing
from playworld.data.record.zoo.picture import Pen

Rng = np.random.Generator


def blob(rng: Rng, palette: Palette) -> Drawing:
    """A body with eyes, that gets flat and long as it hops."""
    skin, spot, foot = palette.accent(rng), palette.any(rng), palette.any(rng)
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


def beast(rng: Rng, palette: Palette) -> Drawing:
    """Four legs, a head before and a tail behind."""
    fur, dark = palette.accent(rng), 0.3
    nose, head, tall = palette.any(rng), rng.uniform(0.13, 0.22), rng.uniform(0.16, 0.3)
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


def bird(rng: Rng, palette: Palette) -> Drawing:
    """A round body with wings that beat."""
    coat, wing, beak = palette.accent(rng), palette.any(rng), palette.any(rng)
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


def robot(rng: Rng, palette: Palette) -> Drawing:
    """A box on wheels, with a lamp."""
    case, wheel, lamp = palette.accent(rng), palette.any(rng), palette.any(rng)
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
