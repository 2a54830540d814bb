"""How many connections a server holds, for how long, and who makes room when it is full.

Every connection is in one phase, and a phase that takes too long ends it. When there are too many,
from one address or in all, one that waits for its request makes room for the newcomer: sockets
that say nothing keep nobody out.
"""

import asyncio
import enum
import ipaddress
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Container, Hashable

logger = logging.getLogger(__name__)

SPARE_DESCRIPTORS = 64
"""File descriptors that connections leave to everything else."""
FEWEST_CONNECTIONS = 16
"""Held even where descriptors are very few."""
STALL_SECONDS = 10.0
"""How often a slow reader is looked at."""
STALL_BYTES = 40_000
"""What it must have taken since the last look: 4 kB a second."""
WRITE_BUFFER = 2**16
"""Unsent bytes from which on a reader counts as slow; asyncio stops writers there."""
MINUTE = 60.0


class Phase(enum.Enum):
    """What a connection is doing, and how many seconds it may take; None for as long as it likes.

    In the order in which they make room.
    """

    REQUEST = 10.0
    """It waits for a request, or for the rest of its headers."""
    REST = 3.0
    """It was answered, and still sends a body that nobody reads."""
    JOIN = 15.0
    """A WebSocket that has said nothing yet."""
    BODY = 40.0
    """Its request has a body that is not all there; an upload has a shorter limit of its own."""
    WORK = None
    """It is being answered, or plays."""


ORDER = list(Phase)


class Visit:
    """One connection, from its being accepted to its end."""

    def __init__(self, address: str, leave: Callable[["Visit"], None]) -> None:
        self.address = address
        self.phase = Phase.REQUEST
        self.since = time.monotonic()
        self._leave = leave
        self._turn: Hashable = None
        self._transport: asyncio.Transport | None = None
        self._looked_at: tuple[float, int] | None = None  # when, and the bytes unsent then

    def begin(self, transport: asyncio.Transport) -> None:
        """The transport is there."""
        self._transport = transport

    def enter(self, phase: Phase, turn: Hashable = None) -> None:
        """Note the phase; its time only begins anew with another phase or another turn."""
        if (phase, turn) != (self.phase, self._turn):
            self.phase, self._turn, self.since = phase, turn, time.monotonic()

    def end(self) -> None:
        """The connection is gone."""
        self._leave(self)

    def abort(self) -> None:
        """Cut the connection off, whatever is still unsent."""
        if self._transport is None:
            self.end()
        else:
            self._transport.abort()

    def check(self, now: float) -> None:
        """Cut it off if its phase has taken too long, or if it does not read what it is sent."""
        limit = self.phase.value
        if (limit is not None and now - self.since > limit) or self._stalls(now):
            self.abort()

    def _stalls(self, now: float) -> bool:
        if self._transport is None:
            return False
        unsent = self._transport.get_write_buffer_size()
        if unsent <= WRITE_BUFFER and not self._transport.is_closing():
            self._looked_at = None
            return False
        if self._looked_at is None:
            self._looked_at = now, unsent
        when, before = self._looked_at
        if now - when < STALL_SECONDS:
            return False
        self._looked_at = now, unsent
        return unsent > before - STALL_BYTES


class ConnectionLimits:
    """Everybody who is connected."""

    def __init__(
        self, most: int, most_per_address: int, proxies: Container[str] = frozenset()
    ) -> None:
        """The limits of one server.

        Args:
            most: connections in all.
            most_per_address: those from one address (IPv6: from one /64).
            proxies: addresses that bring many clients: only the limit in all holds for them.
        """
        self._most, self._most_per_address, self._proxies = most, most_per_address, proxies
        self._visits: dict[Visit, None] = {}
        self._by_address: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        """Connections that were turned away, by the limit that they met."""
        self._log = Seldom("%s; %d connections were refused since this was last logged")

    def __len__(self) -> int:
        return len(self._visits)

    def admit(self, host: str) -> Visit | None:
        """A newcomer; None where it has to be refused."""
        address = address_key(host)
        is_proxy = host.removeprefix("::ffff:") in self._proxies
        is_crowded = not is_proxy and self._by_address[address] >= self._most_per_address
        if is_crowded and not self._make_room(address):
            limit = self._most_per_address
            self.refused["address"] += 1
            self._log.note(
                f"{address} holds {limit} connections, as --max-connections-per-address allows"
            )
            return None
        if len(self._visits) >= self._most and not self._make_room(None):
            self.refused["total"] += 1
            self._log.note(
                f"all {self._most} connections that --max-connections and the limit of open files "
                "allow are in use"
            )
            return None
        visit = Visit(address, self._leave)
        self._visits[visit] = None
        self._by_address[address] += 1
        return visit

    def make_room(self) -> bool:
        """Cut off whoever is waiting for longest; False where everybody is being served."""
        return self._make_room(None)

    async def watch(self) -> None:
        """Look at everybody once a second, for ever."""
        while True:
            now = time.monotonic()
            for visit in list(self._visits):
                visit.check(now)
            await asyncio.sleep(1)

    def _make_room(self, address: str | None) -> bool:
        waiting = [
            visit
            for visit in self._visits
            if visit.phase is not Phase.WORK and address in (None, visit.address)
        ]
        if not waiting:
            return False
        first = min(waiting, key=lambda visit: (ORDER.index(visit.phase), visit.since))
        self._leave(first)
        first.abort()
        return True

    def _leave(self, visit: Visit) -> None:
        if visit in self._visits:
            del self._visits[visit]
            self._by_address[visit.address] -= 1
            self._by_address += Counter()  # forgets those at zero


class Seldom:
    """A warning that is written once a minute at most, with how often it was called for."""

    def __init__(self, words: str) -> None:
        self._words = words
        self._count = 0
        self._next = 0.0

    def note(self, what: str) -> None:
        """Count one, and write it if its time has come."""
        self._count += 1
        if time.monotonic() >= self._next:
            logger.warning(self._words, what, self._count)
            self._next, self._count = time.monotonic() + MINUTE, 0


def address_key(host: str) -> str:
    """What counts as one address: of IPv6 the network of 64 bits that one place has."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def connections_that_fit(wanted: int) -> int:
    """At most so many as wanted, such that file descriptors remain for everything else.

    Raises this process's own limit of open files where the system allows it.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    others = _open_descriptors() + SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted + others:
        soft = wanted + others if hard == resource.RLIM_INFINITY else min(hard, wanted + others)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        except (OSError, ValueError):  # macOS has a limit of its own below the hard one
            soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(FEWEST_CONNECTIONS, min(wanted, soft - others))


def _open_descriptors() -> int:
    try:
        return len(os.listdir("/dev/fd"))
    except OSError:
        return SPARE_DESCRIPTORS
