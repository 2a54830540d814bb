"""What is said over one player's WebSocket, and the close code for everything that must not be."""

import asyncio
import contextlib
import enum
import json
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import UInt8
from starlette.websockets import WebSocket, WebSocketDisconnect
from torch import Tensor

from playworld.config import InputError, from_dict
from playworld.play.sessions import Advance, Begin, Full, ModelThread, Session, Sessions

logger = logging.getLogger(__name__)

JOIN_SECONDS = 10.0
"""How long a new socket may take to say who it is."""
MESSAGES_PER_SECOND = 100
"""More than a person can press; a key held down is paced by the page."""
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


@dataclass(frozen=True)
class Room:
    """What all conversations of one server share."""

    sessions: Sessions
    model: ModelThread
    prompts: Sequence[UInt8[Tensor, "H W C"]]
    """The world's own pictures to start from."""
    num_actions: int
    """The number of buttons, A."""
    idle_seconds: float
    """How long a player may press nothing."""


class Conversation:
    """One socket from its first message to its close."""

    def __init__(self, socket: WebSocket, room: Room) -> None:
        self._socket = socket
        self._room = room
        self._pace = Pace(MESSAGES_PER_SECOND)

    async def run(self) -> None:
        """Talk until one side has had enough."""
        await self._socket.accept()
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                first = await self._receive()
            await self._play(self._find(first))
        except* TimeoutError:
            await self._close(Close.IDLE)
        except* Closing as group:
            await self._close(_first(group).code)
        except* WebSocketDisconnect:
            pass  # the player left; the session waits for a while

    def _find(self, first: Message) -> Session:
        if not isinstance(first, Join):
            raise Closing(Close.BAD_MESSAGE)
        if first.session is None:
            try:
                return self._room.sessions.create()
            except Full:
                raise Closing(Close.FULL) from None
        session = self._room.sessions.find(first.session)
        if session is None:
            raise Closing(Close.UNKNOWN_SESSION)
        return session

    async def _play(self, session: Session) -> None:
        # Nothing may be awaited between finding the session and this: it could be dropped.
        if session.connection is not None:
            session.connection.set()
        connection = session.connection = asyncio.Event()
        try:
            async with session.lock:  # until the connection that this one takes over has ended
                await self._resume(session)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._listen(session))
                    tasks.create_task(self._answer(session))
                    tasks.create_task(_leave_when_taken_over(connection))
        finally:
            if session.connection is connection:
                session.connection = None

    async def _resume(self, session: Session) -> None:
        self._room.sessions.touch(session)
        playing = session.begun is not None
        await self._socket.send_json({"type": "joined", "session": session.id, "playing": playing})
        session.rejoin()
        if playing and session.begun is session.shown:
            await self._socket.send_bytes(session.picture(0))

    async def _listen(self, session: Session) -> None:
        while True:
            try:
                async with asyncio.timeout(self._room.idle_seconds):
                    message = await self._receive()
            except TimeoutError:
                self._room.sessions.drop(session)
                raise Closing(Close.IDLE) from None
            self._room.sessions.touch(session)
            session.ask(self._request(message, session))

    async def _answer(self, session: Session) -> None:
        # Waiting for the send is what keeps a slow reader from filling memory: meanwhile its
        # presses replace one another.
        while True:
            request = await session.next_request()
            try:
                state, png = await self._room.model.answer(request, session.state)
            except Exception:  # one player's trouble must not become everybody's
                logger.exception("the model failed on %s", type(request).__name__)
                raise Closing(Close.MODEL_FAILED) from None
            await self._socket.send_bytes(session.show(request, state, png))

    async def _close(self, code: Close) -> None:
        with contextlib.suppress(WebSocketDisconnect):  # gone already
            await self._socket.close(code, REASONS[code])

    async def _receive(self) -> Message:
        event = await self._socket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", 1005))
        self._pace.count()
        return read_message(event.get("text"))

    def _request(self, message: Message, session: Session) -> Begin | Advance:
        match message:
            case Start(id, prompt, seed):
                return Begin(id, self._picture(prompt, session), _seed(seed))
            case Reset(id) if session.begun is not None:
                return Begin(id, session.begun.prompt, session.begun.seed)
            case Press(id, button) if session.begun is not None:
                if not 0 <= button < self._room.num_actions:
                    raise Closing(Close.BAD_MESSAGE)
                return Advance(id, button)
            case Join():
                raise Closing(Close.BAD_MESSAGE)
        raise Closing(Close.NOT_STARTED)

    def _picture(self, prompt: int | None, session: Session) -> UInt8[Tensor, "H W C"]:
        if prompt is None and session.upload is not None:
            return session.upload
        if prompt is None or not 0 <= prompt < len(self._room.prompts):
            raise Closing(Close.BAD_MESSAGE)
        return self._room.prompts[prompt]


class Pace:
    """Ends a conversation in which messages come faster than `per_second`, counted by the second."""

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


def _seed(seed: int | None) -> int:
    if seed is None:
        return secrets.randbits(32)
    if not 0 <= seed <= LARGEST_ID:
        raise Closing(Close.BAD_MESSAGE)
    return seed


async def _leave_when_taken_over(connection: asyncio.Event) -> None:
    await connection.wait()
    raise Closing(Close.TAKEN_OVER)


def _first(group: BaseExceptionGroup[Closing]) -> Closing:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
