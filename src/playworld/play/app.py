"""The server behind the page: a few small HTTP answers, one WebSocket per player."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from importlib.resources import files

from fastapi import FastAPI, Header, HTTPException, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from playworld.config import InputError
from playworld.play.conversation import Conversation, Room
from playworld.play.guard import Guard
from playworld.play.images import read_picture
from playworld.play.options import PlayOptions
from playworld.play.sessions import Advance, Begin, ModelThread, Session, Sessions, to_png
from playworld.world import World

UPLOAD_SECONDS = 30.0
"""How long an upload may take: a body that trickles in holds a connection."""
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
}


def create_app(world: World, options: PlayOptions) -> FastAPI:
    """The whole server as an ASGI application: page, API and socket, with the guard around them."""
    prompts = list(world.prompts())
    idle_seconds = 60 * options.idle_minutes
    room = Room(
        Sessions(options.max_players, idle_seconds),
        ModelThread(world),
        tuple(picture for _, picture in prompts),
        world.num_actions,
        idle_seconds,
    )
    app = FastAPI(lifespan=_lifespan(room), docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard, listens_at=options.host, names=options.allow_hosts)
    app.add_exception_handler(RequestValidationError, _refuse_without_echo)
    app.state.ready = False
    _add_page(app)
    _add_world(app, world, prompts, options)
    _add_picture(app, world, room.sessions, options)

    @app.websocket("/api/v1/socket")
    async def play(socket: WebSocket) -> None:
        await Conversation(socket, room).run()

    return app


def _add_page(app: FastAPI) -> None:
    page = {item.name: item.read_bytes() for item in (files("playworld.play") / "page").iterdir()}

    @app.get("/")
    async def index() -> Response:
        return Response(page["index.html"], media_type=MEDIA_TYPES["html"])

    @app.get("/page/{name}")
    async def part(name: str) -> Response:
        if name not in page:
            raise HTTPException(404, "There is no such file.")
        return Response(page[name], media_type=MEDIA_TYPES[name.rsplit(".", 1)[-1]])

    @app.get("/healthz")
    async def alive() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    async def ready() -> JSONResponse:
        if app.state.ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready"}, 503)


def _add_world(app: FastAPI, world: World, prompts: list, options: PlayOptions) -> None:
    pictures = [to_png(picture) for _, picture in prompts]
    description = {
        "name": world.config.name,
        "width": world.width,
        "height": world.height,
        "fps": world.fps,
        "buttons": [{"label": button.label, "arrow": button.arrow} for button in world.buttons],
        "prompts": [
            {"name": name, "url": f"/api/v1/prompts/{i}"} for i, (name, _) in enumerate(prompts)
        ],
        "max_upload_bytes": int(1e6 * options.max_upload_mb),
    }

    @app.get("/api/v1/world")
    async def describe() -> JSONResponse:
        return JSONResponse(description)

    @app.get("/api/v1/prompts/{number}")
    async def prompt(number: int) -> Response:
        if not 0 <= number < len(pictures):
            raise HTTPException(404, "There is no such picture.")
        return Response(pictures[number], media_type="image/png")


def _add_picture(app: FastAPI, world: World, sessions: Sessions, options: PlayOptions) -> None:
    max_bytes = int(1e6 * options.max_upload_mb)
    max_pixels = int(1e6 * options.max_upload_megapixels)
    one_at_a_time = asyncio.Semaphore(1)  # each may take 4 bytes a pixel while it is decoded

    @app.post("/api/v1/picture")
    async def upload(request: Request, x_playworld_session: str = Header("")) -> Response:
        if sessions.find(x_playworld_session) is None:
            raise HTTPException(404, "There is no such session.")
        data = await _read_body(request, max_bytes)
        try:
            async with one_at_a_time:
                picture = await asyncio.to_thread(read_picture, data, max_pixels)
                prompt = await asyncio.to_thread(world.prompt, picture)
        except InputError as error:
            raise HTTPException(400, str(error)) from None
        session: Session | None = sessions.find(x_playworld_session)
        if session is None:
            raise HTTPException(404, "There is no such session.")
        session.upload = prompt
        return Response(status_code=204)


async def _read_body(request: Request, max_bytes: int) -> bytes:
    # Counted while reading: Content-Length may be missing, or a lie.
    data = bytearray()
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            async for part in request.stream():
                data += part
                if len(data) > max_bytes:
                    raise HTTPException(413, "This file is too large. Send a smaller one.")
    except ClientDisconnect:
        raise HTTPException(400, "The picture did not arrive.") from None
    except TimeoutError:
        raise HTTPException(408, "The picture took too long to arrive. Try again.") from None
    return bytes(data)


async def _refuse_without_echo(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": "This request is not understood."}, 400)


def _lifespan(room: Room) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            if room.prompts:  # the first frame ever is the slowest: no player should wait for it
                state, _ = await room.model.answer(Begin(0, room.prompts[0], 0), None)
                await room.model.answer(Advance(0, 0), state)
            app.state.ready = True
            yield
        finally:
            app.state.ready = False
            await asyncio.to_thread(room.model.close)

    return lifespan
