"""Worlds that are loaded when somebody opens them, and again when there is a newer state."""

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from fastapi import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from playworld.config import InputError
from playworld.play.making.buttons import PLACE
from playworld.play.making.catalogue import Catalogue, Listed
from playworld.play.options import PlayOptions
from playworld.play.served import ServedWorld
from playworld.play.store.game_store import GameStore
from playworld.world import World

log = logging.getLogger(__name__)

PREFIX = "/w/"
PATH = re.compile(r"/w/([a-z0-9-]+)(/.*)?")
MOST_LOADED = 4
"""Worlds that stay loaded although nobody plays them."""
LEAVING_SECONDS = 0.3
"""How long a page that is reloaded takes to close its socket."""


class OnDemand(BaseRoute):
    """Everything under `/w/NAME/` of the worlds in a catalogue."""

    def __init__(
        self,
        catalogue: Catalogue,
        load: Callable[[str], World],
        options: PlayOptions,
        links: Sequence[str],
        places: dict[str, str],
        store: GameStore | None = None,
    ) -> None:
        """The worlds, none of them loaded.

        Args:
            catalogue: which there are.
            load: opens one by its `source`; takes seconds.
            options: those of the server.
            links: those under which other machines can open the server.
            places: pages that a world's page leads to.
            store: where games are kept, too.
        """
        self._catalogue, self._load, self._options = catalogue, load, options
        self._links, self._places, self._store = links, places, store
        self._loaded: dict[str, tuple[Listed, ServedWorld, ASGIApp]] = {}  # the newest opened last
        self._turn = asyncio.Lock()

    @property
    def served(self) -> list[ServedWorld]:
        """Those that are loaded now."""
        return [served for _, served, _ in self._loaded.values()]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the address is one of a world here."""
        path = PATH.fullmatch(_path(scope))
        if scope["type"] not in ("http", "websocket") or path is None:
            return Match.NONE, {}
        is_known = path[1] in self._loaded or self._catalogue.find(path[1]) is not None
        return (Match.FULL, {}) if is_known else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the world; load it first where that is needed."""
        path = PATH.fullmatch(_path(scope))
        assert path is not None
        try:
            # Only who opens the page gets a newer state: the rest belongs to the page that is open.
            router = await self._router(path[1], is_opened=path[2] == "/")
        except InputError as error:
            if scope["type"] == "websocket":
                await WebSocketClose()(scope, receive, send)
                return
            raise HTTPException(503, f"This world cannot be opened: {error}") from None
        await router(scope, receive, send)

    async def forget(self, name: str) -> None:
        """Close a world, as its folder is gone or will be."""
        async with self._turn:
            await self._close(name)

    async def _router(self, name: str, is_opened: bool) -> ASGIApp:
        if name in self._loaded and not is_opened:
            return self._loaded[name][2]
        async with self._turn:
            listed = await asyncio.to_thread(self._catalogue.find, name)
            found = self._loaded.get(name)
            if listed is None and found is None:
                raise HTTPException(404, "There is no such world.")
            if found is not None:
                is_newest = listed is None or listed.stamp == found[0].stamp
                if is_newest or await _is_played(found[1]):
                    self._loaded[name] = self._loaded.pop(name)
                    return found[2]
            assert listed is not None
            return await self._open(listed)

    async def _open(self, listed: Listed) -> ASGIApp:
        log.info("loading a world", extra={"fields": {"world": listed.name}})
        world = await asyncio.to_thread(self._load, listed.source)
        # One in training has no names yet, and the buttons of the world that it starts from.
        world.config = replace(world.config, buttons=listed.config.buttons)
        await self._close(listed.name)
        path = f"{PREFIX}{listed.name}"
        served = ServedWorld(listed.name, path, world, self._options, self._store)
        await served.open()
        own = [f"{link.removesuffix('/')}{path}/" for link in self._links]
        places = self._places
        if listed.is_finished:
            places = places | {"buttons": f"{self._options.root_path}{PLACE}/{listed.name}/"}
        router = served.router(own, places)
        self._loaded[listed.name] = listed, served, router
        for name in list(self._loaded)[:-MOST_LOADED]:
            if not self._loaded[name][1].is_played:
                await self._close(name)
        return router

    async def _close(self, name: str) -> None:
        found = self._loaded.pop(name, None)
        if found is not None:
            await found[1].close()


async def _is_played(served: ServedWorld) -> bool:
    if served.is_played:
        await asyncio.sleep(LEAVING_SECONDS)
    return served.is_played


def _path(scope: Scope) -> str:
    return scope["path"].removeprefix(scope.get("root_path", ""))
