"""How a figure moves: legs and gravity, jumps, ladders, water, ice, flight, steps.

Lengths are in units, of which the shorter side of the screen has 64, and time is in frames.
"""

from dataclasses import dataclass
from math import floor

from playworld.data.record.zoo.ground import NEAR, Body, Ground
from playworld.data.record.zoo.level import BOUNCE, LADDER, WATER


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
        body = self.body
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
            body.vy, body.grounded = -0.9 * falling, False
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
