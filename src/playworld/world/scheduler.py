"""Order of the engine's requests: short ones at once and together, long ones in time slices."""

import math
import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal

from playworld.world.generation import Generation, PendingFrame, StepResult

LONG_SHARE = 0.25
"""Least share of the time for long requests, however many short ones there are."""
QUIET_SECONDS = 1.0
"""Time without a short request after which long requests may take every worker."""
PASSES = 4
"""Passes in a row for the same long requests, while others wait."""
_DUE_SECONDS = 0.02
"""Long requests run once they are owed so much of their share: about a pass. At most ten times
that is carried over, in either direction."""

Kind = Literal["alone", "first", "frame"]


@dataclass(eq=False)
class FrameJob:
    """One request. Those of the same kind can share a pass."""

    work: Generation
    long: bool
    """Whether it may take more than an ordinary frame."""
    player: Hashable
    kind: Kind
    """Of its next part: work that is no pass, the first frame of a prompt, any other frame."""
    frame: PendingFrame | None = None
    """What the next pass is for; None before the first one."""
    future: "Future[StepResult]" = field(default_factory=Future)


class Scheduler:
    """The pending and running requests. Not safe to use from several threads.

    Short requests have priority, the oldest first. Long ones pause while a short one runs, as they
    would slow it down on another core too; they get the rest of the time, and at least their share.
    Among them, the player with the least time so far goes first (start-time fair queueing, Goyal et
    al. 1996). During play, one of several workers is kept free of long requests.
    """

    def __init__(
        self,
        workers: int,
        max_batch: int,
        long_batch: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Args: `long_batch` is how many long requests share a pass during play."""
        self._workers, self._max_batch, self._long_batch = workers, max_batch, long_batch
        self._clock = clock
        self._short: deque[FrameJob] = deque()
        self._long: list[FrameJob] = []
        self._short_running = 0  # requests
        self._long_running = 0  # workers
        self._last_short = -math.inf  # when a short request was added or ended last
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
            self._last_short = self._clock()

    def take(self) -> list[FrameJob]:
        """The next batch of one worker, all of one kind; empty where it should wait."""
        self._long = [job for job in self._long if not job.future.cancelled()]
        busy = self._clock() - self._last_short < QUIET_SECONDS
        free = self._long and (not busy or self._long_running < max(1, self._workers - 1))
        if free and (not self._is_playing or self._owed >= _DUE_SECONDS):
            return self._take_long(self._long_batch if busy else self._max_batch)
        if self._short:
            return self._take_short()
        return []

    def is_over(self, batch: list[FrameJob], passes: int) -> bool:
        """Whether what is left of a batch gives way here, after that many passes."""
        if batch[0].kind == "alone" or any(job.kind != batch[0].kind for job in batch):
            return True
        return batch[0].long and bool(self._is_playing or (passes >= PASSES and self._long))

    def done(self, batch: list[FrameJob], rest: list[FrameJob], seconds: float) -> None:
        """Account for a batch that took `seconds`; its `rest` waits again."""
        if not batch[0].long:
            self._short_running -= len(batch)
            self._short.extendleft(reversed(rest))
            self._last_short = self._clock()
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
        """Remove and return all pending requests."""
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
        # A player who was away is owed no more than one who was there all the time.
        return max(self._least, self._had.get(job.player, 0.0))


def _begins(job: FrameJob) -> bool:
    return job.future.set_running_or_notify_cancel()
