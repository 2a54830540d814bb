"""Things to collect: coins, gems, stars, hearts, fruit, boxes."""

from math import cos, pi, sin

import numpy as np
from PIL import Image

from playworld.data.record.zoo.colour import Palette, mix
from playworld.data.record.zoo.picture import Pen, Sprite, outlined

Rng = np.random.Generator
SPIN = 8
"""Pictures of a thing that spins."""


def treasure(rng: Rng, palette: Palette, side: int, line: int) -> tuple[Sprite, ...]:
    """A coin, a gem, a star, a heart, a fruit or a box; it turns, or it does not."""
    one = palette.accent(rng)
    light, dark = mix(one, (255, 255, 255), 0.5), mix(one, (0, 0, 0), 0.4)
    kind, spins = int(rng.integers(6)), rng.random() < 0.4
    pen = Pen(side)
    if kind == 0:
        pen.disc(0.5, 0.5, 0.46, 0.46, dark)
        pen.disc(0.48, 0.47, 0.38, 0.38, one)
        pen.box(0.44, 0.28, 0.54, 0.68, light)
    elif kind == 1:
        pen.shape([(0.5, 0.04), (0.9, 0.4), (0.5, 0.97), (0.1, 0.4)], one)
        pen.shape([(0.5, 0.04), (0.5, 0.97), (0.1, 0.4)], light)
    elif kind == 2:
        turns = [(k * pi / 5 - pi / 2, 0.48 if k % 2 == 0 else 0.2) for k in range(10)]
        pen.shape([(0.5 + r * cos(a), 0.52 + r * sin(a)) for a, r in turns], one)
    elif kind == 3:
        for x in (0.3, 0.7):
            pen.disc(x, 0.34, 0.24, 0.24, one)
        pen.shape([(0.07, 0.42), (0.93, 0.42), (0.5, 0.95)], one)
        pen.disc(0.27, 0.3, 0.08, 0.08, light)
    elif kind == 4:
        pen.stick((0.5, 0.4), (0.62, 0.08), 0.08, dark)
        pen.disc(0.5, 0.6, 0.4, 0.36, one)
        pen.disc(0.36, 0.48, 0.09, 0.09, light)
    else:
        pen.box(0.06, 0.06, 0.94, 0.94, dark)
        pen.box(0.16, 0.16, 0.84, 0.84, one)
        pen.stick((0.2, 0.8), (0.8, 0.2), 0.1, light)
    image = pen.image
    if line:
        image = outlined(image, max(1, line * pen.side // side), palette.tone(rng, 0.1))
    shares = [abs(cos(pi * k / SPIN)) for k in range(SPIN)] if spins else [1.0]
    sprites = []
    for share in shares:
        wide = max(1, round(side * max(share, 0.15)))
        narrow = image.resize((wide, side), Image.Resampling.BOX)
        whole = Image.new("RGBA", (side, side))
        whole.paste(narrow, ((side - wide) // 2, 0))
        sprites.append(Sprite.of(whole))
    return tuple(sprites)
