"""What is said when a request is refused: one sentence to who asked, one line in the log."""

import http
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from playworld.markup import tag
from playworld.play.metrics import Refused
from playworld.play.store.game_store import StoreFailed

logger = logging.getLogger(__name__)

SENTENCES = {
    404: "There is nothing under this address.",
    405: "This address is not asked in this way.",
}
"""For refusals that Starlette words itself."""
REASONS = {
    400: "malformed",
    404: "not_found",
    405: "method",
    408: "late",
    409: "conflict",
    413: "too_large",
    426: "no_upgrade",
    429: "busy",
    503: "unavailable",
}
"""What the metrics call a refusal by its status; those of the origin check have other reasons."""
LONGEST_SHOWN = 100
"""Characters of a foreign value that a message repeats."""
MOST_LOGGED = 100
"""Refused values that are written to the log, each once; a scanner sends any number."""


@dataclass(frozen=True)
class Foreign:
    """A Host or an Origin that is not welcome."""

    kind: str
    """The header: Host or Origin."""
    received: str
    expected: str
    name: str | None
    """The name to allow; None where allowing one would not help."""

    def to_dict(self) -> dict[str, str | None]:
        """For the page and for programs."""
        return {
            "detail": self.sentence,
            "received": clean(self.received),
            "expected": self.expected,
            "option": self.option,
        }

    @property
    def option(self) -> str | None:
        """The option that would let it in."""
        return f"--allow-hosts {clean(self.name)}" if self.name else None

    @property
    def sentence(self) -> str:
        """What was received, what was expected, and what to do."""
        what = f"The server refused this request: its {self.kind} is {clean(self.received)!r}"
        cure = f" If that name is yours, start the server with {self.option}." if self.name else ""
        return f"{what}, expected is {self.expected}.{cure}"


class Log:
    """Writes each refused value once, and only so many of them."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def note(self, foreign: Foreign) -> None:
        """Write one line, unless this value has had its own."""
        key = (foreign.kind, clean(foreign.received))
        if key in self._seen or len(self._seen) > MOST_LOGGED:
            return
        self._seen.add(key)
        if len(self._seen) > MOST_LOGGED:
            logger.warning("further refused values of Host and Origin are not logged")
        else:
            logger.warning("%s", foreign.sentence)


def clean(text: str) -> str:
    """A foreign value as it may stand in a message: printable, and not long."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in text)
    return printable if len(printable) <= LONGEST_SHOWN else printable[:LONGEST_SHOWN] + "..."


def add_refusals(app: FastAPI, refused: Refused | None = None) -> None:
    """Errors are one fixed sentence each, and never repeat what came; `refused` counts them."""
    counts = Refused() if refused is None else refused

    async def refuse(request: Request, error: Exception) -> Response:
        status, detail, headers = 400, "This request is not understood.", None
        if isinstance(error, StoreFailed):
            status, detail = 503, "The store of games does not answer. Try again soon."
        if isinstance(error, HTTPException):
            status, detail, headers = error.status_code, error.detail, error.headers
            if status == 405 and request.method == "OPTIONS":
                allowed = ", ".join([*(headers or {}).values(), "HEAD", "OPTIONS"])
                return Response(status_code=204, headers={"allow": allowed})
            if detail == http.HTTPStatus(status).phrase:  # Starlette's own
                detail = SENTENCES.get(status, detail)
        counts[REASONS.get(status, "other"), status] += 1
        return JSONResponse({"detail": detail}, status, headers)

    app.add_exception_handler(HTTPException, refuse)
    app.add_exception_handler(RequestValidationError, refuse)
    app.add_exception_handler(StoreFailed, refuse)


def page(sentence: str) -> str:
    """A refusal for somebody who opened an address: no file of the page may be loaded here."""
    scheme = tag("meta", name="color-scheme", content="light dark")
    head = tag("head", tag("title", "Playworld"), scheme)
    main = tag("main", tag("h1", "Playworld"), tag("p", sentence))
    return "<!doctype html>" + tag("html", head, tag("body", main), lang="en")


async def answer_refusal(
    status: int,
    said: Mapping[str, str | None],
    scope: Scope,
    receive: Receive,
    send: Send,
    **headers: object,
) -> None:
    """Refuse outside of the application; a WebSocket before it is accepted, in the same words."""
    kind = "http.response"
    if scope["type"] == "websocket":
        await receive()
        kind = "websocket.http.response"
        if kind not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
    asked = dict(scope["headers"]).get(b"accept", b"")
    is_page = scope.get("method") == "GET" and b"text/html" in asked
    fields = [(b"content-type", b"text/html; charset=utf-8" if is_page else b"application/json")]
    fields += [(k.replace("_", "-").encode(), str(v).encode()) for k, v in headers.items()]
    text = page(said["detail"] or "") if is_page else json.dumps(said)
    body = b"" if scope.get("method") == "HEAD" else text.encode()
    await send({"type": f"{kind}.start", "status": status, "headers": fields})
    await send({"type": f"{kind}.body", "body": body})
