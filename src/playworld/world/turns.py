"""Who goes next: short requests at once and together, long ones in slices in between."""

import math
import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal

from playworld.world.draft import Draft, StepResult, Work

LONG_SHARE = 0.25
"""What long requests get of the model at least, however many short ones there are."""
QUIET_SECONDS = 1.0
"""How long nobody may have asked for a frame before long requests take every worker."""
PASSES = 4
"""Passes of long requests in a row, before others of their kind have a turn."""
_DUE_SECONDS = 0.02
"""How much of their share long requests may wait for: about a pass. Ten times that is carried
over at most, in either direction."""

Kind = Literal["alone", "first", "frame"]


@dataclass(eq=False)
class FrameJob:
    """One request. Those of the same kind can go through the model together."""

    work: Work
    long: bool
    """Whether it may take more than an ordinary frame."""
    player: Hashable
    kind: Kind
    """Of its next piece: other work than a pass, the first frame of a prompt, any other frame."""
    draft: Draft | None = None
    """What the next pass is for; None before the first one."""
    future: "Future[StepResult]" = field(default_factory=Future)


class Turns:
    """What waits for the model, and what is under way. Not safe to use from several threads.

    Short requests go first, the oldest of them first. Long ones pause while a short one is under
    way, as they would slow it down on another core too; they get the rest of the time, and their
    share in any case. Among them, the player goes first who has had least (start-time fair
    queueing, Goyal et al. 1996). While somebody is playing, one of several workers is kept free
    of them.
    """

    def __init__(
        self,
        workers: int,
        max_batch: int,
        long_batch: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Args: `long_batch` is how many long requests share a pass while somebody is playing."""
        self._workers, self._max_batch, self._long_batch = workers, max_batch, long_batch
        self._clock = clock
        self._short: deque[FrameJob] = deque()
        self._long: list[FrameJob] = []
        self._short_running = 0  # requests
        self._long_running = 0  # workers
        self._asked = -math.inf  # when a short request came or ended last
        self._owed = 0.0  # seconds that long requests have to get
        self._had: dict[Hashable, float] = {}  # seconds of long work, by player
        self._least = 0.0

    @property
    def short(self) -> int:
        """Short requests that wait."""
        return len(self._short)

    def add(self, job: FrameJob) -> None:
        """A new request."""
        if job.long:
            self._long.append(job)
        else:
            self._short.append(job)
            self._asked = self._clock()

    def take(self) -> list[FrameJob]:
        """What one worker does next: all of one kind; nothing where it should wait."""
        self._long = [job for job in self._long if not job.future.cancelled()]
        busy = self._clock() - self._asked < QUIET_SECONDS
        free = self._long and (not busy or self._long_running < max(1, self._workers - 1))
        if free and (not self._is_playing or self._owed >= _DUE_SECONDS):
            return self._take_long(self._long_batch if busy else self._max_batch)
        if self._short:
            return self._take_short()
        return []

    def is_over(self, batch: list[FrameJob], passes: int) -> bool:
        """Whether the turn of what is left of a batch ends here, after that many passes."""
        if batch[0].kind == "alone" or any(job.kind != batch[0].kind for job in batch):
            return True
        return batch[0].long and bool(self._is_playing or (passes >= PASSES and self._long))

    def done(self, batch: list[FrameJob], rest: list[FrameJob], seconds: float) -> None:
        """A turn of `batch` has ended, and its `rest` waits again."""
        if not batch[0].long:
            self._short_running -= len(batch)
            self._short.extendleft(reversed(rest))
            self._asked = self._clock()
            if self._long:
                owed = self._owed + seconds * LONG_SHARE / (1 - LONG_SHARE)
                self._owed = min(owed, 10 * _DUE_SECONDS)
            return
        self._long_running -= 1
        self._long += rest
        self._owed = max(-10 * _DUE_SECONDS, self._owed - seconds)
        for job in batch:
            self._had[job.player] = self._seconds(job) + seconds / len(batch)

    def clear(self) -> list[FrameJob]:
        """All that waits, which waits no longer."""
        waiting = [*self._short, *self._long]
        self._short.clear()
        self._long.clear()
        return waiting

    @property
    def _is_playing(self) -> bool:
        return bool(self._short or self._short_running)

    def _take_short(self) -> list[FrameJob]:
        workers = max(1, self._workers - self._long_running)
        share = -(-(len(self._short) + self._short_running) // workers)
        kind = self._short[0].kind
        most = 1 if kind == "alone" else min(share, self._max_batch)
        batch = [job for job in self._short if job.kind == kind][:most]
        for job in batch:
            self._short.remove(job)
        batch = [job for job in batch if job.future.running() or _begins(job)]
        self._short_running += len(batch)
        return batch

    def _take_long(self, rows: int) -> list[FrameJob]:
        self._long.sort(key=self._seconds)
        self._least = self._seconds(self._long[0])
        self._had = {player: had for player, had in self._had.items() if had > self._least}
        kind = self._long[0].kind
        batch = [job for job in self._long if job.kind == kind][: 1 if kind == "alone" else rows]
        self._long = [job for job in self._long if job not in batch]
        self._long_running += 1
        return batch

    def _seconds(self, job: FrameJob) -> float:
        # Who comes back has no more to come than who was there all the time.
        return max(self._least, self._had.get(job.player, 0.0))


def _begins(job: FrameJob) -> bool:
    return job.future.set_running_or_notify_cancel()
