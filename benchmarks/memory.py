"""Memory of a server while people play: what a game takes, and whether it stays at that.

    python benchmarks/memory.py                              4 players for 3 minutes
    python benchmarks/memory.py --players 1 --seconds 2400

Everybody presses as soon as they see their frame, and goes back 30 frames every 200.
"""

import argparse
import asyncio
import contextlib
import time

from served import Player, Served, player, served


async def play(one: Player, end: float) -> None:
    """Press until `end`."""
    while time.monotonic() < end:
        node = await one.press()
        if one.frames % 200 == 0:
            await one.ask(type="go", node=max(0, node - 30))


async def main(options: argparse.Namespace) -> None:
    """Print frames and memory from time to time."""
    with served(options.world, options.threads) as server:
        print(f"{options.players} players\n{'seconds':>8} {'frames':>8} {'MB':>6} {'MB/game':>8}")
        await watched(server, options)


async def watched(server: Served, options: argparse.Namespace) -> None:
    """Play, and print a line from time to time."""
    before, begin = server.megabytes, time.monotonic()
    end = begin + options.seconds

    def line() -> None:
        now, frames = server.megabytes, sum(one.frames for one in people)
        each = (now - before) / options.players
        print(f"{time.monotonic() - begin:8.0f} {frames:8} {now:6.0f} {each:8.0f}", flush=True)

    async with contextlib.AsyncExitStack() as stack:
        people = [await stack.enter_async_context(player(server)) for _ in range(options.players)]
        games = asyncio.gather(*(play(one, end) for one in people))
        while time.monotonic() < end:
            line()
            await asyncio.sleep(options.every)
        await games
        line()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", default="coinrun", help="folder or built-in name")
    parser.add_argument("--players", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--every", type=float, default=30.0, help="seconds between two lines")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch, and so workers")
    asyncio.run(main(parser.parse_args()))
