"""The child process that decodes one picture of a stranger: no work or memory of it is ours.

`fork_server.py` starts it in an interpreter of its own, which loads Pillow and forks a child for
each picture. The child reads a request (two lengths of 4 bytes, then JSON, then the file), answers
how much work the picture is, waits for one byte, and answers the pixels. Every answer is a kind
(1 byte), a length (4 bytes) and a payload:

    W  JSON, how many pixels the decoder goes over
    P  height x width x 3 bytes, the picture fitted to the frame (last)
    E  a sentence, why the picture is refused (last)
"""

import json
import os
import socket
import struct
from typing import Any

from PIL import Image

from playworld.config import InputError
from playworld.data.video import pictures
from playworld.data.video.fork_loop import fork_loop, limit

BASE_MEMORY_MB = 512
"""Address space of Python and Pillow, with room for the file."""
BYTES_PER_PIXEL = 24
"""Of the largest picture: turned, composed on white, converted."""
NICE = 5
"""Players' frames come first."""


def main() -> None:
    """Fork a decoder for each request."""
    Image.init()  # all its codecs, once for all children
    fork_loop(_decode)


def _decode(connection: socket.socket) -> None:
    sizes = struct.unpack("<II", _read(connection, 8))
    request, data = json.loads(_read(connection, sizes[0])), _read(connection, sizes[1])
    os.nice(NICE)
    memory_mb = BASE_MEMORY_MB + request["max_pixels"] * BYTES_PER_PIXEL // 2**20
    limit(memory_mb, request["cpu_seconds"])
    try:
        _answer(connection, request, data)
    except (InputError, MemoryError) as error:
        reason = pictures.TOO_MUCH_WORK if isinstance(error, MemoryError) else str(error)
        _send(connection, b"E", reason.encode())


def _answer(connection: socket.socket, request: dict[str, Any], data: bytes) -> None:
    max_pixels = request["max_pixels"]
    with pictures.open_picture(data, max_pixels) as opened:
        work = pictures.work(opened, data)
    if work > pictures.MAX_PASSES * max_pixels:
        raise InputError(pictures.TOO_MUCH_WORK)
    _send(connection, b"W", json.dumps(work).encode())
    if connection.recv(1):
        picture = pictures.read_picture(data, max_pixels)
        fitted = pictures.fit(picture, request["width"], request["height"])
        _send(connection, b"P", fitted.tobytes())


def _read(connection: socket.socket, length: int) -> bytes:
    return connection.recv(length, socket.MSG_WAITALL) if length else b""


def _send(connection: socket.socket, kind: bytes, content: bytes) -> None:
    connection.sendall(kind + struct.pack("<I", len(content)) + content)
