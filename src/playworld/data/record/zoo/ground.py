"""The grid of a level as bodies feel it, and a body that moves in it.

Lengths are in units, of which the shorter side of the screen has 64, and time is in frames.
"""

from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from playworld.data.record.zoo.level import LADDER, LEDGE, SOLID, Grid

NEAR = 1e-6


class Ground:
    """The grid of a level as bodies feel it; it ends with walls, and is open above."""

    def __init__(self, grid: Grid, tile: float, roof: bool) -> None:
        self.rows, self.columns = grid.shape
        self.tile = tile
        self.kinds: list[list[int]] = grid.tolist()
        self.roof = roof

    @property
    def width(self) -> float:
        """In units."""
        return self.columns * self.tile

    @property
    def height(self) -> float:
        """In units."""
        return self.rows * self.tile

    def kind(self, x: float, y: float) -> int:
        """What is at a place; outside there is nothing."""
        row, column = floor(y / self.tile), floor(x / self.tile)
        inside = 0 <= row < self.rows and 0 <= column < self.columns
        return self.kinds[row][column] if inside else 0

    def solid(self, row: int, column: int) -> bool:
        """Whether a tile stops bodies from every side."""
        if not 0 <= column < self.columns or row >= self.rows:
            return True
        return self.roof if row < 0 else self.kinds[row][column] in SOLID

    def carries(self, row: int, column: int) -> bool:
        """Whether a tile stops what falls on it from above."""
        if self.solid(row, column):
            return True
        kind = self.kinds[row][column] if row >= 0 else 0
        above = self.kinds[row - 1][column] if row > 0 else 0
        return kind == LEDGE or (kind == LADDER and above != LADDER)

    def free(self, left: float, top: float, right: float, bottom: float) -> bool:
        """Whether nothing solid is in a box."""
        return not any(
            self.solid(row, column)
            for row in self._span(top, bottom)
            for column in self._span(left, right)
        )

    def _span(self, start: float, stop: float) -> range:
        return range(floor((start + NEAR) / self.tile), ceil((stop - NEAR) / self.tile))

    def across(self, body: "Body", way: float) -> float:
        """How far a body gets sideways, of this way."""
        rows = self._span(body.y, body.y + body.height)
        if way > 0:
            edge = body.x + body.width
            for column in range(ceil((edge - NEAR) / self.tile), ceil((edge + way) / self.tile)):
                if any(self.solid(row, column) for row in rows):
                    return column * self.tile - edge
        elif way < 0:
            for column in range(
                floor((body.x + NEAR) / self.tile) - 1, floor((body.x + way) / self.tile) - 1, -1
            ):
                if any(self.solid(row, column) for row in rows):
                    return (column + 1) * self.tile - body.x
        return way

    def down(self, body: "Body", way: float, through: bool = False) -> float:
        """How far a body gets downwards (or upwards, where `way` is negative).

        `through` lets it pass ledges from above.
        """
        columns = self._span(body.x, body.x + body.width)
        if way > 0:
            edge = body.y + body.height
            stops = self.solid if through else self.carries
            for row in range(ceil((edge - NEAR) / self.tile), ceil((edge + way) / self.tile)):
                if any(stops(row, column) for column in columns):
                    return row * self.tile - edge
        elif way < 0:
            for row in range(
                floor((body.y + NEAR) / self.tile) - 1, floor((body.y + way) / self.tile) - 1, -1
            ):
                if any(self.solid(row, column) for column in columns):
                    return (row + 1) * self.tile - body.y
        return way


@dataclass
class Body:
    """A box that moves; (x, y) is its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    vx: float = 0.0
    vy: float = 0.0
    grounded: bool = False
    """Whether it stands on something."""
    blocked: int = 0
    """The side, -1 or 1, at which something stopped it in this frame."""
    facing: int = 1
    heading: tuple[int, int] = (1, 0)
    """The last direction it was steered to."""
    climbing: bool = False
    swimming: bool = False
    travelled: float = 0.0
    """Units moved on foot, by which its walk is animated."""

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre."""
        return self.x + self.width / 2, self.y + self.height / 2

    def move(self, ground: Ground, through: bool = False) -> None:
        """Go as far as walls and floors allow; what stops it takes its speed."""
        way = ground.across(self, self.vx)
        self.blocked = int(np.sign(self.vx)) if abs(way - self.vx) > NEAR else 0
        self.x += way
        self.travelled += abs(way)
        if self.blocked:
            self.vx = 0.0
        way = ground.down(self, self.vy, through)
        self.grounded = self.vy > 0 and way < self.vy - NEAR
        self.y += way
        if abs(way - self.vy) > NEAR:
            self.vy = 0.0
