"""Listening, saying where, and ending cleanly."""

import asyncio
import errno
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence

import uvicorn
from fastapi import FastAPI

from playworld.config import InputError
from playworld.play.accepting import Sparing, accept
from playworld.play.app import create_app
from playworld.play.connection_limits import ConnectionLimits, Visit, connections_that_fit
from playworld.play.links import network_links, own_link
from playworld.play.making import Making
from playworld.play.messages import MESSAGE_BYTES
from playworld.play.options import PlayOptions
from playworld.play.protocols import HttpConnection
from playworld.play.proxy_headers import trusted
from playworld.signals import handling
from playworld.world import World

HEADER_BYTES = 16384
"""The longest request line and headers."""
DRAIN_SECONDS = 5.0
"""How long frames in hand may take once the server ends."""
BACKLOG = 1024
"""Connections that the system keeps until they are accepted."""
PORTS_TRIED = 50
"""How many ports are tried, one after another, where the first is taken."""


def serve(
    worlds: World | Sequence[World],
    options: PlayOptions,
    on_ready: Callable[[str], None] | None = None,
    ports: int = PORTS_TRIED,
    making: Making | None = None,
) -> None:
    """Serve the page until Ctrl-C (SIGINT) or SIGTERM; then finish the frames in hand and return.

    Args:
        worlds: one, or several behind a page to choose from.
        options: where to listen, whom to let in, and the limits.
        on_ready: called once, with the page's address, when the server answers.
        ports: how many ports are tried, one after another, where the first is taken.
        making: how people make worlds on the page; None where they make none.

    Raises:
        InputError: no port is free, or this machine has no such address.
    """
    with bound(options.host, options.port, ports) as listener:
        links = network_links(options.host, listener.getsockname()[1])
        most = connections_that_fit(options.max_connections)
        proxies = trusted(options.forwarded_allow_ips)
        limits = ConnectionLimits(most, options.max_connections_per_address, proxies)
        app = create_app(worlds, options, links, limits, making=making)

        async def drain() -> None:
            app.state.ready = False
            await app.state.drain(DRAIN_SECONDS)

        answer(app, listener, options.host, limits, on_ready, drain)


def answer(
    app: FastAPI,
    listener: socket.socket,
    host: str,
    limits: ConnectionLimits,
    on_ready: Callable[[str], None] | None = None,
    drain: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serve any application until Ctrl-C (SIGINT) or SIGTERM.

    Args:
        app: what answers.
        listener: what `bound` gave.
        host: the name it was given.
        limits: how many connections are held.
        on_ready: called once, with the page's address, when the server answers.
        drain: awaited before connections are closed.
    """
    config = uvicorn.Config(
        app,
        loop="asyncio",  # uvloop, which may be there too, is not tested
        log_config=None,  # logging belongs to whoever calls
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=HEADER_BYTES,
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=5,
    )
    server = _Server(config, limits, on_ready, drain, own_link(host, listener.getsockname()[1]))
    sparing = Sparing(60.0)
    log = logging.getLogger("uvicorn.error")
    log.addFilter(sparing)
    try:
        # uvicorn ends cleanly on a signal, and then raises it again for whoever had a handler
        # before. Ctrl-C is the ordinary way to stop playing, so here that is nobody.
        with handling(lambda *_: None, signal.SIGINT, signal.SIGTERM):
            server.run(sockets=[listener])
    finally:
        log.removeFilter(sparing)


class _Server(uvicorn.Server):
    """Accepts within the limits, and tells when it answers, and with which address."""

    def __init__(
        self,
        config: uvicorn.Config,
        limits: ConnectionLimits,
        on_ready: Callable[[str], None] | None,
        drain: Callable[[], Awaitable[None]] | None,
        address: str,
    ) -> None:
        super().__init__(config)
        self._limits = limits
        self._at_work: list[asyncio.Task[None]] = []
        self._on_ready = on_ready
        self._drain = drain
        self._page_address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        for listener in sockets or []:
            self._at_work += [asyncio.create_task(accept(listener, self._limits, self._connection))]
        self._at_work += [asyncio.create_task(self._limits.watch())]
        if self.started and self._on_ready is not None:
            await asyncio.to_thread(self._on_ready, self._page_address)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn closes sockets at once: first the frames that players are waiting for.
        if self._drain is not None:
            await self._drain()
        for task in self._at_work[:-1]:
            task.cancel()
        await super().shutdown(sockets)

    def _connection(self, visit: Visit) -> HttpConnection:
        return HttpConnection(
            visit,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )


def bound(host: str, port: int, ports: int = PORTS_TRIED) -> socket.socket:
    """A socket that listens at the port, or at the next free one.

    Raises:
        InputError: no port is free, or this machine has no such address.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise InputError(f"there is no address {host!r} to listen at; choose --host") from None
    last = port if port == 0 else min(port + ports - 1, 65535)
    for candidate in range(port, last + 1):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address[0], candidate, *address[2:]))
            listener.listen(BACKLOG)
            return listener
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                reason = error.strerror or error
                raise InputError(f"cannot listen at {host} port {candidate}: {reason}") from None
    which = f"port {port} at {host} is" if port == last else f"ports {port} to {last} at {host} are"
    raise InputError(f"{which} taken; choose another --port")
