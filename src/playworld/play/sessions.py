"""Players of one world: where each stands, what each asked for, and the model's thread."""

import asyncio
import io
import secrets
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from playworld.world import World, WorldState

FRAME_HEADER = struct.Struct("<II")
"""What stands before the PNG in a binary message: the request's id, the number of the frame."""


@dataclass(frozen=True)
class Begin:
    """A request for the first picture of a game."""

    id: int
    """The player's own number for this request, sent back with the frame."""
    prompt: UInt8[Tensor, "H W C"]
    """The picture to start from."""
    seed: int
    """What all chance in this game is drawn from."""


@dataclass(frozen=True)
class Advance:
    """A request for one more frame."""

    id: int
    """The player's own number for this request, sent back with the frame."""
    button: int
    """The button that is pressed, 0 to A-1."""


class Session:
    """One player's game. Lives in the event loop's thread alone.

    At most one start and one press wait at any time: the newest press replaces an older one that
    the model has not taken up yet, so that a fast player with a slow model sees the last thing
    that was pressed, and nothing piles up.
    """

    def __init__(self, now: float) -> None:
        self.id = secrets.token_urlsafe(24)
        self.seen = now
        self.begun: Begin | None = None
        """The newest start that was asked for."""
        self.shown: Begin | None = None
        """The start that `state` goes back to."""
        self.upload: UInt8[Tensor, "H W C"] | None = None
        self.state: WorldState | None = None
        self.frame = 0
        self.png = b""
        self.lock = asyncio.Lock()
        """Held by the one connection that plays."""
        self.connection: asyncio.Event | None = None
        """Set to make the newest connection leave; None where nobody is connected."""
        self._begin: Begin | None = None
        self._advance: Advance | None = None
        self._asked = asyncio.Event()

    def ask(self, request: Begin | Advance) -> None:
        """Leave a request for the model; a start also cancels whatever press is waiting."""
        if isinstance(request, Begin):
            self.begun, self._begin, self._advance = request, request, None
        else:
            self._advance = request
        self._asked.set()

    def rejoin(self) -> None:
        """A new connection: presses of the old one are void, a start it lost is made up for."""
        self._advance = None
        if self.begun is not None and self.begun is not self.shown:
            self.ask(replace(self.begun, id=0))

    async def next_request(self) -> Begin | Advance:
        """Wait until something is asked for, and take it: a start before a press."""
        while True:
            await self._asked.wait()
            if self._begin is not None:
                request, self._begin = self._begin, None
                return request
            if self._advance is not None:
                press, self._advance = self._advance, None
                return press
            self._asked.clear()

    def show(self, request: Begin | Advance, state: WorldState, png: bytes) -> bytes:
        """Take in the model's answer; returns the message that shows it to the player."""
        if isinstance(request, Begin):
            self.shown, self.frame = request, 0
        else:
            self.frame += 1
        self.state, self.png = state, png
        return self.picture(request.id)

    def picture(self, id: int) -> bytes:
        """The newest frame as a binary message that answers request `id`."""
        return FRAME_HEADER.pack(id, self.frame) + self.png


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

    def _sweep(self) -> None:
        oldest = self._clock() - self._idle_seconds
        for session in list(self._by_id.values()):
            if session.connection is None and session.seen < oldest:
                self.drop(session)


class ModelThread:
    """The one thread that runs the model, so that the event loop never waits for it.

    Every player has at most one request in it, so its queue is as long as there are players, and
    they take turns.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="playworld-model")

    async def answer(
        self, request: Begin | Advance, state: WorldState | None
    ) -> tuple[WorldState, bytes]:
        """Generate the frame that was asked for: the new state, and the picture as PNG."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._run, request, state)

    def _run(self, request: Begin | Advance, state: WorldState | None) -> tuple[WorldState, bytes]:
        if isinstance(request, Begin):
            frames, new = self._world.start(request.prompt[None, None], [request.seed])
        else:
            assert state is not None, "a press without a start reached the model"
            frames, new = self._world.step(state, [request.button])
        return new, to_png(frames[0])

    def close(self) -> None:
        """Finish the frame in hand, drop those that wait."""
        self._thread.shutdown(wait=True, cancel_futures=True)


def to_png(frame: UInt8[Tensor, "H W C"]) -> bytes:
    """Lossless, so that sprites stay crisp; quick rather than small (64x64: about 5 kB)."""
    buffer = io.BytesIO()
    Image.fromarray(frame.cpu().numpy()).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
