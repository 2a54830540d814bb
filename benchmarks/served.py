"""A server in a process of its own, and people who play there; what benchmarks of it share."""

import asyncio
import contextlib
import json
import os
import random
import re
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

SERVE = """
import sys
import torch
from playworld import World
from playworld.play import PlayOptions, serve
from playworld.world.stub import StubWorld
world, threads, stub = sys.argv[1:]
torch.set_num_threads(int(threads))
options = PlayOptions(port=0, max_players=1000, max_connections_per_address=1000)
world = StubWorld(float(stub)) if stub else World.load(world)
serve(world, options, lambda url: print(url, flush=True))
"""


class Served:
    """The server."""

    def __init__(self, world: str, threads: int, stub: float | None) -> None:
        command = [sys.executable, "-c", SERVE, world, str(threads), str(stub or "")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.socket = self.url.replace("http", "ws", 1) + "api/v1/socket"

    @property
    def megabytes(self) -> float:
        """Of memory that it has."""
        return self._status("VmRSS") * 1024 / 1e6

    @property
    def threads(self) -> int:
        """That it has."""
        return self._status("Threads")

    @property
    def descriptors(self) -> int:
        """Of files and sockets that it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    @property
    def processor_seconds(self) -> tuple[float, float]:
        """That it has used: of all its threads, and of the one with the event loop."""
        id = self.process.pid
        return stat_seconds(Path(f"/proc/{id}/stat")), stat_seconds(
            Path(f"/proc/{id}/task/{id}/stat")
        )

    def _status(self, name: str) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+)", status)[1])


def stat_seconds(stat: Path) -> float:
    """That a process or a thread has used, by its `stat`."""
    user, system = stat.read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def served(world: str, threads: int, stub: float | None = None) -> Iterator[Served]:
    """A server while the context lasts; of a stub model whose passes take `stub` milliseconds."""
    server = Served(world, threads, stub)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait()


class Player:
    """One connection, with a game that has begun."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.frames = 0
        self.enough = False
        """Makes `heavy` return."""

    async def say(self, **message: object) -> None:
        """A message that gets no answer."""
        await self._socket.send(json.dumps({"id": 0, **message}))

    async def ask(self, **message: object) -> int:
        """The node that answers a message."""
        await self.say(**message)
        return struct.unpack_from("<BxxxIII", await self._socket.recv())[2]

    async def start(self, pictures: int = 1) -> None:
        """Begin anew."""
        names = [f"prompt:{k % 4}" for k in range(pictures)]
        await self.ask(type="start", pictures=names, seed=1)

    async def press(self) -> int:
        """One frame more; each button is held for 8."""
        self.frames += 1
        return await self.ask(type="press", button=self.frames // 8 % 8)


@contextlib.asynccontextmanager
async def player(server: Served) -> AsyncIterator[Player]:
    """Somebody who plays while the context lasts."""
    async with connect(server.socket, max_size=None) as socket:
        await socket.send(json.dumps({"type": "join"}))
        await socket.recv()
        one = Player(socket)
        await one.start()
        yield one


async def heavy(one: Player, kind: str) -> None:
    """Ask for as much as the protocol allows, until that was enough."""
    chance = random.Random(1)
    if kind == "steps":
        await one.say(type="settings", steps=64, temperature=None)
    while not one.enough:
        if kind == "trials":
            await one.ask(type="try", presses=4)
        elif kind == "starts":
            await one.start(pictures=16)
        elif kind == "rewinds":
            newest = await one.press()
            await one.ask(type="go", node=chance.randrange(1 + newest))
        else:
            if kind == "settings":
                temperature = chance.uniform(0, 10)
                await one.say(type="settings", steps=chance.randint(1, 64), temperature=temperature)
            await one.press()


HEAVY = ("steps", "settings", "trials", "rewinds", "starts")
"""What `heavy` knows."""


async def latencies(one: Player, seconds: float, fps: float) -> list[float]:
    """Seconds from the press to the frame of somebody who holds a button."""
    seen, end, due = [], time.perf_counter() + seconds, 0.0
    while (now := time.perf_counter()) < end:
        due = max(due + 1 / fps, now)
        await one.press()
        seen.append(time.perf_counter() - now)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
    return seen
