"""Players of one server: where each stands, and for how long a game is kept."""

import asyncio
import ipaddress
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from jaxtyping import UInt8
from torch import Tensor

from playworld.play.requests import Request, RequestQueue, StartRequest
from playworld.play.timeline import Timeline
from playworld.world import SamplerConfig

ID_BYTES = 24
"""Of chance in the id of a session."""
MAX_UPLOADS = 16
"""Pictures of their own that a player may bring."""
KEPT_SECONDS = 600.0
"""How long a game that was left is kept at least where there is no idle limit."""


class Session:
    """One player's game. Lives in the event loop's thread alone."""

    def __init__(self, now: float, address: str | None = None, id: str | None = None) -> None:
        self.id = id or secrets.token_urlsafe(ID_BYTES)
        self.address = address
        """Where its player is on the network; None on this machine, or behind a proxy on it."""
        self.seen = now
        self.begun: StartRequest | None = None
        """The newest start that was asked for."""
        self.shown: StartRequest | None = None
        """The start that `timeline` goes back to."""
        self.timeline: Timeline | None = None
        self.uploads: dict[int, UInt8[Tensor, "H W 3"]] = {}
        """Pictures of the player by number; the number of a deleted one is not given again."""
        self.uploaded = 0
        """Pictures that were ever uploaded: the next one's number."""
        self.sampler: SamplerConfig | None = None
        """How frames are drawn from now on; None for the world's own way."""
        self.lock = asyncio.Lock()
        """Held by the one connection that plays."""
        self.connection: asyncio.Event | None = None
        """Set to make the newest connection leave; None where nobody is connected."""
        self.requests = RequestQueue()
        self.epoch = 0
        """With which its changes are written to a store (play/store/table.py)."""
        self.saved: tuple[Timeline, bytes] | None = None
        """What was written of it last; None where the store may lack any of it."""
        self.snapshot: tuple[int, bytes] | None = None
        """A node, and the model's state there, where that came from a store."""

    def ask(self, request: Request) -> None:
        """Leave a request for the model."""
        if isinstance(request, StartRequest):
            self.begun = request
        self.requests.ask(request)

    def keep(self, picture: UInt8[Tensor, "H W 3"]) -> int:
        """Keep a picture of the player; returns its number."""
        number = self.uploaded
        self.uploads[number] = picture
        self.uploaded += 1
        return number

    def rejoin(self) -> None:
        """A new connection: requests of the old one are void, a start it lost is made up for."""
        self.requests.void()
        if self.begun is not None and self.begun is not self.shown:
            self.ask(replace(self.begun, id=0))

    @property
    def playing(self) -> Timeline | None:
        """The game as the player knows it; None before a start, and until the newest is done."""
        return self.timeline if self.begun is self.shown else None


class Full(Exception):
    """Every place is taken."""


class Sessions:
    """All games of one server: at most `limit`, each kept until left for `idle_seconds`.

    Without an idle limit a game is kept until its place is needed, `KEPT_SECONDS` at least. Where
    games are stored elsewhere too, one that was left makes room at once. One address of the network
    holds half of the places at most, so that nobody can take them all.
    """

    def __init__(
        self,
        limit: int,
        idle_seconds: float | None,
        clock: Callable[[], float] = time.monotonic,
        stored: bool = False,
    ) -> None:
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._stored = stored
        self._by_id: dict[str, Session] = {}

    def create(self, address: str | None = None) -> Session:
        """A new game for a player at this address of the network.

        Where there is no place, one that was left without a game makes room, and without an idle
        limit the game that was left longest ago, if that is long enough ago.

        Raises:
            Full: every place is taken, or half of them by this address.
        """
        session = Session(self._clock(), remote(address))
        self.place(session)
        return session

    def place(self, session: Session) -> None:
        """Keep a game that was made elsewhere, or still keep this one.

        Raises:
            Full: as `create` does.
        """
        self.touch(session)
        if session.id in self._by_id:
            return
        self._sweep()
        address = session.address
        near = [s for s in self._by_id.values() if address is not None and s.address == address]
        if len(near) >= max(1, self._limit // 2):
            self._make_room(near)
        elif len(self._by_id) >= self._limit:
            self._make_room(self._by_id.values())
        self._by_id[session.id] = session

    def _make_room(self, sessions: Iterable[Session]) -> None:
        left = sorted((s for s in sessions if s.connection is None), key=lambda s: s.seen)
        spare = [session for session in left if session.begun is None]
        if self._stored:
            spare += left
        elif self._idle_seconds is None:
            spare += [s for s in left if s.seen < self._clock() - KEPT_SECONDS]
        if not spare:
            raise Full
        self.drop(spare[0])

    def find(self, id: str) -> Session | None:
        """The game with this id, unless it never was or has been left for too long."""
        self._sweep()
        return self._by_id.get(id)

    def touch(self, session: Session) -> None:
        """Note that its player has just done something."""
        session.seen = self._clock()

    def drop(self, session: Session) -> None:
        """Forget a game and everything it holds."""
        self._by_id.pop(session.id, None)

    def count(self) -> tuple[int, int]:
        """Games that are kept, and those of them whose player is connected."""
        self._sweep()
        connected = sum(session.connection is not None for session in self._by_id.values())
        return len(self._by_id), connected

    def _sweep(self) -> None:
        if self._idle_seconds is None:
            return
        oldest = self._clock() - self._idle_seconds
        for session in list(self._by_id.values()):
            if session.connection is None and session.seen < oldest:
                self.drop(session)


def remote(address: str | None) -> str | None:
    """What counts as one address of the network; None for this machine, and for no address."""
    # Whoever plays on this machine is its owner, or a proxy that many players share.
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return None  # no address of the internet, such as a local socket's
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip
    if ip.is_loopback:
        return None
    whole = ip.max_prefixlen if ip.version == 4 else 64  # one subscriber has all of a /64
    return str(ipaddress.ip_network((ip, whole), strict=False))
