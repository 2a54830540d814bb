"""What a proxy in front makes of requests, undone: the path, the client's address, the scheme."""

import re
from collections import Counter
from collections.abc import Container

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from playworld.play.connection_limits import Seldom, address_key
from playworld.play.metrics import Refused
from playworld.play.refusals import answer_refusal, clean

LIMITED = (
    "%s through a proxy, as --max-connections-per-address allows; %d requests were refused since "
    "this was last logged"
)
FULL = "Too many connections. Try again in 10 seconds."


def trusted(proxies: str) -> Container[str]:
    """The addresses in a list of addresses and networks with commas; "*" is all of them."""
    return ProxyHeadersMiddleware(None, proxies).trusted_hosts  # type: ignore[arg-type, return-value]


class ProxyHeaders:
    """Takes requests as their clients sent them, whatever proxies are on the way.

    The path may come with the root path or without it: some proxies strip it. Of the headers
    X-Forwarded-For, -Proto and -Host only those from a trusted proxy count. All clients of a proxy
    share its address in `ConnectionLimits`, so the limit of an address is kept here for each.
    """

    def __init__(
        self,
        app: ASGIApp,
        root_path: str,
        proxies: str,
        most_per_address: int,
        refused: Refused | None = None,
    ) -> None:
        """What stands before everything else.

        Args:
            app: what answers.
            root_path: the path under which a proxy publishes it, such as /worlds; "" for none.
            proxies: those that are trusted, as for `trusted`.
            most_per_address: requests and sockets in hand of one client of a proxy.
            refused: counts what is refused.
        """
        self._app = app
        self._refused = Refused() if refused is None else refused
        self._log = Seldom(LIMITED)
        self._root_path = root_path
        self._proxies = ProxyHeadersMiddleware(self._limited, proxies)  # type: ignore[arg-type]
        self._most = most_per_address
        self._in_hand: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what the client asked for."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope = {**scope, **self._path(scope["path"])}
        if scope["path"] == self._root_path and scope["type"] == "http":
            location = self._root_path.rpartition("/")[2] + "/"
            await RedirectResponse(location)(scope, receive, send)
            return
        host, port = scope.get("client") or ("", 0)
        host = host.removeprefix("::ffff:")  # an IPv4 address at a socket of both families
        if host not in self._proxies.trusted_hosts:
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if b"x-forwarded-host" in headers:
            scope["forwarded_host"] = headers[b"x-forwarded-host"].split(",")[0].strip()
        if re.fullmatch(r"[\w.-]{8,64}", headers.get(b"x-request-id", ""), re.ASCII):
            scope["request_id"] = headers[b"x-request-id"]
        await self._proxies({**scope, "client": (host, port)}, receive, send)  # type: ignore[arg-type]

    def _path(self, path: str) -> dict[str, str]:
        root = self._root_path
        if root and path != root and not path.startswith(f"{root}/"):
            path = root + path
        return {"root_path": root, "path": path}

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        host, _ = scope.get("client") or ("", 0)
        address = address_key(host)
        if self._in_hand[address] >= self._most:
            self._refused["address", 503] += 1
            self._log.note(f"{clean(address)} has {self._most} requests in hand")
            await answer_refusal(503, {"detail": FULL}, scope, receive, send, retry_after=10)
            return
        self._in_hand[address] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._in_hand[address] -= 1
            if not self._in_hand[address]:
                del self._in_hand[address]
