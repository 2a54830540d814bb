"""Pictures that players bring: read and decoded so that no upload makes others wait."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import APIRouter, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from jaxtyping import UInt8
from starlette.requests import ClientDisconnect
from torch import Tensor

from playworld.config import InputError
from playworld.play.api import find
from playworld.play.decoding import Busy, Decoders
from playworld.play.games import Games
from playworld.play.sessions import MAX_UPLOADS, Session

UPLOAD_SECONDS = 30.0
"""How long the bytes of an upload may take, and those of its session that came before."""
PER_SESSION = 4
"""Uploads of one session in hand: one is read, the others wait with their bytes unread."""

LATE = "The picture took too long to arrive. Try again."
BUSY = "Too many pictures at once. Try again soon."
ENDING = "The server is ending."


class _Queue:
    """Uploads of one session, one after the other."""

    def __init__(self) -> None:
        self.length = 0
        self.lock = asyncio.Lock()


class Uploads:
    """Uploads in hand: each session's are read one by one, so that it only delays itself."""

    def __init__(self, decoders: Decoders, most: int) -> None:
        """Args: `most` uploads are read at the same time, each of which is kept in memory."""
        self._decoders = decoders
        self._most = most
        self._queues: dict[str, _Queue] = {}
        self._deadlines: set[asyncio.Timeout] = set()
        self._reading = 0
        self._is_closed = False

    def close(self) -> None:
        """Give up those in hand: the server ends."""
        self._is_closed = True
        for deadline in self._deadlines:
            if not deadline.expired():
                deadline.reschedule(0)

    async def take(self, session: Session, request: Request) -> UInt8[Tensor, "H W 3"]:
        """The picture in the body of a request, at the world's size.

        Raises:
            HTTPException: with 400 (no picture), 408, 413, 429 or 503.
        """
        queue = self._queues.setdefault(session.id, _Queue())
        if queue.length >= PER_SESSION:
            raise HTTPException(429, BUSY)
        queue.length += 1
        try:
            async with self._in_time():
                await queue.lock.acquire()
            try:
                return await self._read(request)
            finally:
                queue.lock.release()
        except InputError as error:
            raise HTTPException(400, str(error)) from None
        except Busy:
            raise self._busy() from None
        finally:
            queue.length -= 1
            if not queue.length:
                del self._queues[session.id]

    async def _read(self, request: Request) -> UInt8[Tensor, "H W 3"]:
        if self._reading >= self._most:  # of sessions that have been left since
            raise Busy
        self._reading += 1
        try:
            async with self._in_time():
                data = await _body(request)
            return await self._decoders.decode(data)
        finally:
            self._reading -= 1

    def _busy(self) -> HTTPException:
        return HTTPException(503, ENDING) if self._is_closed else HTTPException(429, BUSY)

    @contextlib.asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        if self._is_closed:
            raise self._busy()
        try:
            async with asyncio.timeout(UPLOAD_SECONDS) as deadline:
                self._deadlines.add(deadline)
                try:
                    yield
                finally:
                    self._deadlines.discard(deadline)
        except TimeoutError:
            if self._is_closed:
                raise self._busy() from None
            raise HTTPException(408, LATE) from None


async def _body(request: Request) -> bytes:
    try:
        return b"".join([part async for part in request.stream()])  # the origin check counts them
    except ClientDisconnect:
        raise HTTPException(400, "The picture did not arrive.") from None


def add_picture(router: APIRouter, games: Games, uploads: Uploads) -> None:
    """The upload of a picture to start from, and its end."""
    full = f"A session keeps {MAX_UPLOADS} pictures, and has them."

    @router.post("/api/v1/picture")
    async def upload(request: Request, x_playworld_session: str = Header("")) -> JSONResponse:
        session = await find(games, x_playworld_session)
        if not await games.has_room(session):
            raise HTTPException(409, full)
        frame = await uploads.take(session, request)
        session = await find(games, x_playworld_session)  # much may have happened meanwhile
        number = await games.add_picture(session, frame)
        if number is None:
            raise HTTPException(409, full)
        return JSONResponse({"picture": number})

    @router.delete("/api/v1/picture/{number}")
    async def delete(number: int, x_playworld_session: str = Header("")) -> Response:
        session = await find(games, x_playworld_session)
        if not await games.remove_picture(session, number):
            raise HTTPException(404, "There is no such picture.")
        return Response(status_code=204)
