"""What there is beside the figure: things to collect, and things that move by themselves."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
from PIL import Image

from playworld.data.zoo.colour import Palette, mix
from playworld.data.zoo.figures import Figure, figure
from playworld.data.zoo.physics import Body, Ground
from playworld.data.zoo.picture import Pen, Sprite, outlined

Rng = np.random.Generator
SPIN = 8
"""Pictures of a thing that spins."""


@dataclass
class Item:
    """A thing that lies about until it is touched."""

    x: float
    y: float
    size: float
    sprites: tuple[Sprite, ...]
    bob: float
    """Units by which it moves up and down."""
    pace: int
    """Frames for which one of its pictures is shown."""
    there: bool = True

    def step(self, body: Body) -> bool:
        """One frame; whether the figure has just taken it."""
        touched = (
            body.x < self.x + self.size
            and self.x < body.x + body.width
            and body.y < self.y + self.size
            and self.y < body.y + body.height
        )
        taken = self.there and touched
        self.there = self.there and not touched
        return taken

    def sprite(self, time: int) -> Sprite:
        """Its picture at a frame."""
        return self.sprites[time // self.pace % len(self.sprites)]

    def place(self, time: int) -> tuple[float, float]:
        """Its upper left corner at a frame."""
        return self.x, self.y + self.bob * sin(2 * pi * time / 24)


@dataclass
class Critter:
    """A figure that nobody steers."""

    body: Body
    look: Figure
    way: str
    """patrol: to and fro on the ground; hover: around a place; fly: straight on, until a wall."""
    pace: float
    rest: int
    """Frames between whims; 0 for never a whim."""
    home: tuple[float, float] = (0.0, 0.0)
    time: int = 0

    def step(self, ground: Ground) -> None:
        """One frame."""
        body = self.body
        self.time += 1
        if self.way == "hover":
            turn = 2 * pi * self.time * self.pace / 60
            x = self.home[0] + 10 * self.pace * sin(turn)
            body.facing = 1 if cos(turn) > 0 else -1
            body.x, body.y = x, self.home[1] + 4 * sin(2 * turn)
        elif self.way == "fly":
            before = body.vx, body.vy
            body.move(ground, through=True)
            body.vx = -before[0] if body.vx != before[0] else body.vx
            body.vy = -before[1] if body.vy != before[1] else body.vy
            body.facing = 1 if body.vx >= 0 else -1
        else:
            self._patrol(ground)
        body.travelled += self.pace

    def _patrol(self, ground: Ground) -> None:
        body = self.body
        asleep = self.rest and self.time // self.rest % 3 == 2
        body.vx = 0.0 if asleep else self.pace * body.facing
        body.vy = min(body.vy + 0.4, 4.0)
        body.move(ground)
        ahead = body.x + (body.width if body.facing > 0 else 0.0)
        row, column = (int(v // ground.tile) for v in (body.y + body.height + 0.5, ahead))
        if body.blocked or body.grounded and not ground.carries(row, column):
            body.facing = -body.facing


def items(
    rng: Rng, palette: Palette, ground: Ground, ppu: float, line: int, count: int
) -> list[Item]:
    """Things of one or two kinds at free places, some in rows."""
    found: list[Item] = []
    for _ in range(int(rng.integers(1, 3))):
        size = ground.tile * rng.uniform(0.35, 0.75)
        sprites = _spinning(rng, palette, max(2, round(size * ppu)), line)
        bob, pace = float(rng.choice([0, 0, 1.0])), int(rng.integers(2, 6))
        for _ in range(count):
            column, row = int(rng.integers(ground.columns)), int(rng.integers(ground.rows))
            for k in range(int(rng.choice([1, 1, 3, 5]))):
                x, y = ((v + 0.5) * ground.tile - size / 2 for v in (column + k, row))
                if ground.kind(x, y) == 0 and column + k < ground.columns:
                    found.append(Item(x, y, size, sprites, bob, pace))
    return found


def _spinning(rng: Rng, palette: Palette, side: int, line: int) -> tuple[Sprite, ...]:
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
    image = outlined(pen.image, max(1, line * 4), palette.tone(rng, 0.1)) if line else pen.image
    shares = [abs(cos(pi * k / SPIN)) for k in range(SPIN)] if spins else [1.0]
    sprites = []
    for share in shares:
        wide = max(1, round(side * max(share, 0.15)))
        narrow = image.resize((wide, side), Image.Resampling.BOX)
        whole = Image.new("RGBA", (side, side))
        whole.paste(narrow, ((side - wide) // 2, 0))
        sprites.append(Sprite.of(whole))
    return tuple(sprites)


def critters(
    rng: Rng, palette: Palette, ground: Ground, ppu: float, line: int, count: int, gravity: bool
) -> list[Critter]:
    """Some figures of one to three kinds, where there is room for them."""
    kinds = []
    for _ in range(int(rng.integers(1, 4))):
        size = ground.tile * rng.uniform(0.5, 1.0)
        width = size * rng.uniform(0.7, 1.0)
        look = figure(rng, palette, round(width * ppu), round(size * ppu), line)
        ways = ("patrol", "patrol", "hover", "fly") if gravity else ("hover", "fly", "fly")
        kinds.append((look, width, size, str(rng.choice(ways)), float(rng.uniform(0.2, 1.5))))
    found: list[Critter] = []
    for _ in range(count * 4):
        if len(found) == count:
            break
        look, width, size, way, pace = kinds[rng.integers(len(kinds))]
        x = rng.uniform(0, ground.width - width)
        y = rng.uniform(0, ground.height - size)
        if not ground.free(x, y, x + width, y + size):
            continue
        body = Body(x, y, width, size, facing=int(rng.choice([-1, 1])))
        if way == "fly":
            turn = rng.choice([0, 0, pi / 2, rng.uniform(0, 2 * pi)]) + (rng.random() < 0.5) * pi
            body.vx, body.vy = float(pace * cos(turn)), float(pace * sin(turn))
        rest = int(rng.integers(15, 60)) if rng.random() < 0.5 else 0
        found.append(Critter(body, look, way, pace, rest, (x, y), int(rng.integers(60))))
    return found


Weather = Callable[[np.ndarray, int, float, float], None]
"""Draws over a view at a time, with the camera at (x, y) in pixels."""


def weather(rng: Rng, ppu: float) -> Weather:
    """Rain, snow or sparks that fall before everything."""
    count = int(rng.integers(8, 50))
    start = rng.random((count, 2)) * 997
    wind, fall = rng.uniform(-0.6, 0.6), rng.uniform(0.4, 3.0)
    paint = np.array([255, 255, 255] if rng.random() < 0.7 else rng.integers(0, 256, 3), np.uint8)
    wide = max(1, round(ppu * rng.uniform(0.5, 1.2)))
    tall = max(1, round(wide * (1 if fall < 1.2 else rng.uniform(1, 5))))

    def draw(view: np.ndarray, time: int, x: float, y: float) -> None:
        height, width = view.shape[:2]
        places = start * ppu + np.array([wind, fall]) * (ppu * time) - np.array([x, y])
        for left, top in (places % np.array([width, height])).astype(int).tolist():
            view[top : top + tall, left : left + wide] = paint

    return draw
