"""A button that is held: when its next frame is due, and how many may be ahead of the player."""

import math
import time
from collections import deque
from collections.abc import Callable

MAX_AHEAD = 6
"""Frames that may be made before the player acknowledges the oldest of them."""
MAX_BEYOND = 2
"""Frames that remain of those that the player had not received at the release."""
_ROUND_TRIPS = 8
"""Newest round trips of which the shortest counts: one that was delayed says little."""


class Held:
    """Paces the frames of one press, from its first frame to its release.

    The press itself asks for the first frame; the others are due at the rate of `fps`, as long as
    the player acknowledges them. As many may be unacknowledged as fit into the measured round trip
    and one more, up to `MAX_AHEAD`.
    """

    def __init__(
        self, fps: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Args: without `fps` there is one frame alone."""
        self._period = math.inf if fps is None else 1 / fps
        self._clock = clock
        self._due = clock()
        self._ahead: deque[float] = deque()  # when the unacknowledged frames were made
        self._round_trips: deque[float] = deque(maxlen=_ROUND_TRIPS)
        self._kept: int | None = None
        self.made = 0
        """Frames made so far."""

    def add(self) -> None:
        """Count a frame that was made."""
        now = self._clock()
        self.made += 1
        self._ahead.append(now)
        self._due = max(self._due, now - self._period) + self._period

    def acknowledge(self, frames: int) -> None:
        """The player has shown the first `frames` frames."""
        while self._ahead and self.made - len(self._ahead) < frames:
            self._round_trips.append(self._clock() - self._ahead.popleft())

    def release(self, frames: int) -> None:
        """The player released the button after receiving the first `frames` frames."""
        if self._kept is None:
            acknowledged = self.made - len(self._ahead)
            self._kept = max(frames, acknowledged) + MAX_BEYOND

    @property
    def is_released(self) -> bool:
        """Whether no further frame is wanted."""
        return self._kept is not None

    @property
    def beyond(self) -> int:
        """Frames that were made too many."""
        return 0 if self._kept is None else max(0, self.made - self._kept)

    def wait(self) -> float | None:
        """Seconds until a further frame is due; None where that is not a matter of time."""
        if self.made == 0 or len(self._ahead) >= self._window or self._due == math.inf:
            return None
        return max(0.0, self._due - self._clock())

    @property
    def _window(self) -> int:
        if not self._round_trips:
            return MAX_AHEAD
        return min(MAX_AHEAD, 1 + math.ceil(min(self._round_trips) / self._period))
