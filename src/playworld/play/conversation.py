"""One player's WebSocket: requests come in, pictures go out, until one side has had enough."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import UInt8
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from torch import Tensor

from playworld.play.games import Games
from playworld.play.held import Held
from playworld.play.messages import (
    LARGEST_ID,
    REASONS,
    Answer,
    Close,
    ConnectionClosed,
    Go,
    Join,
    Message,
    MessageRateLimiter,
    Press,
    Release,
    Settings,
    Shown,
    Start,
    Stay,
    Try,
    idle,
    joined,
    picture_name,
    read_message,
)
from playworld.play.moves import Moves, here
from playworld.play.requests import GoRequest, PressRequest, Request, StartRequest, TryRequest
from playworld.play.sessions import Full, Session
from playworld.play.store.game_store import StoreFailed
from playworld.world import SamplerConfig

logger = logging.getLogger(__name__)

JOIN_SECONDS = 10.0
"""How long a new socket may take to say who it is."""
WARNING_SECONDS = 60.0
"""How long before a game is put away its player is warned."""
MESSAGES_PER_SECOND = 100
"""More than a person can press, and than the frames of a held button that are acknowledged."""


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass(frozen=True)
class ServerState:
    """What all conversations of one server share."""

    games: Games
    moves: Moves
    prompts: Sequence[UInt8[Tensor, "H W 3"]]
    """The world's own pictures to start from."""
    sampler: SamplerConfig
    """How the world draws its frames."""
    idle_seconds: float | None
    """How long a player may press nothing; None for as long as they like."""
    in_hand: set[str] = field(default_factory=set)
    """Sessions whose frame is under way."""
    open: asyncio.Event = field(default_factory=_set)
    """Cleared when the server ends: frames in hand are delivered, no other is begun."""

    async def drain(self, seconds: float) -> None:
        """Begin no frame any more, and wait for those in hand, but no longer than this."""
        self.open.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.in_hand:
                    await asyncio.sleep(0.02)


