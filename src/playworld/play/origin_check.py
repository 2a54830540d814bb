"""Who may talk to the server: an allow-list of Host and Origin, since CORS covers no WebSocket."""

import re
from collections.abc import Iterable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playworld.play.connection_limits import address_key
from playworld.play.host_names import Host, allowed_name, is_address, parse_host, parse_origin
from playworld.play.links import EVERYWHERE
from playworld.play.metrics import Refused
from playworld.play.refusals import Foreign, Log, answer_refusal, clean
from playworld.play.request_rate import RateLimiter

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HEALTH = frozenset({"/healthz", "/readyz"})
"""Answered under any name: load balancers ask by address, and learn nothing else here."""

PARTS = re.compile(r"(/w/[a-z0-9-]+|/make|/worlds|/buttons/[a-z0-9-]+)?/page/[^/]+")
"""Where the files of the page lie: the same for everybody."""
MAX_BODY = 4096
TOO_LARGE = "This file is too large. Send a smaller one."

SAFETY_HEADERS = {
    b"content-security-policy": b"default-src 'none'; script-src 'self'; style-src 'self'; "
    b"img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}


class OriginCheck:
    """Refuses every request with a foreign Host or Origin, and adds safety headers to the rest.

    A foreign Host is how a page elsewhere reaches a server on this machine by pointing its own
    name at 127.0.0.1 (DNS rebinding). A server that listens everywhere also answers to bare
    addresses, which cannot be rebound. A page under a name that the operator allowed is welcome
    whatever its port, and whatever Host a proxy in between has made of it. HEAD is answered
    wherever GET is, no body is longer than allowed, and who asks too often waits.
    """

    def __init__(
        self,
        app: ASGIApp,
        listens_at: str,
        names: Iterable[str] | None,
        max_body: int = MAX_BODY,
        refused: Refused | None = None,
    ) -> None:
        """The check around an application.

        Args:
            app: what is behind it.
            listens_at: the address of the server, whose Host is welcome.
            names: what the operator allowed; None where there is no option for it.
            max_body: bytes of a request's body.
            refused: counts what is refused, WebSockets included.
        """
        self._app = app
        self._refused = Refused() if refused is None else refused
        self._allowed = frozenset(allowed_name(name) for name in names or ())
        self._can_allow = names is not None
        self._hosts = LOOPBACK | {listens_at.lower()} | self._allowed
        self._any_address = listens_at in EVERYWHERE
        self._max_body = max_body
        self._log = Log()
        self._rate = RateLimiter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse with 403 (a WebSocket before it is accepted)."""
        if scope["type"] != "lifespan":
            host, _ = scope.get("client") or ("", 0)
            await self._rate.turn(address_key(host))
        foreign = None if scope["type"] == "lifespan" else self._foreign(scope)
        if foreign is not None:
            self._refused[foreign.kind.lower(), 403] += 1
            self._log.note(foreign)
            await answer_refusal(403, foreign.to_dict(), scope, receive, _safe(send))
            return
        if scope["type"] == "http":
            receive = _counted(receive, self._max_body)
        if scope.get("method") == "HEAD":
            await self._app({**scope, "method": "GET"}, receive, _without_body(_safe(send)))
        else:
            await self._app(scope, receive, _safe(send))

    def _foreign(self, scope: Scope) -> Foreign | None:
        """What is wrong with a request; None where it is welcome."""
        hosts = _values(scope, b"host")
        origins = _values(scope, b"origin")
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        claims = [("Host", ", ".join(hosts))]
        if "forwarded_host" in scope:  # of a trusted proxy; the last one that is read counts
            claims += [("X-Forwarded-Host", scope["forwarded_host"])]
        host = None
        for kind, name in claims if origins or path not in HEALTH else []:
            host = parse_host(name)
            if host is None or not self._is_ours(host.name):
                expected = "localhost or a name that was allowed"
                return self._unwelcome(kind, name, expected, host)
        # Programs send no Origin; every browser does, on each WebSocket and each upload, and for
        # modules of the page: those must load, so that the page can say that it was refused.
        is_part = PARTS.fullmatch(path) and scope.get("method") in ("GET", "HEAD")
        for origin in [] if is_part else origins:
            parsed = parse_origin(origin)
            if parsed is None or not self._is_our_page(*parsed, host):
                scheme = "https" if scope["scheme"] in ("https", "wss") else "http"
                kind, name = claims[-1]
                expected = f"{scheme}://{clean(name)}, as in its {kind}"
                return self._unwelcome("Origin", origin, expected, parsed[1] if parsed else None)
        return None

    def _unwelcome(self, kind: str, received: str, expected: str, host: Host | None) -> Foreign:
        name = host.name if host is not None and self._can_allow else None
        return Foreign(kind, received, expected, name)

    def _is_ours(self, name: str) -> bool:
        return name in self._hosts or (self._any_address and is_address(name))

    def _is_our_page(self, scheme: str, origin: Host, host: Host | None) -> bool:
        if origin.name in self._allowed:
            return True
        return host is not None and origin.at(scheme) == host.at(scheme)


def _values(scope: Scope, header: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == header]


def _safe(send: Send) -> Send:
    async def send_safely(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            own = {name.lower() for name, _ in message.get("headers", [])}
            more = [(name, value) for name, value in SAFETY_HEADERS.items() if name not in own]
            message["headers"] = [*message.get("headers", []), *more]
        await send(message)

    return send_safely


def _counted(receive: Receive, max_body: int) -> Receive:
    # Counted while reading: Content-Length may be missing, or a lie.
    left = max_body

    async def receive_some() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413, TOO_LARGE)
        return message

    return receive_some


def _without_body(send: Send) -> Send:
    async def send_headers(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_headers
