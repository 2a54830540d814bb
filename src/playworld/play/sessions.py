"""Players of one server: where each stands, and who must make room."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import replace

from jaxtyping import UInt8
from torch import Tensor

from playworld.play.requests import Begin, Request, Wishes
from playworld.play.timeline import Timeline
from playworld.world import SamplerConfig

MAX_UPLOADS = 16
"""Pictures of their own that a player may bring."""


class Session:
    """One player's game. Lives in the event loop's thread alone."""

    def __init__(self, now: float) -> None:
        self.id = secrets.token_urlsafe(24)
        self.seen = now
        self.begun: Begin | None = None
        """The newest start that was asked for."""
        self.shown: Begin | None = None
        """The start that `timeline` goes back to."""
        self.timeline: Timeline | None = None
        self.uploads: list[UInt8[Tensor, "H W 3"]] = []
        self.sampler: SamplerConfig | None = None
        """How frames are drawn from now on; None for the world's own way."""
        self.lock = asyncio.Lock()
        """Held by the one connection that plays."""
        self.connection: asyncio.Event | None = None
        """Set to make the newest connection leave; None where nobody is connected."""
        self.wishes = Wishes()

    def ask(self, request: Request) -> None:
        """Leave a request for the model."""
        if isinstance(request, Begin):
            self.begun = request
        self.wishes.ask(request)

    def rejoin(self) -> None:
        """A new connection: wishes of the old one are void, a start it lost is made up for."""
        self.wishes.void()
        if self.begun is not None and self.begun is not self.shown:
            self.ask(replace(self.begun, id=0))

    @property
    def playing(self) -> Timeline | None:
        """The game as the player knows it; None before a start, and until the newest is done."""
        return self.timeline if self.begun is self.shown else None


class Full(Exception):
    """Every place is taken by somebody who is playing."""


class Sessions:
    """All games of one server: at most `limit`, each dropped when left for `idle_seconds`."""

    def __init__(
        self, limit: int, idle_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._by_id: dict[str, Session] = {}

    def create(self) -> Session:
        """A new game; where every place is taken, the one that was left longest ago makes room.

        Raises:
            Full: all places are taken by players who are connected.
        """
        self._sweep()
        if len(self._by_id) >= self._limit:
            left = [session for session in self._by_id.values() if session.connection is None]
            if not left:
                raise Full
            self.drop(min(left, key=lambda session: session.seen))
        session = Session(self._clock())
        self._by_id[session.id] = session
        return session

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
        oldest = self._clock() - self._idle_seconds
        for session in list(self._by_id.values()):
            if session.connection is None and session.seen < oldest:
                self.drop(session)
