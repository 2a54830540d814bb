"""Scripted manipulation policies, each a stream of commands for a scene.

The hand moves along one axis at a time, like a player with one button at a time, and sees
the scene before each command. It makes small errors, pauses, and strays.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from playworld.data.record.fetch.scene import REACH, TABLE_TOP, Simulation

PRESS = 2
"""Frames that every command is held for at least: a tenth of a second, one transition of clips at
10 frames per second."""
LOW, HIGH = np.array([1.12, 0.54, TABLE_TOP + 0.02]), np.array([1.46, 0.96, TABLE_TOP + 0.28])
"""The corners of the box that the hand stays in, in metres."""
SPEEDS = (0.45, 0.7)
"""Slowest and fastest command of an unhurried hand; 0.5 is 37 cm per second."""
NOISE = 0.03
"""Standard deviation of a command from what was meant."""
NEAR = 0.008
"""Metres from a place at which the hand has reached it."""
TRAVEL = TABLE_TOP + 0.12
"""Height at which the hand passes over whatever stands on the table."""
LEVEL = TABLE_TOP + 0.025
"""Height of the middle of a cube on the table."""

Command = Float[np.ndarray, "4"]
Commands = Iterator[Command]


class Hand:
    """A hand in a scene and its whims."""

    def __init__(self, scene: Simulation, rng: np.random.Generator) -> None:
        self.scene = scene
        self.rng = rng
        self.grip = 1.0 if scene.task == "pick" else -1.0

    def arrive(self) -> Commands:
        """Get from where every episode begins to a place of its own."""
        yield from self.over(self.rng.uniform(LOW, HIGH))

    def live(self) -> Commands:
        """Do one thing after the other, without end."""
        skill = {"push": self.push, "pick": self.pick, "door": self.swing}[self.scene.task]
        while True:
            if self.rng.random() < 0.25:
                yield from self.wander()
            yield from skill() if self.scene.thing[2] > TABLE_TOP else self.wander()

    def wander(self) -> Commands:
        """Visit a few places above the cube's height."""
        for _ in range(self.rng.integers(1, 4)):
            yield from self.go(self.rng.uniform(LOW + [0, 0, 0.05], HIGH))

    def push(self) -> Commands:
        """Get behind the cube and shove it along an axis, towards the middle more often."""
        axis = int(self.rng.integers(2))
        middle = (LOW + HIGH)[axis] / 2
        offset = self.scene.thing[axis] - middle
        sign = -np.sign(offset) if abs(offset) > 0.06 else self.rng.choice([-1, 1])
        behind = self.scene.thing
        behind[axis] -= sign * 0.075
        yield from self.over(behind)
        yield from self.go_along(2, LEVEL)
        goal = behind[axis] + sign * self.rng.uniform(0.10, 0.24)
        yield from self.go_along(axis, float(np.clip(goal, LOW[axis], HIGH[axis] - 0.05)))
        yield from self.rest(0.5)
        yield from self.go_along(axis, self.scene.hand[axis] - sign * 0.03)
        yield from self.go_along(2, TRAVEL + self.rng.uniform(0, 0.1))

    def pick(self) -> Commands:
        """Grasp the cube, carry it elsewhere, and let it go, now and then from above."""
        yield from self.fingers(1.0)
        yield from self.over(self.scene.thing)
        yield from self.go_along(2, LEVEL)
        yield from self.fingers(-1.0)
        yield from self.go_along(2, TRAVEL + self.rng.uniform(-0.05, 0.12))
        for _ in range(self.rng.integers(2, 5)):
            yield from self.go(self.rng.uniform(LOW + [0.04, 0, 0.06], HIGH - [0.04, 0, 0]))
        if self.rng.random() < 0.8:
            yield from self.go_along(2, LEVEL + 0.005)
        yield from self.fingers(1.0)
        yield from self.go_along(2, TRAVEL)

    def swing(self) -> Commands:
        """Get to one side of the door, before its free half, and push through where it stands."""
        panel = self.scene.thing - self.scene.hinge
        axis, sign = int(abs(panel[:2]).argmin()), int(self.rng.choice([-1, 1]))
        target = self.scene.hinge + self.rng.uniform(0.7, 0.95) * panel
        start = target.copy()
        start[axis] -= sign * 0.1
        yield from self.over(start)
        yield from self.go_along(2, TABLE_TOP + self.rng.uniform(0.05, 0.09))
        yield from self.go_along(axis, target[axis] + sign * self.rng.uniform(0.06, 0.14))
        yield from self.rest(0.5)
        yield from self.go_along(2, TRAVEL + self.rng.uniform(0.04, 0.12))

    def over(self, place: Float[np.ndarray, "3"]) -> Commands:
        """Get above a place, high enough to touch nothing on the way."""
        if self.scene.hand[2] < TRAVEL:
            yield from self.go_along(2, TRAVEL)
        yield from self.go(np.array([place[0], place[1], self.scene.hand[2]]))

    def go(self, place: Float[np.ndarray, "3"]) -> Commands:
        """Get to a place, one axis after the other in any order, in one or two legs each."""
        place = np.clip(place, LOW, HIGH)
        for _ in range(12):
            left = place - self.scene.hand
            axes = np.flatnonzero(abs(left) > NEAR)
            if not len(axes):
                return
            axis = int(self.rng.choice(axes))
            part = self.rng.uniform(0.4, 0.7) if self.rng.random() < 0.3 else 1.0
            far = abs(left[axis]) > 0.1
            yield from self.go_along(
                axis, self.scene.hand[axis] + left[axis] * (part if far else 1)
            )
            yield from self.rest(0.12)

    def go_along(self, axis: int, goal: float) -> Commands:
        """Move along one axis until `goal`, at one speed, for whole presses."""
        way = float(np.clip(goal, LOW[axis], HIGH[axis])) - self.scene.hand[axis]
        presses = max(1, round(abs(way) / (PRESS * REACH * self.rng.uniform(*SPEEDS))))
        if abs(way) > NEAR / 2:
            yield from self.hold(axis, way / (PRESS * REACH * presses), presses)

    def rest(self, chance: float) -> Commands:
        """Do nothing for a moment, with some probability."""
        if self.rng.random() < chance:
            yield from self.hold(0, 0.0, int(self.rng.integers(1, 5)))

    def fingers(self, grip: float) -> Commands:
        """Open or close the fingers and wait until they have."""
        self.grip = grip
        yield from self.hold(0, 0.0, 3)

    def hold(self, axis: int, speed: float, presses: int) -> Commands:
        """Press one button."""
        for _ in range(PRESS * presses):
            command = self.rng.normal(0, NOISE if speed else 0.0, 4)
            command[axis] += speed
            command[3] = self.grip
            yield np.clip(command, -1, 1)
