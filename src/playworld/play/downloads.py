"""What is asked for over HTTP during a game: its timeline, single frames, and films of it."""

import asyncio
import threading
from weakref import WeakValueDictionary

from fastapi import APIRouter, Header, HTTPException, Query, Response
from starlette.types import Receive, Scope, Send

from playworld.config import InputError
from playworld.play.api import find
from playworld.play.film import FORMATS, MAX_SCALE, GameFilm, file_name, make
from playworld.play.games import Games
from playworld.play.sessions import Session
from playworld.play.timeline import NotOnThePath, Timeline
from playworld.world import World

FILMS_AT_ONCE = 2
"""Downloads that are written at the same time; the others wait."""
PIECE_BYTES = 2**16
"""Bytes of a download that are handed to the connection at once."""
WAIT_SECONDS = 30.0
"""How long a download waits for its turn."""


class Films:
    """Makes films of games, a few at a time, and off the event loop."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sha256 = world.sha256
        self._turns = asyncio.Semaphore(FILMS_AT_ONCE)
        self._closed = threading.Event()

    async def make(self, timeline: Timeline, path: list[int], kind: str, scale: int) -> bytes:
        """The file of the frames on a path of nodes.

        Raises:
            TimeoutError: too many others are being made.
            InputError: it would be too long.
        """
        film = self._film(timeline, path)
        async with asyncio.timeout(WAIT_SECONDS):
            await self._turns.acquire()
        try:
            return await asyncio.to_thread(make, film, FORMATS[kind], scale)
        finally:
            self._turns.release()

    def name(self, timeline: Timeline) -> str:
        """What files of this game are called, without their suffix."""
        return file_name(f"{self._world.config.name}-{timeline.seed}")

    def close(self) -> None:
        """Give up those in hand."""
        self._closed.set()

    def _film(self, timeline: Timeline, path: list[int]) -> GameFilm:
        nodes = [timeline.nodes[number] for number in path]
        pressed = nodes[1:]
        samplers = [node.sampler or self._world.config.sampler for node in pressed]
        about = {
            "game": self._world.config.name,
            "level_seed": timeline.seed,
            "options": {
                "world_sha256": self._sha256,
                "prompt": list(timeline.prompt),
                "first_frame": nodes[0].frame,
                "steps": [sampler.steps for sampler in samplers],
                "temperature": [sampler.temperature for sampler in samplers],
            },
        }
        return GameFilm(
            pngs=[node.png for node in nodes],
            buttons=[node.button for node in pressed if node.button is not None],
            labels=[button.label for button in self._world.buttons],
            width=self._world.width,
            height=self._world.height,
            fps=self._world.fps,
            title=self.name(timeline),
            about=about,
            cancelled=self._closed,
        )


class Download(Response):
    """A file that is sent in pieces, each as the one before is read; its turn ends with the last.

    So a session holds one film in memory at a time, however slowly it reads.
    """

    def __init__(self, content: bytes, turn: asyncio.Lock, name: str, media_type: str) -> None:
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        super().__init__(content, media_type=media_type, headers=headers)
        self._turn = turn

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        try:
            await send(start)
            for first in range(0, len(self.body), PIECE_BYTES):
                piece = bytes(self.body[first : first + PIECE_BYTES])
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._turn.release()


def add_game(router: APIRouter, games: Games, films: Films) -> None:
    """The timeline of a session, its frames, and its downloads."""
    turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @router.get("/api/v1/timeline")
    async def timeline(x_playworld_session: str = Header("")) -> Response:
        content = _timeline(await find(games, x_playworld_session)).to_json()
        return Response(content, media_type="application/json")

    @router.get("/api/v1/frames/{number}")
    async def frame(number: int, x_playworld_session: str = Header("")) -> Response:
        session = await find(games, x_playworld_session)
        nodes = _timeline(session).nodes
        if not 0 <= number < len(nodes):
            raise HTTPException(404, "There is no such frame.")
        await games.fill(session, [number])
        return Response(nodes[number].png, media_type="image/png")

    @router.get("/api/v1/download/{kind}")
    async def download(
        kind: str,
        first: int = Query(0, alias="from"),
        last: int | None = Query(None, alias="to"),
        scale: int = Query(4, ge=1, le=MAX_SCALE),
        x_playworld_session: str = Header(""),
    ) -> Response:
        session = await find(games, x_playworld_session)
        timeline = _timeline(session)
        if kind not in FORMATS:
            raise HTTPException(404, "There is no such format.")
        path = _path(timeline, first, last)
        turn = turns.setdefault(session.id, asyncio.Lock())
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await turn.acquire()
            try:
                await games.fill(session, path)
                content = await films.make(timeline, path, kind, 1 if kind == "zip" else scale)
            except BaseException:
                turn.release()
                raise
        except InputError as error:
            raise HTTPException(413, str(error)) from None
        except TimeoutError:
            raise HTTPException(429, "Too many downloads at once. Try again soon.") from None
        return Download(content, turn, f"{films.name(timeline)}.{kind}", FORMATS[kind].media_type)


def _timeline(session: Session) -> Timeline:
    if session.timeline is None:
        raise HTTPException(409, "This session has not started yet.")
    return session.timeline


def _path(timeline: Timeline, first: int, last: int | None) -> list[int]:
    try:
        return timeline.path(first, last)
    except IndexError:
        raise HTTPException(404, "There is no such frame.") from None
    except NotOnThePath:
        raise HTTPException(400, "The last frame does not come after the first.") from None
