"""Players on one model: sessions that press again as soon as they see their frame.

    python benchmarks/players.py                         1 to 20 sessions in the built-in world
    python benchmarks/players.py --threads 2             on two cores
    python benchmarks/players.py --slow 2                and 2 more, who press once a second
    python benchmarks/players.py --world WORLD --device cuda
    python benchmarks/players.py --heavy steps --heavy-players 4    one player among heavy ones
    python benchmarks/players.py --sockets 200 --stub-model 5 --threads 2 --rough    a crowd

Latency is from the press to the frame, without network and picture compression. The floor is what
the matrix products and convolutions of a frame alone allow, for a batch of that size on as many
threads: they are recorded from a step of the world and run again by themselves.

With --heavy, somebody holds a button in a real server, at the world's frame rate or as fast as
frames come: first alone, then while others ask for as much as they may, in turns of some seconds,
so that whatever else the machine does meets both. KIND is one of `served.HEAVY`, or `all`.

With --sockets, that many play on a real server with a stub model, and check every frame
(`crowd.py`); with --rough a quarter of them behaves badly in every other eighth of the time.
"""

import argparse
import asyncio
import contextlib
import queue
import time
from dataclasses import dataclass, field

import numpy as np
import torch
from crowd import crowd
from served import HEAVY, Player, Served, heavy, latencies, player, served
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from playworld.world import Engine, StepResult, World, WorldState
from playworld.world.traced_passes import TRACE_AFTER

SESSIONS = (1, 2, 4, 8, 16, 20)
PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "convolution", "_scaled_dot_product")


class Products(TorchDispatchMode):
    """Keeps the matrix products and convolutions that run, so that they can run again."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Run it, and keep it if it is one."""
        if func.overloadpacket.__name__.startswith(PRODUCTS):
            self.calls.append((func, args, kwargs or {}))
        return func(*args, **(kwargs or {}))

    @torch.no_grad()
    def seconds(self, device: torch.device, times: int = 5) -> float:
        """Of the fastest run of all of them."""
        taken = []
        for _ in range(times):
            begin = time.perf_counter()
            for func, args, kwargs in self.calls:
                func(*args, **kwargs)
            if device.type == "cuda":
                torch.cuda.synchronize()
            taken.append(time.perf_counter() - begin)
        return min(taken)


@dataclass
class Seen:
    """What was measured while some sessions played."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Of every frame, seconds."""
    slow: list[float] = field(default_factory=list)
    """Of those of the slow players."""


def start(engine: Engine, world: World, sessions: int) -> list[StepResult]:
    """That many sessions, from the world's own pictures in turn."""
    pictures = [picture for _, picture in world.prompts()]
    futures = [engine.start(pictures[i % len(pictures)][None], i) for i in range(sessions)]
    return [future.result() for future in futures]


def play(engine: Engine, world: World, sessions: int, slow: int, seconds: float) -> Seen:
    """Everybody presses, and again at once; slow ones press once a second."""
    seen, now = Seen(), start(engine, world, sessions + slow)
    answers: queue.SimpleQueue[tuple[int, float, StepResult]] = queue.SimpleQueue()
    pressed, next_press = [0.0] * len(now), [0.0] * slow

    def press(number: int) -> None:
        pressed[number] = time.perf_counter()
        future = engine.step(now[number].state, number % world.num_actions)
        future.add_done_callback(lambda f: answers.put((number, time.perf_counter(), f.result())))

    begin = time.perf_counter()
    for number in range(sessions):
        press(number)
    asked = sessions
    while asked:
        number, arrived, now[number] = answers.get()
        asked -= 1
        latencies = seen.latencies if number < sessions else seen.slow
        latencies.append(arrived - pressed[number])
        due = [number] if number < sessions else []
        due += [sessions + k for k in range(slow) if next_press[k] < arrived - begin]
        if arrived - begin < seconds:
            for one in due:
                if one >= sessions:
                    next_press[one - sessions] = arrived - begin + 1.0
                press(one)
            asked += len(due)
    seen.seconds = time.perf_counter() - begin
    return seen


def loop(world: World, frames: int) -> float:
    """Frames per second of one session in a loop of `World.step`, without an engine."""
    _, state = world.start(world.prompts()[0][1][None, None], [0])
    begin = 0.0
    for number in range(-2 * TRACE_AFTER, frames):  # they are traced before the measurement
        begin = time.perf_counter() if number == 0 else begin
        _, state = world.step(state, [number % world.num_actions], in_place=True)
    return frames / (time.perf_counter() - begin)


def floor(world: World, batch: int) -> tuple[float, float]:
    """Frames per second that the products allow on one thread, and their FLOPs per frame."""
    images = torch.stack([world.prompts()[0][1]] * batch)[:, None]
    state: WorldState = world.start(images, range(batch))[1]
    with FlopCounterMode(display=False) as counter:
        world.step(state, [0] * batch)
    with Products() as products:
        world.step(state, [0] * batch)
    return batch / products.seconds(world.device), counter.get_total_flops() / batch


def rows(engine: Engine) -> float:
    """Sessions that shared a pass, on average."""
    return sum(size * ticks for size, ticks in engine.ticks.items()) / engine.ticks.total()


def milliseconds(latencies: list[float]) -> str:
    """Their median, 95th and 99th percentile."""
    return " ".join(f"{1000 * q:6.0f}" for q in np.percentile(latencies, (50, 95, 99)))


