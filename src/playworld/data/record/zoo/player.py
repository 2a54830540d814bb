"""The player that presses the keys: habits that follow each other, sensible ones and others.

Every key is held for `HELD` frames or a multiple of it, so that a transition of clips at 10 frames
per second has one action.
"""

from collections.abc import Callable, Iterator

import numpy as np

from playworld.data.record.zoo.ground import Body, Ground
from playworld.data.record.zoo.level import LADDER
from playworld.data.record.zoo.physics import Mover, Runner

HELD = 2
"""Frames for which a key is held at least."""
Rng = np.random.Generator
Keys = Iterator[tuple[int, int]]
"""Left or right (-1, 0, 1) and down or up (-1, 0, 1), for `HELD` frames each."""


class Player:
    """Presses keys for one game; `next` of `keys` is what is held for the next `HELD` frames."""

    def __init__(self, rng: Rng, mover: Mover, leaps: float = 1.0) -> None:
        """Args: `leaps` is how much more often it jumps."""
        self.rng, self.mover, self.leaps = rng, mover, leaps
        self.balance = 0
        """Steps to the right less steps to the left, until now."""

    @property
    def body(self) -> Body:
        """The steered character."""
        return self.mover.body

    def keys(self) -> Keys:
        """Keys without end."""
        if isinstance(self.mover, Runner):
            habits, shares = zip(*self.beside(), strict=True)
        else:
            habits, shares = zip(*self.above(), strict=True)
        chances = np.array(shares) / sum(shares)
        while True:
            for dx, up in habits[self.rng.choice(len(habits), p=chances)]():
                self.balance += dx
                yield dx, up

    def beside(self) -> list[tuple[Callable[[], Keys], float]]:
        """Habits where there is gravity, and how often each is begun."""
        return [
            *((self.leg, 5), (self.stand, 1.5), (self.hop, 2 * self.leaps)),
            *((self.long_jump, 2 * self.leaps), (self.held_jump, self.leaps)),
            *((self.push, 0.7), (self.fall, 2), (self.stop, 1)),
            *((self.fidget, 0.5), (self.duck, 0.4), (self.turn, 0.7), (self.climb, 1)),
        ]

    def above(self) -> list[tuple[Callable[[], Keys], float]]:
        """Habits where all directions are alike."""
        return [
            (self.wander, 5),
            (self.stand, 1),
            (self.fidget, 0.4),
            (self.turn, 0.5),
            (self.stop, 1),
        ]

    def steps(self, low: int, high: int) -> int:
        """Half as many steps as these frames, by chance."""
        return int(self.rng.integers(low, high + 1)) // HELD

    def side(self) -> int:
        """Left or right, rather the one that was pressed less."""
        x, width = self.body.middle[0], self.mover.ground.width
        pull = 0.004 * self.balance + 0.5 * (x / width - 0.5)
        return 1 if self.rng.random() < min(max(0.5 - pull, 0.08), 0.92) else -1

    def hold(self, dx: int, up: int, steps: int) -> Keys:
        """The same keys for some steps."""
        for _ in range(steps):
            yield dx, up

    def air(self, dx: int, up: int, longest: int = 40) -> Keys:
        """The same keys until the figure has landed, and a little longer."""
        for _ in range(longest):
            yield dx, up
            if self.body.grounded:
                break
        yield from self.hold(dx, up, self.steps(0, 8))

    def leg(self) -> Keys:
        """A long way to one side; most walls are jumped."""
        dx, careful = self.side(), self.rng.random() < 0.8
        left = self.steps(20, 90)
        while left > 0:
            jump = self.body.blocked == dx and careful or self.rng.random() < 0.02
            if jump and self.body.grounded:
                n = self.steps(6, 24)
                yield from self.hold(dx, 1, n)
                left -= n
            yield dx, 0
            left -= 1
            if self.body.blocked and self.rng.random() < (0.5 if self._at_end() else 0.1):
                break

    def _at_end(self) -> bool:
        """Whether the level ends beside the figure: there is nothing to jump over."""
        left, right = self.body.x, self.body.x + self.body.width
        return left < 1 or right > self.mover.ground.width - 1

    def stand(self) -> Keys:
        """Nothing."""
        yield from self.hold(0, 0, self.steps(6, 40))

    def hop(self) -> Keys:
        """A jump on the spot."""
        yield from self.hold(0, 1, self.steps(2, 20))
        yield from self.air(0, 0)

    def long_jump(self) -> Keys:
        """A run, a jump, and then the way kept, let go or turned."""
        dx = self.side()
        yield from self.hold(dx, 0, self.steps(4, 24))
        yield from self.hold(dx, 1, self.steps(2, 20))
        yield from self.air(dx * int(self.rng.choice([1, 1, 0, -1])), 0)

    def held_jump(self) -> Keys:
        """Jump held until after the landing."""
        dx = self.side() if self.rng.random() < 0.5 else 0
        yield from self.hold(dx, 1, self.steps(20, 60))
        yield from self.hold(dx * int(self.rng.integers(0, 2)), 0, self.steps(2, 16))

    def push(self) -> Keys:
        """On against a wall, if there is one."""
        dx = self.side()
        for _ in range(self.steps(20, 60)):
            yield dx, 0
            if self.body.blocked:
                break
        if self.body.blocked:
            yield from self.hold(dx, int(self.rng.random() < 0.2), self.steps(10, 40))
            yield from self.hold(0, 0, self.steps(0, 12))

    def fall(self) -> Keys:
        """Over an edge, and nothing pressed from there on."""
        dx = self.side()
        for _ in range(self.steps(20, 60)):
            yield dx, 0
            if not self.body.grounded:
                yield from self.air(0, 0)
                break

    def stop(self) -> Keys:
        """A run, and suddenly nothing."""
        yield from self.hold(self.side(), 0, self.steps(8, 30))
        yield from self.hold(0, 0, self.steps(8, 24))

    def fidget(self) -> Keys:
        """Any keys, each for moments."""
        for _ in range(self.steps(10, 40)):
            dx, up = self.rng.integers(-1, 2, 2).tolist()
            yield from self.hold(dx, up, self.steps(2, 6))

    def duck(self) -> Keys:
        """Down, which does little where there is no ladder."""
        yield from self.hold(int(self.rng.integers(-1, 2)), -1, self.steps(4, 16))

    def turn(self) -> Keys:
        """To and fro."""
        dx = self.side()
        for _ in range(int(self.rng.integers(2, 6))):
            yield from self.hold(dx, 0, self.steps(4, 16))
            dx = -dx

    def climb(self) -> Keys:
        """To a ladder that is near, and up or down it."""
        way = self._ladder()
        for _ in range(30):
            if way is None or way == 0:
                break
            yield way, 0
            way = self._ladder()
        if way == 0:
            up = int(self.rng.choice([1, 1, -1]))
            yield from self.hold(0, up, self.steps(10, 60))

    def _ladder(self) -> int | None:
        """Which way a ladder is that can be reached on foot, 0 where it is here, None for none."""
        ground: Ground = self.mover.ground
        x, y = self.body.middle
        foot = self.body.y + self.body.height
        for away in np.arange(0, 5 * ground.tile, ground.tile / 2):
            for way in (-1, 1):
                if LADDER in (
                    ground.kind(x + way * away, y),
                    ground.kind(x + way * away, foot + 0.5),
                ):
                    return 0 if away < ground.tile / 4 else way
        return None

    def _open(self, dx: int, up: int) -> bool:
        """Whether there is no wall a tile away."""
        body, tile = self.body, self.mover.ground.tile
        x, y = body.x + dx * tile, body.y - up * tile
        return self.mover.ground.free(x, y, x + body.width, y + body.height)

    def wander(self) -> Keys:
        """Some way in one direction, mostly away from what is in the way."""
        rng, ground = self.rng, self.mover.ground
        for _ in range(4):
            dx, up = self.side(), 0
            kind = rng.random()
            if kind < 0.4:
                y = self.body.middle[1] / ground.height
                dx, up = 0, 1 if rng.random() < min(max(y, 0.1), 0.9) else -1
            elif kind < 0.55:
                up = int(rng.choice([-1, 1]))
            if self._open(dx, up) or rng.random() < 0.1:
                break
        before = self.body.middle
        for _ in range(self.steps(6, 50)):
            yield dx, up
            if self.body.middle == before and rng.random() < 0.3:
                break
            before = self.body.middle
