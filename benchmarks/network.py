"""A button over a slow network: its frames pushed while it is held, or asked for one by one.

    python benchmarks/network.py                          a stub model of 5 ms, 10 frames per second
    python benchmarks/network.py --delays 0 75 --fps 20

Messages go through a proxy that delays them, and both ways alike. `late` is how many frames were
added to the game after the release.
"""

import argparse
import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from served import Served, served
from websockets.asyncio.client import ClientConnection, connect


@contextlib.asynccontextmanager
async def delayed(server: Served, seconds: float) -> AsyncIterator[str]:
    """The address of the server's socket behind a network of so many seconds each way."""
    port = urlsplit(server.url).port

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(2**16):
            loop.call_later(seconds, writer.write, data)
        loop.call_later(seconds, writer.close)

    async def admit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pipe(reader, outer), pipe(inner, writer), return_exceptions=True)

    async with await asyncio.start_server(admit, "127.0.0.1", 0) as proxy:
        yield f"ws://127.0.0.1:{proxy.sockets[0].getsockname()[1]}/api/v1/socket"


async def say(socket: ClientConnection, **message: object) -> None:
    """Send a message."""
    await socket.send(json.dumps(message))


async def asked(socket: ClientConnection, fps: float, seconds: float) -> float:
    """Frames per second where each press waits for the frame before, and for the clock."""
    begin, frames, due = time.perf_counter(), 0, 0.0
    while (now := time.perf_counter()) < begin + seconds:
        due = max(due + 1 / fps, now)
        await say(socket, type="press", id=2, button=1)
        await socket.recv()
        frames += 1
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
    return frames / (time.perf_counter() - begin)


async def held(socket: ClientConnection, fps: float, seconds: float) -> tuple[float, int]:
    """Frames per second of a held button, from the first frame on; frames after its release."""
    await say(socket, type="press", id=3, button=1, fps=fps)
    await socket.recv()
    begin, frames = time.perf_counter(), 1
    while time.perf_counter() < begin + seconds:
        await say(socket, type="shown", id=3, frames=frames)
        await socket.recv()
        frames += 1
    rate = (frames - 1) / (time.perf_counter() - begin)
    await say(socket, type="release", id=3, frames=frames)
    while not isinstance(answer := await socket.recv(), str):
        pass
    return rate, json.loads(answer)["frames"] - frames


async def main(options: argparse.Namespace) -> None:
    """Print the table."""
    print(f"{'ms each way':>11} {'asked, frames/s':>15} {'held, frames/s':>15} {'late':>5}")
    with served("", 1, options.stub_model) as server:
        for delay in options.delays:
            async with delayed(server, delay / 1000) as address, connect(address) as socket:
                await say(socket, type="join")
                await socket.recv()
                await say(socket, type="start", id=1, pictures=["prompt:0"], seed=1)
                await socket.recv()
                alone = await asked(socket, options.fps, options.seconds)
                rate, late = await held(socket, options.fps, options.seconds)
                print(f"{delay:11g} {alone:15.1f} {rate:15.1f} {late:5}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--delays", type=float, nargs="+", default=[0, 75, 150, 300])
    parser.add_argument("--fps", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--stub-model", type=float, default=5.0, help="milliseconds of a pass")
    asyncio.run(main(parser.parse_args()))
