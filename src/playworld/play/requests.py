"""Pending requests of a player: the newest of each kind, checked and ready for the engine.

Each has the name of the message that it comes from (play/messages.py).
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from jaxtyping import UInt8
from torch import Tensor

from playworld.play.held import Held
from playworld.world import SamplerConfig


@dataclass(frozen=True)
class StartRequest:
    """A request for the first picture of a game."""

    id: int
    """The player's own number for this request, sent back with the frame."""
    names: Sequence[str]
    """What the player called the pictures, such as "prompt:3"."""
    pictures: UInt8[Tensor, "P H W 3"]
    """The frames to start from, oldest first."""
    seed: int
    """What all chance in this game is drawn from."""


@dataclass(frozen=True)
class GoRequest:
    """A request to go to a frame that was made before."""

    id: int
    node: int


@dataclass(frozen=True)
class TryRequest:
    """A request to see what every button would do."""

    id: int
    presses: int
    """How often each button is pressed."""
    sampler: SamplerConfig | None


@dataclass(frozen=True)
class PressRequest:
    """A request for one more frame, or for frames until the button is released."""

    id: int
    button: int
    """The button that is pressed, 0 to A-1."""
    sampler: SamplerConfig | None = None
    """How the frame is drawn; None for the world's own way."""
    held: Held = field(default_factory=Held, compare=False)
    """Says when its frames are due."""
    asked: float = field(default_factory=time.monotonic, compare=False)
    """When it arrived, in seconds of the monotonic clock."""


@dataclass(frozen=True)
class ReleaseRequest:
    """The end of a held press."""

    id: int
    """Of the press."""
    held: Held


Request = StartRequest | GoRequest | TryRequest | PressRequest | ReleaseRequest
ORDER: tuple[type, ...] = (StartRequest, GoRequest, TryRequest, PressRequest)


class RequestQueue:
    """At most one request of each kind waits: the newest replaces an older one.

    So a fast player with a slow model sees the last thing that was pressed, and nothing piles up.
    Going elsewhere also cancels what was asked for where the player has been. A press that is held
    is returned again and again, whenever its next frame is due, until it is released or a press,
    go or start takes its place.
    """

    def __init__(self) -> None:
        self._waiting: dict[type, Request] = {}
        self._held: PressRequest | None = None  # whose first frame was returned already
        self._changed = asyncio.Event()

    def ask(self, request: Request) -> None:
        """Leave a request."""
        kind = type(request)
        if kind in (StartRequest, GoRequest):
            later = ORDER[ORDER.index(kind) :]
            self._waiting = {k: r for k, r in self._waiting.items() if k not in later}
        self._waiting[kind] = request
        self._changed.set()

    def acknowledge(self, id: int, frames: int) -> None:
        """The player has shown that many frames of press `id`."""
        if (held := self._find(id)) is not None:
            held.acknowledge(frames)
            self._changed.set()

    def release(self, id: int, frames: int) -> None:
        """The player has released press `id`, after receiving that many of its frames.

        A press that still waits makes one frame.
        """
        if (held := self._find(id)) is not None:
            held.release(frames)
            self._changed.set()

    def let_go(self) -> None:
        """Want no further frame of the press that is held."""
        self._held = None

    def void(self) -> None:
        """Forget whatever waits or is held."""
        self._waiting.clear()
        self._held = None

    @property
    def elsewhere(self) -> bool:
        """Whether a start or a go waits: what is in hand need not be finished."""
        return StartRequest in self._waiting or GoRequest in self._waiting

    async def next(self) -> Request:
        """Wait for a request and take it: a release, else in the order of `ORDER`."""
        while True:
            self._changed.clear()
            if (request := self._take()) is not None:
                return request
            wait = None if self._held is None else self._held.held.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()

    def _take(self) -> Request | None:
        press = self._held
        if press is not None and press.held.is_released:
            self._held = None
            return ReleaseRequest(press.id, press.held)
        for kind in ORDER:
            if kind in self._waiting:
                request = self._waiting.pop(kind)
                if not isinstance(request, TryRequest):
                    self._held = request if isinstance(request, PressRequest) else None
                return request
        return press if press is not None and press.held.wait() == 0 else None

    def _find(self, id: int) -> Held | None:
        for request in (self._held, self._waiting.get(PressRequest)):
            if isinstance(request, PressRequest) and request.id == id:
                return request.held
        return None
