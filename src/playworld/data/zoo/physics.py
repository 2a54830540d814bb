"""How a figure moves: walls, gravity, jumps, ladders, water, ice, flight.

Lengths are in units, of which the shorter side of the screen has 64, and time is in frames.
"""

from dataclasses import dataclass, field
from math import ceil, floor

import numpy as np

from playworld.data.zoo.level import BOUNCE, LADDER, LEDGE, SOLID, WATER, Grid

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
    path: list[tuple[float, float]] = field(default_factory=list)

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


@dataclass(frozen=True)
class Runs:
    """Gravity and legs."""

    speed: float
    """Units a frame."""
    grip: float
    """Share of the missing speed that is gained in a frame on the ground, 0..1; ice has little."""
    air: float
    """The same in the air."""
    leap: float
    """Units that the longest jump rises."""
    rise: float
    """Frames until its top."""
    cut: float
    """Share of the upward speed that is left when the key is let go; 1 for jumps of one height."""
    again: bool
    """Whether a key that is still held at the landing jumps again."""
    double: bool
    """Whether it can jump once more in the air."""
    fall: float
    """Most units a frame downwards."""

    @property
    def gravity(self) -> float:
        """Units a frame, each frame."""
        return 2 * self.leap / self.rise**2


class Runner:
    """Walks, jumps, climbs ladders, falls, swims where there is water."""

    def __init__(self, body: Body, ground: Ground, how: Runs) -> None:
        self.body, self.ground, self.how = body, ground, how
        self.held = False  # whether the jump key was down in the last frame
        self.jumping = False  # rising from a jump whose key is still down
        self.spare = False  # whether the second jump is left
        self.drop = 0  # frames for which ledges let it through

    def step(self, dx: int, up: int) -> None:
        """One frame with these keys, each -1, 0 or 1."""
        body, how = self.body, self.how
        x, y = body.middle
        here = (self.ground.kind(x, y), self.ground.kind(x, body.y + body.height - NEAR))
        foot = self.ground.kind(x, body.y + body.height + 0.5)
        body.swimming = here[0] == WATER
        ladder = LADDER in here or (up < 0 and body.grounded and foot == LADDER)
        if ladder and up and not (up < 0 and body.grounded and foot != LADDER):
            body.climbing = True
        body.climbing = body.climbing and ladder
        if body.climbing:
            self._climb(dx, up)
        else:
            self._run(dx, up)
        through = body.climbing and up < 0 or self.drop > 0
        self.drop = max(0, self.drop - 1)
        falling = body.vy
        body.move(self.ground, through)
        if body.grounded and self._springs() and falling > 1:
            body.vy, body.grounded = -min(1.1 * falling, 1.3 * how.gravity * how.rise), False
        if dx:
            body.facing = dx
        self.held = up > 0

    def _climb(self, dx: int, up: int) -> None:
        body, how = self.body, self.how
        pace = 0.6 * how.speed
        body.vx, body.vy = 0.5 * pace * dx, -pace * up
        body.travelled += abs(body.vy)
        self.jumping = False

    def _run(self, dx: int, up: int) -> None:
        body, how = self.body, self.how
        wet = 0.55 if body.swimming else 1.0
        grip = how.grip if body.grounded else how.air
        body.vx += grip * (dx * how.speed * wet - body.vx)
        if abs(body.vx) < 0.02:
            body.vx = 0.0
        press = up > 0 and (how.again or not self.held)
        strength = how.gravity * how.rise
        if body.swimming and up > 0:
            body.vy = max(body.vy - 0.5, -0.45 * strength)
        elif press and body.grounded:
            body.vy, self.jumping, self.spare = -strength, True, how.double
        elif up > 0 and not self.held and self.spare and not body.grounded:
            body.vy, self.jumping, self.spare = -0.8 * strength, True, False
        elif up < 0 and body.grounded:
            self.drop = 3
        if self.jumping and up <= 0 and body.vy < 0:
            body.vy *= how.cut
        self.jumping = self.jumping and up > 0 and body.vy < 0
        body.vy = min(body.vy + how.gravity * wet * wet, how.fall * wet)

    def _springs(self) -> bool:
        body = self.body
        return self.ground.kind(body.middle[0], body.y + body.height + 0.5) == BOUNCE


@dataclass(frozen=True)
class Roams:
    """Walking or flying in all directions."""

    speed: float
    """Units a frame."""
    grip: float
    """Share of the missing speed that is gained in a frame."""
    sink: float
    """Units a frame, each frame, by which it is drawn down."""
    slanted: bool
    """Whether slanted ways are as fast along each axis as straight ones."""


class Roamer:
    """Moves wherever the keys point, with more or less inertia."""

    def __init__(self, body: Body, ground: Ground, how: Roams) -> None:
        self.body, self.ground, self.how = body, ground, how

    def step(self, dx: int, up: int) -> None:
        """One frame with these keys."""
        body, how = self.body, self.how
        pace = how.speed * (0.7071 if dx and up and not how.slanted else 1.0)
        body.vx += how.grip * (dx * pace - body.vx)
        body.vy += how.grip * (-up * pace - body.vy) + how.sink
        if abs(body.vx) < 0.02:
            body.vx = 0.0
        if abs(body.vy) < 0.02:
            body.vy = 0.0
        before = body.y
        body.move(self.ground, through=True)
        body.travelled += abs(body.y - before)
        if dx or up:
            body.heading = (dx, -up)
        if dx:
            body.facing = dx


class Stepper:
    """Steps from tile to tile, and stops on each."""

    def __init__(self, body: Body, ground: Ground, pace: int) -> None:
        self.body, self.ground, self.pace = body, ground, pace
        self.left = 0

    def step(self, dx: int, up: int) -> None:
        """One frame with these keys; up and down count only without left and right."""
        body, tile = self.body, self.ground.tile
        body.blocked = 0
        if self.left == 0 and (dx or up):
            way = (dx, 0) if dx else (0, -up)
            body.heading = way
            if dx:
                body.facing = dx
            column, row = (floor(v / tile) for v in body.middle)
            if self.ground.solid(row + way[1], column + way[0]):
                body.blocked = dx
            else:
                self.left = self.pace
                body.vx, body.vy = (v * tile / self.pace for v in way)
        if self.left:
            self.left -= 1
            body.x += body.vx
            body.y += body.vy
            body.travelled += abs(body.vx) + abs(body.vy)
            if not self.left:
                body.vx = body.vy = 0.0


Mover = Runner | Roamer | Stepper
