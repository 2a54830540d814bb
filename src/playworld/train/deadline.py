"""A time by which a stage has to end, and as many steps as fit by the pace of its last ones."""

import time
from collections import deque

EVERY = 10
"""Steps from one choice to the next, and before the first, as the first ones are slower."""
RECENT = 64
"""Steps that the pace is taken from: a pause of a minute among them is no new pace."""


class Deadline:
    """When a stage has to end, whatever else the machine does meanwhile."""

    def __init__(self, at: float, steps: float = 0.0, processor: float = 0.0) -> None:
        """`at` is a time of `time.monotonic`, by which what follows the stage has to end, too.

        That takes as long as so many steps, and so many seconds of processor time: more of the
        clock's where other programs take their share.
        """
        self.at, self._steps, self._processor = at, steps, processor
        self._clock: deque[float] = deque(maxlen=RECENT + 1)
        self._used: deque[float] = deque(maxlen=RECENT + 1)

    def steps(self, step: int, planned: int) -> int:
        """Steps of the stage in all, once `step` of those `planned` are taken."""
        now = time.monotonic()
        self._clock.append(now)
        self._used.append(time.process_time())
        taken = len(self._clock) - 1
        if now >= self.at:
            return step
        if taken < EVERY or (step < planned and step % EVERY):
            return planned
        elapsed, used = now - self._clock[0], self._used[-1] - self._used[0]
        left = self.at - now - self._processor * elapsed / max(used, 1e-9)
        return step + max(0, int(left * taken / elapsed - self._steps))
