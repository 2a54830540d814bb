"""What there is beside the figure: things to collect, and critters that move by themselves."""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from playworld.data.record.zoo.ground import Body, Ground

Rng = np.random.Generator


@dataclass
class Item:
    """A thing that lies about until it is touched; (x, y) is its upper left corner, in units."""

    x: float
    y: float
    size: float
    kind: int
    """Items of a kind look the same."""
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

    def place(self, time: int) -> tuple[float, float]:
        """Its upper left corner at a frame."""
        return self.x, self.y + self.bob * sin(2 * pi * time / 24)


@dataclass
class Critter:
    """A figure that moves by itself."""

    body: Body
    kind: int
    """Critters of a kind look the same."""
    way: str
    """patrol: to and fro on the ground; hover: around a place; fly: straight on, until a wall."""
    pace: float
    """Units a frame."""
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


def items(rng: Rng, ground: Ground, count: int) -> list[Item]:
    """Things of one or two kinds at free places, some in rows."""
    found: list[Item] = []
    for kind in range(int(rng.integers(1, 3))):
        size = ground.tile * rng.uniform(0.35, 0.75)
        bob, pace = float(rng.choice([0, 0, 1.0])), int(rng.integers(2, 6))
        for _ in range(count):
            column, row = int(rng.integers(ground.columns)), int(rng.integers(ground.rows))
            for k in range(int(rng.choice([1, 1, 3, 5]))):
                x, y = ((v + 0.5) * ground.tile - size / 2 for v in (column + k, row))
                if ground.kind(x, y) == 0 and column + k < ground.columns:
                    found.append(Item(x, y, size, kind, bob, pace))
    return found


def critters(rng: Rng, ground: Ground, count: int, gravity: bool) -> list[Critter]:
    """Some critters of one to three kinds, where there is room for them."""
    ways = ("patrol", "patrol", "hover", "fly") if gravity else ("hover", "fly", "fly")
    kinds = []
    for _ in range(int(rng.integers(1, 4))):
        size = max(ground.tile * rng.uniform(0.5, 1.0), 4.0)
        width = size * rng.uniform(0.7, 1.0)
        kinds.append((width, size, str(rng.choice(ways)), float(rng.uniform(0.2, 1.5))))
    found: list[Critter] = []
    for _ in range(count * 4):
        if len(found) == count:
            break
        kind = int(rng.integers(len(kinds)))
        width, size, way, pace = kinds[kind]
        x, y = rng.uniform(0, ground.width - width), rng.uniform(0, ground.height - size)
        if not ground.free(x, y, x + width, y + size):
            continue
        body = Body(x, y, width, size, facing=int(rng.choice([-1, 1])))
        if way == "fly":
            turn = rng.choice([0, 0, pi / 2, rng.uniform(0, 2 * pi)]) + (rng.random() < 0.5) * pi
            body.vx, body.vy = float(pace * cos(turn)), float(pace * sin(turn))
        rest = int(rng.integers(15, 60)) if rng.random() < 0.5 else 0
        found.append(Critter(body, kind, way, pace, rest, (x, y), int(rng.integers(60))))
    return found
