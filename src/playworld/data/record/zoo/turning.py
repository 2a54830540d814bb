"""Drawings of things that turn: balls, and what is seen from above, its nose to the right."""

from collections.abc import Callable

import numpy as np

from playworld.data.record.zoo.colour import Palette, mix
from playworld.data.record.zoo.picture import Pen

Rng = np.random.Generator


def ball(rng: Rng, palette: Palette) -> Callable[[Pen], None]:
    """A ball with a mark, by which one sees that it rolls."""
    one, two = palette.accent(rng), palette.any(rng)
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

    return draw


def ship(rng: Rng, palette: Palette) -> Callable[[Pen], None]:
    """A ship or a car, its nose to the right."""
    hull, wing, glass = palette.accent(rng), palette.any(rng), palette.any(rng)
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


def walker(rng: Rng, palette: Palette) -> Callable[[Pen], None]:
    """A person from above: shoulders, head, hands in front."""
    coat, hair, hand = palette.accent(rng), palette.any(rng), palette.accent(rng)
    broad, head = rng.uniform(0.3, 0.45), rng.uniform(0.18, 0.28)

    def draw(pen: Pen) -> None:
        for sign in (-1, 1):
            pen.disc(0.72, 0.5 + 0.75 * sign * broad, 0.1, 0.1, hand)
        pen.disc(0.45, 0.5, 0.2, broad, coat)
        pen.disc(0.48, 0.5, head, head, hair)
        pen.disc(0.56, 0.5, head * 0.6, head * 0.6, mix(hair, hand, 0.6))

    return draw


def bug(rng: Rng, palette: Palette) -> Callable[[Pen], None]:
    """A beetle or a fish: a body with a stripe, eyes and a tail."""
    shell, mark, fin = palette.accent(rng), palette.any(rng), palette.accent(rng)
    fat = rng.uniform(0.18, 0.36)

    def draw(pen: Pen) -> None:
        pen.shape([(0.3, 0.5), (0.04, 0.25), (0.04, 0.75)], fin)
        pen.disc(0.52, 0.5, 0.36, fat, shell)
        pen.box(0.4, 0.5 - fat * 0.9, 0.52, 0.5 + fat * 0.9, mark)
        for sign in (-1, 1):
            pen.disc(0.76, 0.5 + 0.5 * sign * fat, 0.06, 0.06, (15, 15, 20))

    return draw
