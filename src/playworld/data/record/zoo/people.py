"""Drawings of people, seen from the side and facing right."""

from collections.abc import Callable
from math import cos, pi, sin

import numpy as np

from playworld.data.record.zoo.colour import Colour, Palette, mix
from playworld.data.record.zoo.picture import Pen

Rng = np.random.Generator
Drawing = Callable[[str, float, Pen], None]
"""Draws a pose at a phase, 0..1, of its walk."""


def person(rng: Rng, palette: Palette) -> Drawing:
    """Head, body, arms and legs; many proportions, hats and coats."""
    skin, shirt = palette.accent(rng), palette.accent(rng)
    legs, hair = palette.any(rng), palette.any(rng)
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
                reach, up = 0.06 * sign, 0.12 * ((sign > 0) == (phase > 0.25))
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
