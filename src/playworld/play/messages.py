"""The messages of a player's WebSocket, in both directions, and its close codes."""

import enum
import json
import re
import struct
import time
from dataclasses import dataclass
from typing import Any, Literal

from playworld.config import InputError, from_dict

MESSAGE_BYTES = 4096
"""The longest message to the server."""
LARGEST_ID = 2**32 - 1
"""Request ids and seeds are unsigned 32-bit numbers."""
MAX_PICTURES = 16
"""Pictures in one prompt."""
MAX_STEPS = 64
"""MaskGIT refinements that a player may ask for."""
MAX_TEMPERATURE = 10.0
"""Sampling temperature that a player may ask for."""
MAX_PRESSES = 8
"""Presses of each button when all of them are tried."""
HELD_FPS = 0.1, 80.0
"""Range of the frames per second of a held button; each is acknowledged by a message."""


class Close(enum.IntEnum):
    """Why the server closed the socket. The page and docs/serve.md know these numbers."""

    BAD_MESSAGE = 4400
    UNKNOWN_SESSION = 4404
    IDLE = 4408
    NOT_STARTED = 4409
    TAKEN_OVER = 4410
    TOO_FAST = 4429
    MODEL_FAILED = 4500
    FULL = 4503
    NO_STORE = 4504


REASONS = {
    Close.BAD_MESSAGE: "a message that this server does not understand",
    Close.UNKNOWN_SESSION: "no such session; join without an id to get a new one",
    Close.IDLE: "nothing was pressed for a long time",
    Close.NOT_STARTED: "a press before a start",
    Close.TAKEN_OVER: "this session goes on over another connection",
    Close.TOO_FAST: "too many messages",
    Close.MODEL_FAILED: "the model could not make this frame",
    Close.FULL: "every place is taken; try again in 30 seconds",
    Close.NO_STORE: "the store of games does not answer; try again soon",
}


class ConnectionClosed(Exception):
    """Raised to end a conversation with a close code."""

    def __init__(self, code: Close) -> None:
        super().__init__(REASONS[code])
        self.code = code


@dataclass(frozen=True)
class Join:
    """The first message: take up a session, or begin a new one."""

    session: str | None = None


@dataclass(frozen=True)
class Start:
    """Start from pictures that are one prompt, oldest first: "prompt:3" or "upload:0"."""

    id: int
    pictures: tuple[str, ...]
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.pictures) <= MAX_PICTURES:
            raise ValueError(f"pictures must be 1 to {MAX_PICTURES}")
        if self.seed is not None and not 0 <= self.seed <= LARGEST_ID:
            raise ValueError("seed is out of range")


@dataclass(frozen=True)
class Press:
    """One more frame, with this button held; with `fps` one after another until its release."""

    id: int
    button: int
    fps: float | None = None

    def __post_init__(self) -> None:
        if self.fps is not None and not HELD_FPS[0] <= self.fps <= HELD_FPS[1]:
            raise ValueError("fps is out of range")


@dataclass(frozen=True)
class Shown:
    """The first `frames` frames of the held press `id` have been shown."""

    id: int
    frames: int


@dataclass(frozen=True)
class Release:
    """The held press `id` ends; its first `frames` frames had been received by then."""

    id: int
    frames: int


@dataclass(frozen=True)
class Go:
    """Go to a frame of the timeline: rewind, jump to another branch, or 0 to start again."""

    id: int
    node: int


@dataclass(frozen=True)
class Settings:
    """How frames are drawn from now on; null for the world's own way."""

    id: int
    steps: int | None
    temperature: float | None

    def __post_init__(self) -> None:
        if self.steps is not None and not 1 <= self.steps <= MAX_STEPS:
            raise ValueError("steps is out of range")
        if self.temperature is not None and not 0 <= self.temperature <= MAX_TEMPERATURE:
            raise ValueError("temperature is out of range")


@dataclass(frozen=True)
class Try:
    """Show what every button does from here, without moving."""

    id: int
    presses: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.presses <= MAX_PRESSES:
            raise ValueError("presses is out of range")


@dataclass(frozen=True)
class Stay:
    """Nothing is wanted, but somebody is there."""

    id: int


Message = Join | Start | Press | Shown | Release | Go | Settings | Try | Stay
MESSAGES: dict[str, type[Message]] = {
    "join": Join,
    "start": Start,
    "press": Press,
    "shown": Shown,
    "release": Release,
    "go": Go,
    "settings": Settings,
    "try": Try,
    "stay": Stay,
}


Answer = bytes | dict[str, Any]
"""A message to the player: a binary one, or a JSON one."""
HEADER = struct.Struct("<BxxxIII")
"""What stands before the PNG in a binary message: its kind, the request's id, the number of the
node, and of its frame since the start."""
PICTURE, SHEET = 0, 1
"""Kinds of binary messages."""


def picture(id: int, node: int, frame: int, png: bytes) -> Answer:
    """The frame where the player is, as an answer to request `id`."""
    return HEADER.pack(PICTURE, id, node, frame) + png


def sheet(id: int, node: int, frame: int, png: bytes) -> Answer:
    """What every button does from there, as an answer to request `id`."""
    return HEADER.pack(SHEET, id, node, frame) + png


def joined(session: str, playing: bool, at: int | None) -> Answer:
    """The player's session, whether a game was begun in it, and at which node it is."""
    return {"type": "joined", "session": session, "playing": playing, "at": at}


def full(id: int) -> Answer:
    """The game holds no further frame."""
    return {"type": "full", "id": id}


def released(id: int, frames: int) -> Answer:
    """The held press `id` has ended, and has made so many frames."""
    return {"type": "released", "id": id, "frames": frames}


def idle(seconds: float) -> Answer:
    """So long until the game is put away, unless something is pressed."""
    return {"type": "idle", "seconds": seconds}


class MessageRateLimiter:
    """Ends a conversation with more than `per_second` messages in one second of the clock."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._second = 0
        self._count = 0

    def count(self) -> None:
        """Note one message.

        Raises:
            ConnectionClosed: this second has had too many.
        """
        second = int(time.monotonic())
        self._count = self._count + 1 if second == self._second else 1
        self._second = second
        if self._count > self._per_second:
            raise ConnectionClosed(Close.TOO_FAST)


def read_message(text: str | None) -> Message:
    """A message from its JSON, strictly: an unknown field or a wrong type is refused.

    Raises:
        ConnectionClosed: with BAD_MESSAGE.
    """
    if text is None or len(text) > MESSAGE_BYTES:  # where a proxy has let it through
        raise ConnectionClosed(Close.BAD_MESSAGE)
    try:
        data = json.loads(text)
        message = from_dict(MESSAGES[data.pop("type")], data)
    except (InputError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ConnectionClosed(Close.BAD_MESSAGE) from None
    if not isinstance(message, Join) and not 0 <= message.id <= LARGEST_ID:
        raise ConnectionClosed(Close.BAD_MESSAGE)
    return message


def picture_name(name: str) -> tuple[Literal["prompt", "upload"], int]:
    """Where a picture comes from, and its number there: "prompt:3" is ("prompt", 3).

    Raises:
        ConnectionClosed: with BAD_MESSAGE.
    """
    match = re.fullmatch(r"(prompt|upload):([0-9]{1,6})", name)
    if match is None:
        raise ConnectionClosed(Close.BAD_MESSAGE)
    return ("prompt" if match[1] == "prompt" else "upload"), int(match[2])
