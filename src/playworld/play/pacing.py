"""How many requests of one address are answered in a second: more wait, none is lost."""

import asyncio
import time

PER_SECOND = 200.0
"""Each costs about 1 ms of the event loop, which all players share."""
AT_ONCE = 100
"""Requests that need not wait after a rest: a page loads about 50 files."""
MOST_ADDRESSES = 10_000
"""Kept in mind; those that have rested are forgotten first."""


class Pacing:
    """Turns of requests, by address."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}

    async def turn(self, address: str) -> None:
        """Wait until this address may ask again."""
        now = time.monotonic()
        rested = now - AT_ONCE / PER_SECOND
        due = max(self._due.pop(address, rested), rested) + 1 / PER_SECOND
        if len(self._due) >= MOST_ADDRESSES:
            self._due = {key: when for key, when in self._due.items() if when > rested}
        self._due[address] = due
        if due > now:
            await asyncio.sleep(due - now)
