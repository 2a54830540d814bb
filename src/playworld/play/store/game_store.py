"""A store of games as a server uses it: off the event loop, with a limit of time and a count."""

import asyncio
import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from playworld.config import InputError
from playworld.play.connection_limits import Seldom
from playworld.play.metrics import Histogram
from playworld.play.store.sql_table import SqlTable
from playworld.play.store.table import Table

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
Ask = Callable[[str, Sequence[Any]], Awaitable[Any]]
"""Calls the method with this name of a table, wherever that is."""
LONGEST_SECONDS = 5.0
"""How long an answer may take."""
REST_SECONDS = 10.0
"""How long nothing is asked of a store that did not answer in time: frames wait for it."""
THREADS = 4
"""Questions to a table in this process at the same time."""
SCHEMES = ("redis://", "rediss://", "unix://")


class StoreFailed(Exception):
    """The store did not answer, or with an error."""


class GameStore:
    """Where games are kept outside of this process."""

    def __init__(self, ask: Ask, close: Callable[[], None] = lambda: None) -> None:
        self._ask = ask
        self._log = Seldom("the store of games failed: %s; %d failures since this was last logged")
        self.close = close
        """Releases what it holds in this process; blocks."""
        self.errors: Counter[str] = Counter()
        """Questions that failed, by the method of the table."""
        self.seconds = Histogram()
        """How long answers took."""
        self._rests_until = 0.0

    async def ask(
        self, method: Callable[Concatenate[Table, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """The answer of a method of the table.

        Raises:
            StoreFailed: there is none.
        """
        assert not kwargs, "a table is asked by position"
        began = time.monotonic()
        if began < self._rests_until:
            self.errors[method.__name__] += 1
            raise StoreFailed
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                answer: R = await self._ask(method.__name__, args)
        except Exception as error:  # of whatever library speaks with it
            self.errors[method.__name__] += 1
            if time.monotonic() - began > LONGEST_SECONDS / 2:
                self._rests_until = time.monotonic() + REST_SECONDS
            self._log.note(f"{method.__name__}: {str(error) or type(error).__name__}"[:300])
            raise StoreFailed from error
        self.seconds.observe(time.monotonic() - began)
        return answer


def in_threads(table: Table) -> GameStore:
    """The store with a table in this process, or with a connection from it."""
    threads = ThreadPoolExecutor(THREADS, "store")

    async def ask(name: str, args: Sequence[Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(
            threads, getattr(table, name), *args
        )

    def close() -> None:
        threads.shutdown()
        table.close()

    return GameStore(ask, close)


def open_store(where: str, keep_seconds: float, max_bytes: float) -> GameStore:
    """The store in a file, or on a Redis server by its address.

    Raises:
        InputError: there is none, and none can be made there.
    """
    if where.startswith(SCHEMES):
        return in_threads(_redis_table(where, keep_seconds))
    try:
        return in_threads(SqlTable(Path(where), keep_seconds, max_bytes))
    except (sqlite3.Error, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot keep games in {where}: {reason}") from None


def _redis_table(url: str, keep_seconds: float) -> Table:
    try:
        import redis

        from playworld.play.store.redis_table import RedisTable
    except ImportError:
        raise InputError(
            "games on a Redis server need the package redis: pip install 'playworld[scale]'"
        ) from None
    try:
        return RedisTable(url, keep_seconds)
    except (redis.RedisError, ValueError) as error:
        address = url.rpartition("@")[2]  # without a password
        raise InputError(f"cannot keep games on the server {address}: {error}") from None
