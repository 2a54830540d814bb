"""What may be said over a player's WebSocket, and the close code for everything else."""

import enum
import json
import time
from dataclasses import dataclass

from playworld.config import InputError, from_dict

LARGEST_ID = 2**32 - 1
"""Request ids and seeds are unsigned 32-bit numbers."""


class Close(enum.IntEnum):
    """Why the server closed the socket. The page and docs/play.md know these numbers."""

    BAD_MESSAGE = 4400
    UNKNOWN_SESSION = 4404
    IDLE = 4408
    NOT_STARTED = 4409
    TAKEN_OVER = 4410
    TOO_FAST = 4429
    MODEL_FAILED = 4500
    FULL = 4503


REASONS = {
    Close.BAD_MESSAGE: "a message that this server does not understand",
    Close.UNKNOWN_SESSION: "no such session; join without an id to get a new one",
    Close.IDLE: "nothing was pressed for a long time",
    Close.NOT_STARTED: "a press before a start",
    Close.TAKEN_OVER: "this session goes on over another connection",
    Close.TOO_FAST: "too many messages",
    Close.MODEL_FAILED: "the model could not make this frame",
    Close.FULL: "every place is taken; try again in 30 seconds",
}


class Closing(Exception):
    """Ends a conversation with a close code."""

    def __init__(self, code: Close) -> None:
        super().__init__(REASONS[code])
        self.code = code


@dataclass(frozen=True)
class Join:
    """The first message: take up a session, or begin a new one."""

    session: str | None = None


@dataclass(frozen=True)
class Start:
    """Start from a prompt of the world, or from the uploaded picture where `prompt` is null."""

    id: int
    prompt: int | None
    seed: int | None = None


@dataclass(frozen=True)
class Reset:
    """Start again: the same picture, the same seed."""

    id: int


@dataclass(frozen=True)
class Press:
    """One more frame, with this button held."""

    id: int
    button: int


Message = Join | Start | Reset | Press
MESSAGES: dict[str, type[Message]] = {"join": Join, "start": Start, "reset": Reset, "press": Press}


class Pace:
    """Ends a conversation with more than `per_second` messages in one second of the clock."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._second = 0
        self._count = 0

    def count(self) -> None:
        """Note one message.

        Raises:
            Closing: this second has had too many.
        """
        second = int(time.monotonic())
        self._count = self._count + 1 if second == self._second else 1
        self._second = second
        if self._count > self._per_second:
            raise Closing(Close.TOO_FAST)


def read_message(text: str | None) -> Message:
    """A message from its JSON, strictly: an unknown field or a wrong type is refused.

    Raises:
        Closing: with BAD_MESSAGE.
    """
    try:
        data = json.loads(text or "")
        message = from_dict(MESSAGES[data.pop("type")], data)
    except (InputError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Closing(Close.BAD_MESSAGE) from None
    if not isinstance(message, Join) and not 0 <= message.id <= LARGEST_ID:
        raise Closing(Close.BAD_MESSAGE)
    return message
