"""Pictures of players, decoded in children: a fault or a bomb costs only itself."""

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator

import torch
from jaxtyping import UInt8
from torch import Tensor

from playworld.config import InputError
from playworld.data.video.fork_server import DecoderProcess, ForkServer, ForkServerClosed
from playworld.data.video.pictures import NOT_A_PICTURE, TOO_MUCH_WORK

LIGHT_WORK = 4_000_000
"""Pixels to go over up to which a picture is light: those never wait for heavy ones."""
LIGHT_AT_ONCE, HEAVY_AT_ONCE = 2, 2
LOOK_SECONDS = 5.0
"""How long a file may take to say how large it is."""
DECODE_SECONDS = 15.0
"""How long a picture may take once it is its turn."""
CPU_SECONDS = 8
"""Processor time of a picture; 25 million pixels take about 2."""
WAIT_SECONDS = 20.0
"""How long a picture waits for its turn."""


class Busy(Exception):
    """Too many pictures are waiting, or the server is ending."""


class Decoders:
    """Decodes pictures and fits them to the world's size, a few at a time."""

    def __init__(self, width: int, height: int, max_pixels: int) -> None:
        self._width, self._height = width, height
        request = {
            "width": width,
            "height": height,
            "max_pixels": max_pixels,
            "cpu_seconds": CPU_SECONDS,
        }
        self._request = json.dumps(request).encode()
        self._light = asyncio.Semaphore(LIGHT_AT_ONCE)
        self._heavy = asyncio.Semaphore(HEAVY_AT_ONCE)
        self._fork_server: ForkServer | None = None
        self._closed = False

    def open(self) -> None:
        """Start the process that children come from, so that the first picture need not wait."""
        if self._closed:
            raise Busy
        if self._fork_server is None:
            self._fork_server = ForkServer("playworld.data.video.picture_decoder")

    def close(self) -> None:
        """End all children; whoever waits for one gets Busy."""
        self._closed = True
        if self._fork_server is not None:
            self._fork_server.close()

    async def decode(self, data: bytes) -> UInt8[Tensor, "H W 3"]:
        """A picture at the world's size.

        Raises:
            InputError: with a fixed sentence.
            Busy: no turn within `WAIT_SECONDS`, or the server is ending.
        """
        async with self._child() as child:
            kind, content = await self._ask(child, data)
            if kind == b"W":
                turns = self._light if json.loads(content) <= LIGHT_WORK else self._heavy
                async with _turn(turns):
                    kind, content = await self._pixels(child)
            if kind == b"P":
                pixels = torch.frombuffer(bytearray(content), dtype=torch.uint8)
                return pixels.reshape(self._height, self._width, 3)
            raise InputError(content.decode())

    @contextlib.asynccontextmanager
    async def _child(self) -> AsyncIterator[DecoderProcess]:
        self.open()
        assert self._fork_server is not None
        try:
            child = await asyncio.to_thread(self._fork_server.start)
        except ForkServerClosed:
            raise Busy from None
        except RuntimeError:  # the process has died: the next picture gets another one
            self._fork_server.close()
            self._fork_server = None
            raise Busy from None
        child.socket.setblocking(False)
        try:
            yield child
        except (ConnectionError, EOFError):
            raise self._why(child) from None
        finally:
            await asyncio.shield(asyncio.to_thread(child.end))

    def _why(self, child: DecoderProcess) -> Exception:
        """What a child that said no more means."""
        if self._closed:  # it was ended with the server, whatever it says
            return Busy()
        try:
            cause = child.cause_of_death()
        except (ForkServerClosed, RuntimeError):
            return Busy()
        # A processor limit ends it with SIGXCPU or, at the hard limit, with SIGKILL.
        is_work = any(name in cause for name in ("SIGXCPU", "SIGKILL"))
        return InputError(TOO_MUCH_WORK if is_work else NOT_A_PICTURE)

    async def _ask(self, child: DecoderProcess, data: bytes) -> tuple[bytes, bytes]:
        """Hand over a file; answers its work, or why it is refused."""
        sizes = struct.pack("<II", len(self._request), len(data))
        async with _within(LOOK_SECONDS):
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(child.socket, sizes + self._request)
            await loop.sock_sendall(child.socket, data)
            return await _answer(child)

    async def _pixels(self, child: DecoderProcess) -> tuple[bytes, bytes]:
        async with _within(DECODE_SECONDS):
            await asyncio.get_running_loop().sock_sendall(child.socket, b"+")
            return await _answer(child)


@contextlib.asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise InputError(TOO_MUCH_WORK) from None


@contextlib.asynccontextmanager
async def _turn(turns: asyncio.Semaphore) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await turns.acquire()
    except TimeoutError:
        raise Busy from None
    try:
        yield
    finally:
        turns.release()


async def _answer(child: DecoderProcess) -> tuple[bytes, bytes]:
    head = await _exactly(child, 5)
    return head[:1], await _exactly(child, struct.unpack("<I", head[1:])[0])


async def _exactly(child: DecoderProcess, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = await asyncio.get_running_loop().sock_recv(child.socket, size - len(data))
        if not part:
            raise EOFError
        data += part
    return data