class Conversation:
    """One socket from its first message to its close."""

    def __init__(self, socket: WebSocket, server: ServerState) -> None:
        self._socket = socket
        self._server = server
        self._rate = MessageRateLimiter(MESSAGES_PER_SECOND)

    async def run(self) -> None:
        """Talk until one side has had enough."""
        await self._socket.accept()
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                first = await self._receive()
            await self._play(await self._find(first))
        except TimeoutError:
            await self._close(Close.IDLE)
        except Full:
            await self._close(Close.FULL)
        except StoreFailed:
            await self._close(Close.NO_STORE)
        except ConnectionClosed as closed:
            await self._close(closed.code)
        except WebSocketDisconnect:
            pass  # the player left; the session waits for a while

    async def _find(self, first: Message) -> Session:
        if not isinstance(first, Join):
            raise ConnectionClosed(Close.BAD_MESSAGE)
        address = self._socket.client.host if self._socket.client else None
        if first.session is None:
            return await self._server.games.create(address)
        session = await self._server.games.take(first.session, address)
        if session is None:
            raise ConnectionClosed(Close.UNKNOWN_SESSION)
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
        self._server.games.sessions.touch(session)
        timeline = session.playing
        at = None if timeline is None else timeline.at
        await self._send(joined(session.id, session.begun is not None, at))
        session.rejoin()
        if timeline is not None:
            await self._send(here(timeline, 0))

    async def _listen(self, session: Session) -> None:
        while True:
            message = await self._before_idle(session)
            self._server.games.sessions.touch(session)
            match message:
                case Settings():
                    session.sampler = self._sampler(message)
                case Shown(id, frames):
                    session.requests.acknowledge(id, frames)
                case Release(id, frames):
                    session.requests.release(id, frames)
                case Stay():
                    pass
                case _:
                    session.ask(await self._request(message, session))

    async def _before_idle(self, session: Session) -> Message:
        """The next message; who says nothing for long is warned once, then put away."""
        limit = self._server.idle_seconds
        if limit is None:
            return await self._receive()
        warning = min(WARNING_SECONDS, limit / 2)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit - warning):
                return await self._receive()
        try:
            async with asyncio.timeout(warning):
                await self._send(idle(warning))
                return await self._receive()
        except TimeoutError:
            self._server.games.sessions.drop(session)
            raise ConnectionClosed(Close.IDLE) from None

    async def _answer(self, session: Session) -> None:
        # Waiting for the send is what keeps a slow reader from filling memory: meanwhile its
        # presses replace one another.
        if session.playing is not None:  # a game that another process had lacks its states
            await self._in_hand(session, self._server.moves.catch_up(session))
        while True:
            request = await session.requests.next()
            await self._server.open.wait()
            await self._in_hand(session, self._do(session, request))

    async def _in_hand(self, session: Session, job: Coroutine[Any, Any, object]) -> None:
        self._server.in_hand.add(session.id)
        try:
            await job
        except (ConnectionClosed, WebSocketDisconnect):
            raise
        except Exception:  # one player's trouble must not become everybody's
            logger.exception("the model failed on a request")
            raise ConnectionClosed(Close.MODEL_FAILED) from None
        finally:
            self._server.in_hand.discard(session.id)

    async def _do(self, session: Session, request: Request) -> None:
        answer = await self._server.moves.answer(session, request)
        await self._server.games.save(session)
        if answer is not None:
            await self._send(answer)
            self._note(request, answer)
        if isinstance(request, GoRequest):  # so that the first press need not wait for it
            await self._server.moves.catch_up(session)

    def _note(self, request: Request, answer: Answer) -> None:
        """Count how long a press took; further frames of a held one were not waited for."""
        if isinstance(request, PressRequest) and isinstance(answer, bytes):
            if request.held.made == 1:
                self._server.moves.counts.presses.observe(time.monotonic() - request.asked)

    async def _send(self, answer: Answer) -> None:
        if isinstance(answer, bytes):
            await self._socket.send_bytes(answer)
        else:
            await self._socket.send_json(answer)

    async def _close(self, code: Close) -> None:
        self._server.moves.counts.closed[code] += 1
        if self._socket.application_state is WebSocketState.DISCONNECTED:
            return  # a frame could not be sent
        with contextlib.suppress(WebSocketDisconnect):  # gone already
            await self._socket.close(code, REASONS[code])

    async def _receive(self) -> Message:
        event = await self._socket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", 1005))
        self._rate.count()
        return read_message(event.get("text"))

    async def _request(self, message: Message, session: Session) -> Request:
        match message:
            case Start(id, names, seed):
                pictures = [await self._picture(name, session) for name in names]
                return StartRequest(id, names, torch.stack(pictures), _seed(seed))
            case Join():
                raise ConnectionClosed(Close.BAD_MESSAGE)
        if session.begun is None:
            raise ConnectionClosed(Close.NOT_STARTED)
        match message:
            case Press(id, button, fps) if 0 <= button < self._server.moves.num_actions:
                return PressRequest(id, button, session.sampler, Held(fps))
            case Go(id, node):
                return GoRequest(id, node)
            case Try(id, presses):
                return TryRequest(id, presses, session.sampler)
        raise ConnectionClosed(Close.BAD_MESSAGE)

    async def _picture(self, name: str, session: Session) -> UInt8[Tensor, "H W 3"]:
        source, number = picture_name(name)
        if source == "prompt":
            picture = dict(enumerate(self._server.prompts)).get(number)
        else:
            picture = await self._server.games.picture(session, number)
        if picture is None:
            raise ConnectionClosed(Close.BAD_MESSAGE)
        return picture

    def _sampler(self, settings: Settings) -> SamplerConfig | None:
        own = self._server.sampler
        steps = own.steps if settings.steps is None else settings.steps
        temperature = own.temperature if settings.temperature is None else settings.temperature
        chosen = replace(own, steps=steps, temperature=temperature)
        return None if chosen == own else chosen


def _seed(seed: int | None) -> int:
    return secrets.randbelow(LARGEST_ID + 1) if seed is None else seed


async def _leave_when_taken_over(connection: asyncio.Event) -> None:
    await connection.wait()
    raise ConnectionClosed(Close.TAKEN_OVER)


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
