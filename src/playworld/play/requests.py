"""Pending requests of a player: the newest of each kind, checked and ready for the engine.

Each has the name of the message that it comes from (play/messages.py).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import UInt8
from torch import Tensor

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
    """A request for one more frame."""

    id: int
    button: int
    """The button that is pressed, 0 to A-1."""
    sampler: SamplerConfig | None = None
    """How the frame is drawn; None for the world's own way."""


Request = StartRequest | GoRequest | TryRequest | PressRequest
ORDER: tuple[type, ...] = (StartRequest, GoRequest, TryRequest, PressRequest)


class RequestQueue:
    """At most one request of each kind waits: the newest replaces an older one.

    So a fast player with a slow model sees the last thing that was pressed, and nothing piles up.
    Going elsewhere also cancels what was asked for where the player has been.
    """

    def __init__(self) -> None:
        self._waiting: dict[type, Request] = {}
        self._asked = asyncio.Event()

    def ask(self, request: Request) -> None:
        """Leave a request."""
        kind = type(request)
        if kind in (StartRequest, GoRequest):
            later = ORDER[ORDER.index(kind) :]
            self._waiting = {k: r for k, r in self._waiting.items() if k not in later}
        self._waiting[kind] = request
        self._asked.set()

    def void(self) -> None:
        """Forget whatever waits."""
        self._waiting.clear()

    @property
    def elsewhere(self) -> bool:
        """Whether a start or a go waits: what is in hand need not be finished."""
        return StartRequest in self._waiting or GoRequest in self._waiting

    async def next(self) -> Request:
        """Wait for a request and take it, in the order of `ORDER`."""
        while True:
            await self._asked.wait()
            for kind in ORDER:
                if kind in self._waiting:
                    return self._waiting.pop(kind)
            self._asked.clear()
