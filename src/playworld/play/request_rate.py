"""How many requests of one address are answered in a second: more wait, none is lost."""

import asyncio
import time

PER_SECOND = 200.0
"""Each costs about 1 ms of the event loop, which all players share."""
AT_ONCE = 100
"""Requests that need not wait after a rest: a page loads about 50 files."""
MOST_ADDRESSES = 10_000
"""Kept in mind; those that have rested are forgotten first."""


class RateLimiter:
    """Turns by address: so many a second, and some at once after a rest."""

    def __init__(self, per_second: float = PER_SECOND, at_once: int = AT_ONCE) -> None:
        self._each = 1 / per_second
        self._burst = at_once / per_second
        self._due: dict[str, float] = {}

    async def turn(self, address: str) -> None:
        """Take a turn of this address, and wait until it comes."""
        self.count(address)
        if (seconds := self.wait(address)) > 0:
            await asyncio.sleep(seconds)

    def count(self, address: str) -> None:
        """Take a turn."""
        rested = time.monotonic() - self._burst
        due = max(self._due.pop(address, rested), rested) + self._each
        if len(self._due) >= MOST_ADDRESSES:
            self._due = {key: when for key, when in self._due.items() if when > rested}
        self._due[address] = due

    def wait(self, address: str) -> float:
        """Seconds until this address has no turn outstanding; 0 or less where it has none."""
        now = time.monotonic()
        return self._due.get(address, now) - now
