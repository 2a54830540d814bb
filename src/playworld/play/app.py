"""The server behind the page: a few small HTTP answers, one WebSocket per player."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from importlib.resources import files

import torch
from fastapi import FastAPI, HTTPException, Response, WebSocket
from fastapi.responses import JSONResponse

from playworld.play.api import add_world
from playworld.play.conversation import Conversation, ServerState
from playworld.play.decoding import Decoders
from playworld.play.downloads import Films, add_game
from playworld.play.guard import Guard
from playworld.play.metrics import MEDIA_TYPE, Counts, exposition
from playworld.play.moves import Moves
from playworld.play.options import PlayOptions
from playworld.play.refusals import add_refusals
from playworld.play.sessions import Sessions
from playworld.play.uploads import Uploads, add_picture
from playworld.world import Engine, World
from playworld.world.stub import engine_of

MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
}


def create_app(world: World, options: PlayOptions, links: Sequence[str] = ()) -> FastAPI:
    """The whole server as an ASGI application: page, API and socket, with the guard around them.

    `links` are those under which other machines can open the page.
    """
    prompts = list(world.prompts())
    server = ServerState(
        Sessions(options.max_players, options.idle_seconds),
        Moves(engine_of(world), world.num_actions, options.max_nodes, Counts()),
        tuple(picture for _, picture in prompts),
        world.config.sampler,
        options.idle_seconds,
    )
    films = Films(world)
    decoders = Decoders(world.width, world.height, int(1e6 * options.max_upload_megapixels))
    uploads = Uploads(decoders, options.max_players)
    warm_up = torch.zeros(1, world.height, world.width, 3, dtype=torch.uint8)

    async def drain(seconds: float) -> None:
        uploads.close()
        await asyncio.to_thread(decoders.close)
        await server.drain(seconds)

    app = FastAPI(
        lifespan=_lifespan(server.moves.engine, films, decoders, warm_up),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    refused = server.moves.counts.refused
    app.add_middleware(
        Guard,
        listens_at=options.host,
        names=options.allow_hosts,
        max_body=int(1e6 * options.max_upload_mb),
        refused=refused,
    )
    app.state.ready = False
    app.state.drain = drain
    add_refusals(app, refused)
    _add_page(app)
    _add_health(app, server)
    add_world(app, world, prompts, options, links)
    add_picture(app, server.sessions, uploads)
    add_game(app, server.sessions, films)

    @app.websocket("/api/v1/socket")
    async def play(socket: WebSocket) -> None:
        await Conversation(socket, server).run()

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


def _add_health(app: FastAPI, server: ServerState) -> None:
    @app.get("/healthz")
    async def alive() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    async def ready() -> JSONResponse:
        if app.state.ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready"}, 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        moves = server.moves
        held = server.sessions.count()
        text = exposition(moves.counts, moves.engine.ticks, *held, app.state.ready)
        return Response(text, media_type=MEDIA_TYPE)


def _lifespan(
    engine: Engine, films: Films, decoders: Decoders, prompt: torch.Tensor
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            decoders.open()
            # The first frame ever is the slowest: no player should wait for it.
            start = await asyncio.wrap_future(engine.start(prompt, 0))
            await asyncio.wrap_future(engine.step(start.state, 0))
            app.state.ready = True
            yield
        finally:
            app.state.ready = False
            films.close()
            await asyncio.to_thread(decoders.close)
            await asyncio.to_thread(engine.close)

    return lifespan