async def beside(server: Served, kind: str, players: int, seconds: float, fps: float) -> None:
    """Print a line: one player alone, and with that many who ask for much."""
    async with contextlib.AsyncExitStack() as stack:
        one = await stack.enter_async_context(player(server))
        others = [await stack.enter_async_context(player(server)) for _ in range(players)]
        alone: list[float] = []
        among: list[float] = []
        for _ in range(4):
            alone += await latencies(one, seconds / 4, fps)
            tasks = [asyncio.create_task(heavy(other, kind)) for other in others]
            await asyncio.sleep(1.0)
            among += await latencies(one, seconds / 4, fps)
            await _finish(tasks, others)
    ratio = np.percentile(among, 99) / np.percentile(alone, 99)
    frames = sum(other.frames for other in others)
    print(f"{kind:>8} {players:8} {milliseconds(alone)} {milliseconds(among)} {ratio:6.2f} "
          f"{len(alone):6} {len(among):6} {frames:6}", flush=True)  # fmt: skip


async def _finish(tasks: list[asyncio.Task], others: list[Player]) -> None:
    for other in others:
        other.enough = True
    await asyncio.gather(*tasks)
    for other in others:
        other.enough = False


async def among_heavy(options: argparse.Namespace) -> None:
    """Print the table of --heavy."""
    fps = World.load(options.world).fps
    print(f"a button held at {fps:g} frames per second, {options.threads} threads\n")
    quantiles = f"{'p50':>6} {'p95':>6} {'p99':>6}"
    print(f"{'others':>17} {'alone, ms':>20} {'with them, ms':>20} {'p99':>6} {'frames':>20}")
    print(f"{'ask for':>8} {'players':>8} {quantiles} {quantiles} {'ratio':>6} "
          f"{'alone':>6} {'with':>6} {'theirs':>6}")  # fmt: skip
    for kind in HEAVY if options.heavy == "all" else (options.heavy,):
        with served(options.world, options.threads) as server:
            for players in options.heavy_players:
                await beside(server, kind, players, options.seconds, fps)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", default="coinrun", help="folder or built-in name")
    parser.add_argument("--seconds", type=float, default=10.0, help="of play per line")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch, and so workers")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--slow", type=int, default=0, help="more players, who press once a second")
    parser.add_argument("--batch", type=int, default=8, help="the engine's limit")
    parser.add_argument("--heavy", choices=(*HEAVY, "all"), help="what others ask for")
    parser.add_argument("--heavy-players", type=int, nargs="+", default=[1, 4], help="how many")
    parser.add_argument("--sockets", type=int, help="players over real sockets, on a stub model")
    parser.add_argument("--stub-model", type=float, default=5.0, help="milliseconds of a pass")
    parser.add_argument("--rough", action="store_true", help="a quarter of the sockets is rough")
    options = parser.parse_args()
    if options.sockets:
        print(f"a stub model of {options.stub_model:g} ms, {options.threads} threads, "
              f"{options.seconds:g} seconds\n")  # fmt: skip
        with served(options.world, options.threads, options.stub_model) as server:
            rough = options.sockets // 4 if options.rough else 0
            asyncio.run(crowd(server, options.sockets, rough, options.seconds))
        return
    if options.heavy:
        asyncio.run(among_heavy(options))
        return
    torch.set_num_threads(options.threads)
    world = World.load(options.world, options.device)
    tokens = world.config.tokenizer.num_tokens
    workers = options.threads if world.device.type == "cpu" else 1
    name = f"{world.config.name} on {options.device}, {options.threads} threads"
    print(f"{name}, batches of up to {options.batch}, {options.slow} slow players\n")
    rates = " ".join(f"{loop(world, 100):.1f}" for _ in range(5))
    print(f"`World.step` in a loop, five times 100 frames: {rates} frames/s\n")
    latency = f"{'p50':>6} {'p95':>6} {'p99':>6} ms"
    print(f"{'sessions':>8} {'frames/s':>8} {'each':>6} {'ratio':>6} {'batch':>6} {'tokens/s':>8} "
          f"{latency} {'floor':>8} {'GFLOP':>6} {'GFLOP/s':>8}")  # fmt: skip
    one = 0.0
    for sessions in SESSIONS:
        torch.set_num_threads(1 if workers > 1 else options.threads)
        allowed, flops = floor(world, min(options.batch, -(-sessions // workers)))
        allowed *= min(workers, sessions)
        torch.set_num_threads(options.threads)
        engine = Engine(world, options.batch)
        play(engine, world, sessions, 0, options.seconds)  # to record what comes often
        engine.ticks.clear()
        seen = play(engine, world, sessions, options.slow, options.seconds)
        engine.close()
        frames = len(seen.latencies) + len(seen.slow)
        rate = frames / seen.seconds
        one = one or rate
        print(f"{sessions:8} {rate:8.1f} {len(seen.latencies) / seen.seconds / sessions:6.1f} "
              f"{rate / one:6.2f} {rows(engine):6.1f} {rate * tokens:8.0f} "
              f"{milliseconds(seen.latencies)}    {allowed:8.1f} {flops / 1e9:6.2f} "
              f"{allowed * flops / 1e9:8.0f}", flush=True)  # fmt: skip
        if seen.slow:
            print(f"{'slow':>8} {' ' * 38} {milliseconds(seen.slow)}")


if __name__ == "__main__":
    main()
