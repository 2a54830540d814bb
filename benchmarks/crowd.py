"""Many sockets on a stub model, well-behaved and rough; what `players.py --sockets` runs.

A well-behaved player presses at the world's rate, each press after the frame of the one before.
Rough ones do, in turn: hold a button at 80 frames per second and read one message a second; send
messages as fast as the server admits, and then faster, until it closes the socket; break off the
connection after a few frames, without a word, and come back.
"""

import asyncio
import contextlib
import io
import itertools
import json
import struct
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numpy as np
from PIL import Image
from served import Served
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from playworld.world.stub import read

FPS = 10.0
"""Presses per second of a well-behaved player, at most."""
TURNS = 8
"""Where some are rough: in every other of these they are not."""
SETTLING = 2.0
"""Seconds before the first turn, and at the start of each, that do not count."""


@dataclass
class Seen:
    """What well-behaved players got."""

    presses: list[tuple[float, float]] = field(default_factory=list)
    """When, and seconds until the frame."""
    frames: int = 0
    """Frames that were checked, whoever got them."""
    foreign: int = 0
    """Of these, frames of another player or of another step."""

    def between(self, begin: float, end: float) -> list[float]:
        """Latencies of the presses in this time."""
        return [seconds for when, seconds in self.presses if begin <= when < end]


class Player:
    """Somebody whose seed says who they are, with one game, and a connection now and then."""

    def __init__(self, address: str, seed: int, seen: Seen) -> None:
        self._address, self._seed, self._seen = address, seed, seen
        self._session: str | None = None
        self._ids = itertools.count(1)
        self._socket: ClientConnection

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """A connection on which the game begins anew."""
        how = {"max_size": None, "compression": None, "ping_interval": None}
        async with connect(self._address, **how) as socket:
            self._socket = socket
            await socket.send(json.dumps({"type": "join", "session": self._session}))
            self._session = json.loads(await socket.recv())["session"]
            start = await self.say(type="start", pictures=["prompt:0"], seed=self._seed)
            while await self.receive() != start:
                pass
            yield

    async def say(self, **message: object) -> int:
        """Send a message; returns its id."""
        id = next(self._ids)
        await self._socket.send(json.dumps({"id": id, **message}))
        return id

    async def receive(self) -> int | None:
        """The id of the next answer; a frame must be this player's, and say which one it is."""
        answer = await self._socket.recv()
        if isinstance(answer, str):
            return None
        _, id, node, step = struct.unpack_from("<BxxxIII", answer)
        painted = read(np.asarray(Image.open(io.BytesIO(answer[16:]))))
        self._seen.frames += 1
        self._seen.foreign += painted != (self._seed, step) or step != node
        return id

    async def play(self, end: float, counts: bool) -> None:
        """Press well-behaved until then."""
        due = time.perf_counter()
        while (now := time.perf_counter()) < end:
            due = max(due + 1 / FPS, now)
            await self.say(type="press", button=0)
            await self.receive()
            if counts:
                self._seen.presses.append((now, time.perf_counter() - now))
            await asyncio.sleep(max(0.0, due - time.perf_counter()))

    async def read_slowly(self, end: float) -> None:
        """Hold a button, and read much less than comes."""
        await self.say(type="press", button=0, fps=80)
        while time.perf_counter() < end:
            await self.receive()
            await asyncio.sleep(1.0)

    async def flood(self, end: float) -> None:
        """Send 90 messages a second for a while, then too many."""
        with contextlib.suppress(ConnectionClosed):
            reading = asyncio.create_task(self._read_all())
            for number in itertools.count():
                if time.perf_counter() > end:
                    break
                await self.say(type="press", button=number % 8)
                if number < 300:
                    await asyncio.sleep(1 / 90)
            reading.cancel()

    async def _read_all(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.receive()

    async def drop(self, end: float) -> None:
        """Break off amid a frame."""
        for _ in range(3):
            await self.say(type="press", button=0)
            await self.receive()
        await self.say(type="press", button=0)
        self._socket.transport.abort()
        await asyncio.sleep(0.2)


ROUGH: tuple[Callable, ...] = (Player.read_slowly, Player.flood, Player.drop)


async def well_behaved(player: Player, end: float, counts: bool) -> None:
    """Play until the end."""
    async with player.connected():
        await player.play(end, counts)


async def rough(player: Player, way: Callable, turns: list[float]) -> None:
    """Behave well in every other turn, and badly in between; `turns` are their ends."""
    for number, end in enumerate(turns):
        if number % 2 == 0:
            await well_behaved(player, end, False)
        while time.perf_counter() < end:
            with contextlib.suppress(ConnectionClosed, OSError):
                async with player.connected():
                    await way(player, end)


async def all_rough(address: str, seeds: range, turns: list[float]) -> Seen:
    """The rough players; in a process of their own, as they would hold up the clock of others."""
    seen = Seen()
    players = [Player(address, seed, seen) for seed in seeds]
    ways = itertools.cycle(ROUGH)
    await asyncio.gather(*(rough(*one, turns) for one in zip(players, ways, strict=False)))
    return seen


def run_rough(*arguments: Any) -> Seen:
    """Run them to the end."""
    return asyncio.run(all_rough(*arguments))


async def crowd(server: Served, sockets: int, bad: int, seconds: float) -> None:
    """Print the latencies of the well-behaved: alone, and, where some are bad, among these."""
    seen, before, begin = Seen(), server.megabytes, time.perf_counter() + SETTLING
    parts = TURNS if bad else 1
    turns = [begin + seconds * (k + 1) / parts for k in range(parts)]
    good = sockets - bad
    players = [Player(server.socket, seed, seen) for seed in range(good)]
    playing = [well_behaved(player, turns[-1], True) for player in players]
    used = server.processor_seconds
    with ProcessPoolExecutor(1, get_context("spawn")) as beside:
        others = beside.submit(run_rough, server.socket, range(good, sockets), turns)
        await asyncio.gather(*playing)
        theirs = await asyncio.wrap_future(others)
    seen.frames += theirs.frames
    seen.foreign += theirs.foreign
    taken = server.megabytes - before
    every, loop = (b - a for a, b in zip(used, server.processor_seconds, strict=True))
    begins = [begin, *turns[:-1]]
    spans = [
        (a + SETTLING * (k > 0), b) for k, (a, b) in enumerate(zip(begins, turns, strict=True))
    ]
    print(f"{'':>18} {'frames/s':>8} {'p50':>6} {'p95':>6} {'p99':>6} ms")
    p99 = [_line(seen, good, name, spans[k::2]) for k, name in enumerate(("alone", "among rough"))
           if spans[k::2]]  # fmt: skip
    if bad:
        print(f"p99 among {bad} rough ones: {p99[1] / p99[0]:.2f} times")
    frames = seen.frames / sockets
    print(f"{1000 * taken / sockets:.0f} kB of memory for a player of {frames:.0f} frames")
    print(f"{1000 * every / seen.frames:.2f} ms of processor time for a frame, "
          f"{1000 * loop / seen.frames:.2f} of them in the event loop")  # fmt: skip
    print(f"{seen.frames} frames checked, {seen.foreign} of another player or step")


def _line(seen: Seen, good: int, name: str, spans: list[tuple[float, float]]) -> float:
    latencies = [one for span in spans for one in seen.between(*span)]
    rate = len(latencies) / sum(end - begin for begin, end in spans)
    quantiles = np.percentile(latencies, (50, 95, 99))
    shown = " ".join(f"{1000 * one:6.0f}" for one in quantiles)
    print(f"{good:>4} {name:>13} {rate:8.0f} {shown}", flush=True)
    return float(quantiles[2])
