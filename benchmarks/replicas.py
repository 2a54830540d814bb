"""Replicas on a Ray cluster of this machine: throughput, and what players notice when one is lost.

A player presses at the world's rate, each press after the frame of the one before, and checks that
every frame is the one that the stub model paints for their seed and that step. Who is cut off comes
back as the page does, and goes on. One replica is killed (SIGKILL), all are replaced, a second one
is started because there are more players, and ended because there are fewer.

With --world only the kill, of a real world: its frames are compared with those of one process.
"""

import argparse
import asyncio
import contextlib
import functools
import io
import itertools
import json
import os
import signal
import struct
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from served import stat_seconds
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from playworld import World
from playworld.images import QUICK, to_png
from playworld.play import PlayOptions
from playworld.play.cluster import deploy, end, start
from playworld.play.replicas import ReplicaOptions
from playworld.world.stub import StubWorld, read

FPS = 10.0
"""Presses per second of a player, at most."""
CHECKED = ("frames", "foreign", "back")
"""What players count."""


def load(name: str | None, milliseconds: float) -> list[World]:
    """What each replica loads."""
    return [StubWorld(milliseconds) if name is None else World.load(name)]


@dataclass
class Player:
    """Somebody whose seed says who they are, and what they have noticed."""

    seed: int
    presses: list[tuple[float, float]] = field(default_factory=list)
    """When each was sent, and seconds until its frame, on a connection that held."""
    resumed: list[tuple[float, float]] = field(default_factory=list)
    """When a connection was lost, and seconds until the next new frame."""
    frames: int = 0
    foreign: int = 0
    """Frames of another player or another step."""
    back: int = 0
    """Frames by which games were behind what had been seen, after a reconnection."""
    pictures: dict[int, bytes] | None = None
    """Every frame by its number, where it is to be compared later."""
    over: bool = False

    async def play(self, address: str) -> None:
        """Play until it is over, through lost connections."""
        session, node, lost, failures = None, None, None, 0
        ids = itertools.count(1)
        while not self.over:
            try:
                how = {"max_size": None, "compression": None, "ping_interval": None}
                async with connect(address, **how) as socket:
                    await socket.send(json.dumps({"type": "join", "session": session}))
                    joined = json.loads(await socket.recv())
                    session = joined["session"]
                    if joined["at"] is None:
                        await self._say(socket, next(ids), type="start", pictures=["prompt:0"])
                    at = self._check(await socket.recv())
                    self.back += max(0, (node or 0) - at)
                    node, failures = at, 0
                    while not self.over:
                        sent = time.perf_counter()
                        await self._say(socket, next(ids), type="press", button=button(node))
                        node = self._check(await socket.recv())
                        now = time.perf_counter()
                        if lost is None:
                            self.presses.append((sent, now - sent))
                        else:
                            self.resumed.append((lost, now - lost))
                            lost = None
                        await asyncio.sleep(max(0.0, sent + 1 / FPS - now))
            except (WebSocketException, OSError):
                lost = time.perf_counter() if lost is None else lost
                failures += 1
                await asyncio.sleep(min(8.0, 0.25 * 2**failures))  # as the page does (link.js)

    async def _say(self, socket, id: int, **message: object) -> None:
        seed = {"seed": self.seed} if message["type"] == "start" else {}
        await socket.send(json.dumps({"id": id, **message, **seed}))

    def _check(self, answer: bytes) -> int:
        """The number of a frame, which must be this player's."""
        _, _, node, step = struct.unpack_from("<BxxxIII", answer)
        self.frames += 1
        if self.pictures is not None:
            self.foreign += self.pictures.setdefault(node, answer[16:]) != answer[16:]
        else:
            painted = read(np.asarray(Image.open(io.BytesIO(answer[16:]))))
            self.foreign += painted != (self.seed, step) or step != node
        return node


def button(node: int) -> int:
    """What is pressed after a frame; each button is held for 8."""
    return node // 8 % 8


