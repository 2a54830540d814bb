"""What a stranger may send to a server, in small: raw sockets to a server on this machine."""

import json
import os
import socket
import struct
import time
from contextlib import ExitStack, contextmanager
from urllib.request import Request, urlopen

from websockets.sync.client import connect

HEADERS = "Host: localhost\r\n"
HANDSHAKE = (
    "GET /api/v1/socket HTTP/1.1\r\nHost: localhost\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
PING, PONG, TEXT, CONTINUATION = 9, 10, 1, 0


def dial(port: int, said: str | bytes = b"", source: str = "127.0.0.1") -> socket.socket:
    """A connection that has said this much."""
    line = socket.create_connection(("127.0.0.1", port), 10, (source, 0))
    line.sendall(said.encode() if isinstance(said, str) else said)
    return line


@contextmanager
def many(count: int, port: int, said: str | bytes = b"", source: str = "127.0.0.1"):
    """So many of them, as far as the server lets them in."""
    with ExitStack() as stack:
        yield [stack.enter_context(dial(port, said, source)) for _ in range(count)]


def health(port: int, source: str = "127.0.0.1") -> float:
    """Seconds until /healthz answers."""
    began = time.monotonic()
    request = f"GET /healthz HTTP/1.1\r\n{HEADERS}Connection: close\r\n\r\n"
    with dial(port, request, source) as line:
        assert everything(line).startswith(b"HTTP/1.1 200")
    return time.monotonic() - began


def everything(line: socket.socket, seconds: float = 10) -> bytes:
    """What comes until the other side closes."""
    line.settimeout(seconds)
    said = b""
    try:
        while part := line.recv(65536):
            said += part
    except ConnectionResetError:
        pass
    return said


def is_closed(line: socket.socket, seconds: float) -> bool:
    """Whether the other side ends the connection within this time."""
    try:
        everything(line, seconds)
    except TimeoutError:
        return False
    return True


def frame(opcode: int, content: bytes = b"", last: bool = True) -> bytes:
    """A WebSocket frame as a client sends it."""
    assert len(content) < 126
    mask = b"\0\0\0\0"
    return struct.pack("BB", opcode | (0x80 if last else 0), 0x80 | len(content)) + mask + content


def upgraded(port: int, source: str = "127.0.0.1") -> socket.socket:
    """A WebSocket that has said nothing yet."""
    line = dial(port, HANDSHAKE, source)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += line.recv(1)
    assert answer.startswith(b"HTTP/1.1 101"), answer
    return line


@contextmanager
def session(url: str):
    """The id of a session whose player is connected."""
    with connect(url.replace("http", "ws", 1) + "api/v1/socket") as line:
        line.send(json.dumps({"type": "join"}))
        yield json.loads(line.recv(timeout=10))["session"]


def upload(url: str, id: str, content: bytes) -> tuple[int, dict, float]:
    """Status, answer and seconds of an upload."""
    from urllib.error import HTTPError

    began = time.monotonic()
    request = Request(url + "api/v1/picture", content, {"X-Playworld-Session": id})
    try:
        with urlopen(request, timeout=60) as answer:
            status, said = answer.status, json.load(answer)
    except HTTPError as error:
        status, said = error.code, json.load(error)
    return status, said, time.monotonic() - began


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
