"""A shared secret for the page and the API: programs send it, browsers get a cookie for it."""

import hashlib
import hmac
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playworld.markup import tag
from playworld.play.connection_limits import address_key
from playworld.play.metrics import Refused
from playworld.play.origin_check import HEALTH, PARTS, SAFETY_HEADERS
from playworld.play.pages import document
from playworld.play.refusals import answer_refusal
from playworld.play.request_rate import RateLimiter

COOKIE_SECONDS = 30 * 24 * 3600
"""How long a browser is remembered."""
FORM_BYTES = 4096
"""The longest form that is read."""
TRIES_PER_SECOND, TRIES_AT_ONCE = 0.2, 10
"""Wrong tokens of one address: more are refused without being looked at."""
MARK = b"<!-- said -->"
WRONG = "This is not the token of this server."
ABSENT = "This server asks for a token: send it as `Authorization: Bearer TOKEN`."
TOO_OFTEN = "Too many wrong tokens came from this address. Try again in a minute."


class TokenCheck:
    """Lets in whoever has the token; the files of the page and the health checks are for all.

    A page that is opened without it becomes a form, which the browser sends to the page's own
    address; so a replay link still leads where it led.
    """

    def __init__(self, app: ASGIApp, token: str, cookie_path: str, refused: Refused) -> None:
        """Args: `cookie_path` is the root path, under which browsers send the cookie."""
        self._app = app
        self._token = token.encode()
        # Slow to compute, once: who finds a cookie cannot try out short tokens on it. Its name
        # depends on the token, as servers on other ports of a host share its cookies.
        derived = hashlib.scrypt(self._token, salt=b"playworld cookie", n=2**14, r=8, p=1).hex()
        self._cookie = f"playworld-{derived[:8]}", derived[8:]
        self._cookie_path = f"{cookie_path}/"
        self._refused = refused
        self._tries = RateLimiter(TRIES_PER_SECOND, TRIES_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 401 (429 after many wrong tokens)."""
        is_page, method = scope.get("path", "").endswith("/"), scope.get("method")
        if is_page and method == "POST":
            await self._log_in(scope, receive, send)
            return
        if scope["type"] == "lifespan" or self._is_for_all(scope) or self._has_cookie(scope):
            await self._app(scope, receive, send)
            return
        verdict = self._check(_bearer(scope), scope)
        if verdict is None:
            await self._app(scope, receive, send)
        elif is_page and method in ("GET", "HEAD"):
            await self._ask(401, "", send)
        else:
            await self._refuse(verdict, scope, receive, send)

    def _check(self, token: bytes | None, scope: Scope) -> tuple[int, str] | None:
        """Status and sentence of what is wrong with a token; None where it is the right one."""
        if token is None:
            return 401, ABSENT
        host, _ = scope.get("client") or ("", 0)
        address = address_key(host)
        if self._tries.wait(address) > 0:
            return 429, TOO_OFTEN
        if hmac.compare_digest(token, self._token):
            return None
        self._tries.count(address)
        return 401, WRONG

    async def _log_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = await _form_token(receive)
        verdict = None if self._has_cookie(scope) else self._check(token, scope)
        if verdict is not None:
            self._refused["token", verdict[0]] += 1
            await self._ask(verdict[0], WRONG if verdict[1] == ABSENT else verdict[1], send)
            return
        name, value = self._cookie
        secure = "; Secure" if scope["scheme"] == "https" else ""
        cookie = f"{name}={value}; Path={self._cookie_path}; Max-Age={COOKIE_SECONDS}"
        headers = [
            (b"location", b"./"),  # names no host: a proxy may have made another one of it
            (b"set-cookie", f"{cookie}; HttpOnly; SameSite=Strict{secure}".encode()),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _ask(self, status: int, said: str, send: Send) -> None:
        sentence = tag("p", said, class_="said", role="alert").encode() if said else b""
        policy = SAFETY_HEADERS[b"content-security-policy"]
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"www-authenticate", b"Bearer"),
            (b"referrer-policy", b"same-origin"),  # else browsers send a form with Origin: null
            (
                b"content-security-policy",
                policy.replace(b"form-action 'none'", b"form-action 'self'"),
            ),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        body = document("token.html").replace(MARK, sentence)
        await send({"type": "http.response.body", "body": body})

    async def _refuse(
        self, verdict: tuple[int, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        status, sentence = verdict
        self._refused["token", status] += 1
        bearer = {"www_authenticate": "Bearer"}
        await answer_refusal(status, {"detail": sentence}, scope, receive, send, **bearer)

    def _is_for_all(self, scope: Scope) -> bool:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        return path in HEALTH or PARTS.fullmatch(path) is not None

    def _has_cookie(self, scope: Scope) -> bool:
        name, value = self._cookie
        for header in _headers(scope, b"cookie"):
            for pair in header.split(b";"):
                key, _, given = pair.strip().partition(b"=")
                if key == name.encode() and hmac.compare_digest(given, value.encode()):
                    return True
        return False


def _headers(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


def _bearer(scope: Scope) -> bytes | None:
    for header in _headers(scope, b"authorization"):
        scheme, _, token = header.partition(b" ")
        if scheme.lower() == b"bearer":
            return token.strip()
    return None


async def _form_token(receive: Receive) -> bytes | None:
    body, more = b"", True
    while more and len(body) <= FORM_BYTES:
        try:
            message: Message = await receive()
        except HTTPException:  # more than the origin check lets through
            return None
        body += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
    fields = parse_qs(body[:FORM_BYTES].decode("latin-1"))
    return fields["token"][0].strip().encode() if "token" in fields else None
