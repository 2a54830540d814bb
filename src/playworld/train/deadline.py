"""A time by which a stage has to end, and as many steps as fit by the pace of its last ones."""

import time
from collections import deque

EVERY = 10
"""Steps from one choice to the next, and before the first, as the first ones are slower."""
RECENT = 64
"""Steps that the pace is taken from: a pause of a minute among them is no new pace."""


class Deadline:
    """When a stage has to end, whatever else the machine does meanwhile."""

    def __init__(self, at: float, then: float = 0.0) -> None:
        """`at` is a time of `time.monotonic`; `then` are as many steps as what follows takes."""
        self.at, self.then = at, then
        self._ends: deque[float] = deque(maxlen=RECENT + 1)

    def steps(self, step: int, planned: int) -> int:
        """Steps of the stage in all, once `step` of those `planned` are taken."""
        now = time.monotonic()
        self._ends.append(now)
        taken = len(self._ends) - 1
        if now >= self.at:
            return step
        if taken < EVERY or (step < planned and step % EVERY):
            return planned
        pace = (now - self._ends[0]) / taken
        return step + max(0, int((self.at - now) / pace - self.then))
