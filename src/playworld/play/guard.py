"""Who may talk to the server: an allow-list of Host and Origin, since CORS covers no WebSocket."""

import ipaddress
import json
import re
from collections import Counter
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
EVERYWHERE = frozenset({"0.0.0.0", "::"})

SAFETY_HEADERS = {
    b"content-security-policy": b"default-src 'none'; script-src 'self'; style-src 'self'; "
    b"img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}
REFUSAL = json.dumps({"detail": "This server does not answer under this address."}).encode()

HOST = re.compile(r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[^:\[\]@/]+))(?::\d{1,5})?", re.IGNORECASE)


class Guard:
    """Refuses every request with a foreign Host or Origin, and adds safety headers to the rest.

    A foreign Host is how a page elsewhere reaches a server on this machine by pointing its own
    name at 127.0.0.1 (DNS rebinding). A server that listens everywhere also answers to bare
    addresses, which cannot be rebound.
    """

    def __init__(
        self,
        app: ASGIApp,
        listens_at: str,
        names: Iterable[str],
        refused: Counter[int] | None = None,
    ) -> None:
        """Args: `refused` counts what is refused, by status; that of a WebSocket is 403, too."""
        self._app = app
        self._refused = Counter() if refused is None else refused
        self._hosts = LOOPBACK | {listens_at.lower()} | {name.lower() for name in names}
        self._any_address = listens_at in EVERYWHERE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse with 403 (a WebSocket before it is accepted)."""
        if scope["type"] == "lifespan" or self._is_welcome(scope):
            await self._app(scope, receive, _with_safety_headers(send))
            return
        self._refused[403] += 1
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-type", b"application/json"), *SAFETY_HEADERS.items()]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": REFUSAL})

    def _is_welcome(self, scope: Scope) -> bool:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return False
        # Programs send no Origin; every browser does, on each WebSocket and each upload.
        ours = {f"http://{hosts[0]}".lower(), f"https://{hosts[0]}".lower()}
        return all(origin.lower() in ours for origin in origins)

    def _is_ours(self, host: str) -> bool:
        match = HOST.fullmatch(host)
        if match is None:
            return False
        name = (match["v6"] or match["name"]).lower()
        return name in self._hosts or (self._any_address and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _with_safety_headers(send: Send) -> Send:
    async def send_safely(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *SAFETY_HEADERS.items()]
        await send(message)

    return send_safely