def differing(world: World, players: Sequence[Player]) -> int:
    """Frames that are not those of the same games in one process, all in one batch."""
    prompt = world.prompts()[0][1].expand(len(players), 1, -1, -1, -1)
    frames, state = world.start(prompt, [player.seed for player in players])
    count = 0
    for node in range(max(max(player.pictures) for player in players) + 1):
        for player, frame in zip(players, frames, strict=True):
            seen = player.pictures.get(node)
            count += seen is not None and seen != to_png(frame, QUICK)
        frames, state = world.step(state, [button(node)] * len(players))
    return count


REPLICA, PROXY, STORE = "ray::ServeReplica:playworld:", "ray::ProxyActor", "ray::SqlTable"


def processes(name: str = REPLICA) -> list[int]:
    """Those on this machine whose names begin so."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if (process / "cmdline").read_bytes().startswith(name.encode()):
                found.append(int(process.name))
    return sorted(found)


def used(name: str) -> float:
    """Processor seconds of such processes."""
    return sum(stat_seconds(Path(f"/proc/{id}/stat")) for id in processes(name))


async def until(count: int, among: Sequence[int] = ()) -> float:
    """Seconds until there are so many replicas, and none of those of before."""
    began = time.perf_counter()
    while len(now := processes()) != count or set(now) & set(among):
        await asyncio.sleep(0.1)
    return time.perf_counter() - began


@contextlib.asynccontextmanager
async def playing(address: str, players: Sequence[Player]):
    """These people play while the context lasts."""
    tasks = [asyncio.create_task(player.play(address)) for player in players]
    try:
        yield
    finally:
        for player in players:
            player.over = True
        await asyncio.gather(*tasks)


class Cluster:
    """The replicas, and how many there are to be."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        most = {"max_players": 1000, "max_connections_per_address": 1000}
        self._options = PlayOptions(port=0, store=args.store, **most)
        self._port = start(self._options, ReplicaOptions(2, 2), None)
        self.address = f"ws://127.0.0.1:{self._port}/api/v1/socket"

    async def run(self, replicas: ReplicaOptions, count: int) -> None:
        """Replace all replicas by others, and wait until there are so many of these."""
        before = processes()
        worlds = functools.partial(load, self._args.world, self._args.stub_model)
        await asyncio.to_thread(deploy, worlds, self._options, replicas, self._port)
        await until(count, before)

    def players(self, count: int | None = None) -> list[Player]:
        """So many people, who have not played yet."""
        compared = self._args.world is not None
        seeds = range(count or self._args.players)
        return [Player(seed, pictures={} if compared else None) for seed in seeds]


async def throughput(cluster: Cluster, count: int, seconds: float) -> None:
    """Print frames per second and latencies of so many players."""
    players = cluster.players(count)
    async with playing(cluster.address, players):
        await asyncio.sleep(3.0)
        began, before = time.perf_counter(), [used(name) for name in (REPLICA, PROXY, STORE)]
        await asyncio.sleep(seconds)
        until_now, after = time.perf_counter(), [used(name) for name in (REPLICA, PROXY, STORE)]
    waits = [wait for p in players for sent, wait in p.presses if began < sent < until_now]
    p50, p95, p99 = (1000 * q for q in np.percentile(waits, (50, 95, 99)))
    foreign = sum(p.foreign for p in players)
    rate = len(waits) / (until_now - began)
    each = [1000 * (b - a) / len(waits) for a, b in zip(before, after, strict=True)]
    shown = f"{len(processes()):>8} {count:>7} {rate:8.0f} {p50:6.0f} {p95:6.0f} {p99:6.0f}"
    print(f"{shown} {foreign:>8} {each[0]:8.2f} {each[1]:6.2f} {each[2]:6.2f}", flush=True)


