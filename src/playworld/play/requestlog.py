"""A line for each request and each connection of a player, and the id that all its lines share."""

import logging
import re
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playworld.play.logs import ACCESS, Asked, asked
from playworld.play.refusals import clean

log = logging.getLogger(ACCESS)

QUIET = re.compile(r".*/page/[^/]+|.*/(healthz|readyz|metrics)")
"""Paths of which only failures are logged: a page loads 50 files, and a probe asks for ever."""


class RequestLog:
    """Gives each request an id, names it to all logs until it is answered, and logs it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        peer, _ = scope.get("client") or ("", 0)
        request = Asked(scope.get("request_id") or secrets.token_hex(6), clean(peer))
        fields: dict[str, object] = {
            "method": scope.get("method", "WEBSOCKET"),
            "path": clean(scope["path"]),
        }
        began, status = time.monotonic(), 0

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                header = (b"x-request-id", request.id.encode())
                message["headers"] = [*message.get("headers", []), header]
            elif message["type"] == "websocket.accept":
                log.info("connected", extra={"fields": fields})
            elif message["type"] == "websocket.close":
                status = message.get("code", 1000)
            await send(message)

        async def receive_noted() -> Message:
            nonlocal status
            message = await receive()
            if message["type"] == "websocket.disconnect":
                status = message.get("code", 1005)
            return message

        token = asked.set(request)
        try:
            await self._app(scope, receive_noted, send_noted)
        finally:
            if not (status < 400 and QUIET.fullmatch(scope["path"])):
                fields |= {"status": status, "seconds": round(time.monotonic() - began, 3)}
                what = "disconnected" if status >= 1000 else "request"
                log.info(what, extra={"fields": fields})
            asked.reset(token)
