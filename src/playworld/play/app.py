"""The server behind the page, put together: worlds, health, metrics, and the checks around them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse

from playworld.play.connection_limits import ConnectionLimits
from playworld.play.making import Making, refuse_making
from playworld.play.metrics import MEDIA_TYPE, Refused, exposition
from playworld.play.options import PlayOptions
from playworld.play.origin_check import OriginCheck
from playworld.play.proxy_headers import ProxyHeaders
from playworld.play.refusals import add_refusals
from playworld.play.requestlog import RequestLog
from playworld.play.served import ServedWorld, names_of, slug
from playworld.play.shared_figures import SharedFigures
from playworld.play.store.game_store import GameStore, open_store
from playworld.play.token_check import TokenCheck
from playworld.play.world_list import add_list, add_lobby, all_worlds
from playworld.world import World

WORLDS = "/w/"
"""Where worlds lie, each under its name, where there is more than one."""


def create_app(
    worlds: World | Sequence[World],
    options: PlayOptions,
    links: Sequence[str] = (),
    limits: ConnectionLimits | None = None,
    store: GameStore | None = None,
    replica: str | None = None,
    making: Making | None = None,
) -> FastAPI:
    """The whole server as an ASGI application: page, API and sockets, with the checks around them.

    Args:
        worlds: one lies at the root; several lie under `/w/NAME/`, behind a page to choose from.
        options: those of the server; the limits of a game hold for each world by itself.
        links: those under which other machines can open the page.
        limits: who is connected, for the metrics.
        store: where games are kept; if not given, what the options say.
        replica: the name of this one of several that share the store, and all of whose metrics are
            asked of any.
        making: where people make worlds, whose worlds join those that are given; None where they
            make none.

    Raises:
        InputError: the token is none, or the store cannot be used.
    """
    token = options.secret()
    if store is None and options.store is not None:
        store = open_store(options.store, options.keep_seconds, 1e6 * options.max_store_mb)
    served = serve_each([worlds] if isinstance(worlds, World) else worlds, options, store)
    at_work: list[Callable[[], Coroutine[None, None, None]]] = []
    own = None if making is None else making.open(served, options, links, store)

    def every() -> list[ServedWorld]:
        return [*served, *(own.served if own else ())]

    app = FastAPI(
        lifespan=_lifespan(served, every, store, at_work),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    refused = Refused()
    _add_checks(app, options, token, refused)
    app.state.ready = False
    app.state.drain = lambda seconds: _all(world.drain(seconds) for world in every())
    _add_health(app)

    def figures() -> str:
        return exposition(
            [world.figures() for world in every()],
            app.state.ready,
            refused,
            None if limits is None else len(limits),
            None if limits is None else limits.refused,
            store,
        )

    shared = None
    if store is not None and replica is not None:
        shared = SharedFigures(figures, replica, store)
        at_work.append(shared.publish)
    _add_metrics(app, figures, shared)
    catalogue = own.catalogue if own else None
    lobby = APIRouter()
    add_list(lobby, served, catalogue, options.root_path)
    if len(served) > 1:
        add_lobby(lobby, served, catalogue)
    if own:
        lobby.include_router(all_worlds(served, own.catalogue))
        own.add(lobby, int(1e6 * options.max_upload_mb))
    else:
        refuse_making(lobby)
    app.include_router(lobby)
    places = {} if own is None else own.places
    for world in served:
        theirs = [f"{link.removesuffix('/')}{world.prefix}/" for link in links]
        app.include_router(world.router(theirs, places))
    if own:
        app.router.routes.append(own.route)
    return app


def serve_each(
    worlds: Sequence[World], options: PlayOptions, store: GameStore | None = None
) -> list[ServedWorld]:
    """Each world under its own name; the second of a name is NAME-2."""
    if len(worlds) == 1:
        return [ServedWorld(slug(worlds[0].config.name), "", worlds[0], options, store)]
    return [
        ServedWorld(name, WORLDS + name, world, options, store)
        for name, world in zip(names_of(worlds), worlds, strict=True)
    ]


def _add_checks(app: FastAPI, options: PlayOptions, token: str | None, refused: Refused) -> None:
    """What every request passes through; the last that is added is the first that it meets."""
    if token is not None:
        app.add_middleware(TokenCheck, token=token, cookie_path=options.root_path, refused=refused)
    app.add_middleware(
        OriginCheck,
        listens_at=options.host,
        names=options.allow_hosts,
        max_body=int(1e6 * options.max_upload_mb),
        refused=refused,
    )
    app.add_middleware(RequestLog)
    app.add_middleware(
        ProxyHeaders,
        root_path=options.root_path,
        proxies=options.forwarded_allow_ips,
        most_per_address=options.max_connections_per_address,
        refused=refused,
    )
    add_refusals(app, refused)


def _add_health(app: FastAPI) -> None:
    @app.get("/healthz")
    async def alive() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    async def ready() -> JSONResponse:
        if app.state.ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready"}, 503)


def _add_metrics(app: FastAPI, figures: Callable[[], str], shared: SharedFigures | None) -> None:
    @app.get("/metrics")
    async def metrics() -> Response:
        text = figures() if shared is None else await shared.read()
        return Response(text, media_type=MEDIA_TYPE)


def _lifespan(
    served: Sequence[ServedWorld],
    every: Callable[[], Sequence[ServedWorld]],
    store: GameStore | None,
    at_work: Sequence[Callable[[], Coroutine[None, None, None]]],
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tasks: list[asyncio.Task[None]] = []
        try:
            for world in served:  # one after the other: each has all cores
                await world.open()
            tasks += [asyncio.create_task(work()) for work in at_work]
            app.state.ready = True
            yield
        finally:
            app.state.ready = False
            for task in tasks:
                task.cancel()
            await _all(world.close() for world in every())
            if store is not None:
                await asyncio.to_thread(store.close)

    return lifespan


async def _all(jobs: Iterable[Coroutine[None, None, None]]) -> None:
    await asyncio.gather(*jobs)
