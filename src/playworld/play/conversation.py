"""One player's WebSocket: requests come in, pictures go out, until one side has had enough."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import UInt8
from starlette.websockets import WebSocket, WebSocketDisconnect
from torch import Tensor

from playworld.play.messages import (
    LARGEST_ID,
    REASONS,
    Close,
    Closing,
    Join,
    Message,
    Pace,
    Press,
    Reset,
    Start,
    read_message,
)
from playworld.play.sessions import Advance, Begin, Full, ModelThread, Session, Sessions

logger = logging.getLogger(__name__)

JOIN_SECONDS = 10.0
"""How long a new socket may take to say who it is."""
MESSAGES_PER_SECOND = 100
"""More than a person can press; a key held down is paced by the page."""


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
        except TimeoutError:
            await self._close(Close.IDLE)
        except Closing as closing:
            await self._close(closing.code)
        except WebSocketDisconnect:
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
                await _until_one_ends(
                    self._listen(session), self._answer(session), _leave_when_taken_over(connection)
                )
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


def _seed(seed: int | None) -> int:
    if seed is None:
        return secrets.randbits(32)
    if not 0 <= seed <= LARGEST_ID:
        raise Closing(Close.BAD_MESSAGE)
    return seed


async def _leave_when_taken_over(connection: asyncio.Event) -> None:
    await connection.wait()
    raise Closing(Close.TAKEN_OVER)


async def _until_one_ends(*jobs: Coroutine[Any, Any, None]) -> None:
    # Not a TaskGroup: that cancels its own task, which others who cancel it would have to know.
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    errors = [error for task in tasks if not task.cancelled() and (error := task.exception())]
    if errors:
        raise errors[0]