async def event(
    name: str,
    cluster: Cluster,
    players: Sequence[Player],
    happens: Callable[[], Awaitable],
    seconds: float = 10.0,
) -> None:
    """Print what these players notice of what happens while they play, and `seconds` afterwards."""
    async with playing(cluster.address, players):
        await asyncio.sleep(5.0)
        began = time.perf_counter()
        await happens()
        await asyncio.sleep(seconds)
        took = time.perf_counter() - began
    resumed = [wait for p in players for _, wait in p.resumed] or [0.0]
    cut_off = sum(bool(p.resumed) for p in players)
    others = [wait for p in players if not p.resumed for sent, wait in p.presses if sent > began]
    noticed = f"{np.median(resumed):6.1f} {max(resumed):5.1f} {max(others, default=0.0):7.2f}"
    frames, foreign, back = (sum(getattr(p, n) for p in players) for n in CHECKED)
    seen = f"{frames:>7} {foreign:>8} {back:>5}"
    print(f"{name:<20} {len(players):>7} {cut_off:>8} {noticed} {took:8.0f} {seen}", flush=True)


async def kill() -> None:
    """The replica that is busier: Ray may have given it all players."""
    before = {id: stat_seconds(Path(f"/proc/{id}/stat")) for id in processes()}
    await asyncio.sleep(1.0)
    spent = {id: stat_seconds(Path(f"/proc/{id}/stat")) - old for id, old in before.items()}
    os.kill(max(spent, key=spent.__getitem__), signal.SIGKILL)


def print_heads() -> None:
    """Those of events."""
    print(
        f"\n{'':<20} {'players':>7} {'cut off':>8} {'s p50':>6} {'most':>5} {'others':>7} "
        f"{'seconds':>8} {'frames':>7} {'foreign':>8} {'back':>5}"
    )


async def events(cluster: Cluster, count: int) -> None:
    """Print what players notice when replicas are killed, replaced, started and ended."""
    print_heads()
    both = ReplicaOptions(2, 2)
    await event("kill -9 of 1 of 2", cluster, cluster.players(), kill, 15.0)
    await until(2)
    await event("update of 2", cluster, cluster.players(), lambda: cluster.run(both, 2))
    scaled = ReplicaOptions(1, 2, players=0.6 * count, up_seconds=1.0, down_seconds=3.0)
    await cluster.run(scaled, 1)
    await event("from 1 to 2", cluster, cluster.players(), lambda: until(2))
    await event("from 2 to 1", cluster, cluster.players(count // 2), lambda: until(1))


async def measure(cluster: Cluster, args: argparse.Namespace) -> None:
    """Print both tables."""
    if args.world is not None:
        await cluster.run(ReplicaOptions(2, 2), 2)
        print_heads()
        players = cluster.players()
        await event("kill -9 of 1 of 2", cluster, players, kill, args.seconds)
        count = sum(len(player.pictures) for player in players)
        wrong = await asyncio.to_thread(differing, World.load(args.world), players)
        print(f"{count} frames compared with one process, {wrong} differ")
        return
    heads = f"{'replicas':>8} {'players':>7} {'frames/s':>8} {'p50':>6} {'p95':>6} {'p99':>6}"
    print(f"{heads} {'foreign':>8} {'replica':>8} {'proxy':>6} {'store':>6} ms of a core a frame")
    for number in (1, 2):
        await cluster.run(ReplicaOptions(number, number), number)
        await throughput(cluster, args.crowd, args.seconds)
    await events(cluster, args.players)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, default=20, help="while something happens")
    parser.add_argument("--crowd", type=int, default=60, help="players of each throughput")
    parser.add_argument("--world", help="a real world instead of the stub model")
    parser.add_argument("--stub-model", type=float, default=5.0, metavar="MS")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each throughput")
    parser.add_argument("--store", help="a file or redis://; a Ray actor if not given")
    args = parser.parse_args()
    try:
        asyncio.run(measure(Cluster(args), args))
    finally:
        end(None)


if __name__ == "__main__":
    main()
