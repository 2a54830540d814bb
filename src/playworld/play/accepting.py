"""Accepting connections: as many as the limits allow, also when file descriptors run out."""

import asyncio
import contextlib
import errno
import json
import logging
import socket
from collections.abc import Callable

from playworld.play.connection_limits import ConnectionLimits, Seldom, Visit

NO_RESOURCES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
RETRY_SECONDS = 0.2
BODY = json.dumps({"detail": "Too many connections. Try again in 10 seconds."}).encode()
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 10\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


async def accept(
    listener: socket.socket,
    limits: ConnectionLimits,
    protocol: Callable[[Visit], asyncio.BaseProtocol],
) -> None:
    """Accept connections until cancelled.

    asyncio's own server logs a traceback for each of up to 2,048 failed tries a second once
    descriptors run out, and starts itself again as often.
    """
    loop = asyncio.get_running_loop()
    listener.setblocking(False)
    exhausted = Seldom("cannot accept a connection: %s; so for %d tries")
    while True:
        try:
            connection, address = await loop.sock_accept(listener)
        except OSError as error:
            if error.errno in NO_RESOURCES:
                exhausted.note(error.strerror or str(error))
                limits.make_room()
                await asyncio.sleep(RETRY_SECONDS)
            else:  # such as one that was reset before it was accepted
                await asyncio.sleep(0)
            continue
        await _welcome(connection, limits.admit(address[0]), protocol)


async def _welcome(
    connection: socket.socket,
    visit: Visit | None,
    protocol: Callable[[Visit], asyncio.BaseProtocol],
) -> None:
    if visit is None:
        with connection, contextlib.suppress(OSError):
            connection.send(REFUSAL)
            connection.shutdown(socket.SHUT_WR)
        await asyncio.sleep(0)  # a flood must not keep everybody else waiting
        return
    loop = asyncio.get_running_loop()
    try:
        await loop.connect_accepted_socket(lambda: protocol(visit), connection)
    except OSError:
        connection.close()
        visit.end()


class Sparing(logging.Filter):
    """Lets each message of a logger through once a minute: anybody can send bad requests."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._next: dict[tuple[object, object], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        key = record.msg, record.exc_info and record.exc_info[0]
        if record.created < self._next.get(key, 0):
            return False
        self._next[key] = record.created + self._seconds
        return True
