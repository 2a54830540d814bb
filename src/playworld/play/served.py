"""One world of a server: its engine, its games and their limits, and what is asked of it."""

import asyncio
import itertools
import re
from collections.abc import Mapping, Sequence

import torch
from fastapi import APIRouter, HTTPException, Request, WebSocket

from playworld.play.api import add_world
from playworld.play.connection_limits import Seldom
from playworld.play.conversation import Conversation, ServerState
from playworld.play.decoding import Decoders
from playworld.play.downloads import Films, add_game
from playworld.play.games import Games
from playworld.play.metrics import Counts, WorldFigures
from playworld.play.moves import Moves
from playworld.play.options import PlayOptions
from playworld.play.pages import add_page, add_slash
from playworld.play.sessions import Sessions
from playworld.play.store.game_store import GameStore
from playworld.play.uploads import Uploads, add_picture
from playworld.world import World
from playworld.world.stub import engine_of

NO_UPGRADE = (
    "This address is for WebSockets, and the request has no Upgrade header: a proxy on the way "
    "must pass on Upgrade and Connection, as deploy/nginx.conf does"
)


class ServedWorld:
    """A world that is served under a prefix; each has limits of its own."""

    def __init__(
        self,
        name: str,
        prefix: str,
        world: World,
        options: PlayOptions,
        store: GameStore | None = None,
    ) -> None:
        """A world and its games.

        Args:
            name: that in addresses.
            prefix: what comes before the paths of its API.
            world: the world.
            options: those of the server.
            store: where its games are kept, too.
        """
        self.name, self.prefix, self.world, self.options = name, prefix, world, options
        self.path = options.root_path + prefix
        """What comes before the paths of its API for those who ask from outside."""
        self.prompts = list(world.prompts())
        sampler = world.config.sampler
        sessions = Sessions(options.max_players, options.idle_seconds, stored=store is not None)
        self.state = ServerState(
            Games(sessions, store, world.sha256, sampler, options.snapshot_frames),
            Moves(engine_of(world), world.num_actions, options.max_nodes, Counts()),
            tuple(picture for _, picture in self.prompts),
            sampler,
            options.idle_seconds,
        )
        self._films = Films(world)
        self._decoders = Decoders(
            world.width, world.height, int(1e6 * options.max_upload_megapixels)
        )
        self._uploads = Uploads(self._decoders, options.max_players)

    def router(self, links: Sequence[str], places: Mapping[str, str] | None = None) -> APIRouter:
        """Its page, its API and its socket.

        Args:
            links: those that lead to it from other machines.
            places: other pages of the server: that of all `worlds`, the one to `make` some, and
                the one that names the `buttons` of this one.
        """
        router = APIRouter(prefix=self.prefix)
        if self.prefix:
            add_slash(router, self.name)
        add_page(router)
        add_world(router, self.world, self.prompts, self.options, self.path, links, places)
        add_picture(router, self.state.games, self._uploads)
        add_game(router, self.state.games, self._films)

        @router.websocket("/api/v1/socket")
        async def play(socket: WebSocket) -> None:
            await Conversation(socket, self.state).run()

        no_upgrade = Seldom("%s; %d such requests")

        @router.get("/api/v1/socket")
        async def no_socket(request: Request) -> None:
            if "sec-websocket-key" in request.headers:
                no_upgrade.note(NO_UPGRADE)
            raise HTTPException(426, f"{NO_UPGRADE}.", {"upgrade": "websocket"})

        return router

    @property
    def is_played(self) -> bool:
        """Whether somebody is connected."""
        return self.state.games.sessions.count()[1] > 0

    def figures(self) -> WorldFigures:
        """For the metrics."""
        moves = self.state.moves
        games = self.state.games
        kept, connected = games.sessions.count()
        return WorldFigures(
            self.name, moves.counts, moves.engine.ticks, kept, connected, games.restored
        )

    async def open(self) -> None:
        """Make the first frames ever, which are the slowest: no player should wait for them."""
        self._decoders.open()
        engine = self.state.moves.engine
        prompt = torch.zeros(1, self.world.height, self.world.width, 3, dtype=torch.uint8)
        start = await asyncio.wrap_future(engine.start(prompt, 0))
        await asyncio.wrap_future(engine.step(start.state, 0))

    async def drain(self, seconds: float) -> None:
        """Deliver the frames in hand, but begin no other, and wait no longer than this."""
        self._uploads.close()
        await asyncio.to_thread(self._decoders.close)
        await self.state.drain(seconds)

    async def close(self) -> None:
        """Give up whatever is in hand."""
        self._films.close()
        await asyncio.to_thread(self._decoders.close)
        await asyncio.to_thread(self.state.moves.engine.close)


def slug(name: str) -> str:
    """A name as it may stand in an address."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "world"


def names_of(worlds: Sequence[World]) -> list[str]:
    """The name of each in addresses; the second of a name is NAME-2."""
    names: list[str] = []
    for world in worlds:
        name = slug(world.config.name)
        number = next(n for n in itertools.count(1) if _numbered(name, n) not in names)
        names.append(_numbered(name, number))
    return names


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"
