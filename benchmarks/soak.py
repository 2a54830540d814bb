"""Memory, descriptors and threads of a server while people play: what a game takes, and what grows.

    python benchmarks/soak.py                              4 players for an hour
    python benchmarks/soak.py --minutes 5 --stub-model 20  with a stub model
    python benchmarks/soak.py --minutes 1 --every 20 --frames 6000    what a game takes

Everybody holds a button, another one every 20 frames; goes back 30 frames every 200, reconnects
every 300, and begins a new game after --frames. Growth is the slope of a line through all but the
first quarter of the time, which fills the memory of the games; it needs four lines.
"""

import argparse
import asyncio
import itertools
import json
import struct
import time

import numpy as np
from served import Served, served
from websockets.asyncio.client import ClientConnection, connect

HELD = 20
"""Frames of each button."""
WATCHED = {"MB": "megabytes", "descriptors": "descriptors", "threads": "threads"}


class Player:
    """Somebody who plays until the end, on one connection after another."""

    def __init__(self, server: Served, options: argparse.Namespace, end: float) -> None:
        self._server, self._options, self._end = server, options, end
        self._session: str | None = None
        self._ids = itertools.count(1)
        self.frames = 0

    async def play(self) -> None:
        """Play."""
        while time.monotonic() < self._end:
            async with connect(self._server.socket, max_size=None) as socket:
                await socket.send(json.dumps({"type": "join", "session": self._session}))
                self._session = json.loads(await socket.recv())["session"]
                await self._connected(socket)

    async def _connected(self, socket: ClientConnection) -> None:
        if self.frames > 0:
            await socket.recv()  # where the game was
        while time.monotonic() < self._end:
            made = self.frames % self._options.frames
            if made == 0:
                await self._ask(socket, type="start", pictures=["prompt:0"], seed=self.frames)
            elif made % 200 == 0:
                await self._ask(socket, type="go", node=made - 30)
            await self._hold(socket, self.frames // HELD % 8)
            if self.frames % 300 == 0:
                return

    async def _hold(self, socket: ClientConnection, button: int) -> None:
        id = next(self._ids)
        hold = {"type": "press", "id": id, "button": button, "fps": self._options.fps}
        await socket.send(json.dumps(hold))
        for shown in range(1, HELD + 1):
            await socket.recv()
            await socket.send(json.dumps({"type": "shown", "id": id, "frames": shown}))
        await socket.send(json.dumps({"type": "release", "id": id, "frames": HELD}))
        while not isinstance(await socket.recv(), str):
            pass
        self.frames += HELD

    async def _ask(self, socket: ClientConnection, **message: object) -> None:
        id = next(self._ids)
        await socket.send(json.dumps({"id": id, **message}))
        while struct.unpack_from("<BxxxI", await socket.recv())[1] != id:
            pass


async def main(options: argparse.Namespace) -> None:
    """Print a line from time to time, and the growth."""
    with served(options.world, options.threads, options.stub_model) as server:
        begin, before = time.monotonic(), server.megabytes
        end = begin + 60 * options.minutes
        players = [Player(server, options, end) for _ in range(options.players)]
        print(f"{options.players} players\n{'seconds':>8} {'frames':>8} {'MB':>6} {'MB/game':>8} "
              f"{'descriptors':>12} {'threads':>8}")  # fmt: skip
        lines: list[tuple[float, ...]] = []
        games = asyncio.gather(*(player.play() for player in players))
        while not games.done():
            now = tuple(getattr(server, name) for name in WATCHED.values())
            lines.append((time.monotonic() - begin, *now))
            frames = sum(player.frames for player in players)
            each = (now[0] - before) / options.players
            print(f"{lines[-1][0]:8.0f} {frames:8} {now[0]:6.0f} {each:8.0f} "
                  f"{now[1]:12} {now[2]:8}", flush=True)  # fmt: skip
            await asyncio.wait((games,), timeout=options.every)
        await games
    print_growth(np.array(lines))


def print_growth(lines: np.ndarray) -> None:
    """What the line through each figure rises in an hour."""
    settled = lines[lines[:, 0] >= lines[-1, 0] / 4]
    if len(settled) < 4:
        return
    for column, name in enumerate(WATCHED, 1):
        slope = np.polyfit(settled[:, 0], settled[:, column], 1)[0]
        print(f"{name}: {3600 * slope:+.1f} an hour")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", default="coinrun", help="folder or built-in name")
    parser.add_argument("--stub-model", type=float, help="instead, milliseconds of a stub's pass")
    parser.add_argument("--players", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two lines")
    parser.add_argument("--frames", type=int, default=500, help="of each game")
    parser.add_argument("--fps", type=float, default=10.0, help="of a held button")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch, and so workers")
    asyncio.run(main(parser.parse_args()))
