"""Worlds on ONNX Runtime: the sizes and pictures of exports, and frames/s beside PyTorch.

    python benchmarks/onnx_runtime.py                         both built-in worlds
    python benchmarks/onnx_runtime.py --world any --seconds 4 --threads 1

First table: for each precision the size of the graphs, processor time of a frame of `OnnxWorld`
with one thread (the median, in turns), and, over 64 frames that each follow the same state of the
fp32 export, the share of equal tokens and the PSNR against its frames. Second table: `Engine` with
each engine, in turns of some seconds, so that whatever else the machine does meets both: frames/s
of all sessions, and processor time of a frame.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from players import play

from playworld.evaluate.speed import processor_name
from playworld.onnx.engine import on_onnx_runtime
from playworld.onnx.export import export_world
from playworld.onnx.layout import Precision
from playworld.onnx.player import OnnxState, OnnxWorld
from playworld.world import Engine, World

FRAMES, TURNS = 64, 3
SESSIONS = (1, 2, 8)
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8")


def states(world: OnnxWorld) -> list[tuple[OnnxState, int]]:
    """States of play from the first prompts, and the button that is pressed in each."""
    found, draw = [], np.random.default_rng(0)
    for seed, picture in enumerate(list(world.prompts().values())[:4]):
        _, state = world.start(picture, seed)
        for press in draw.integers(world.config.num_actions, size=FRAMES // 16).repeat(4):
            found.append((state, int(press)))
            _, state = world.step(state, int(press))
    return found


def compared(world: World) -> None:
    """Print the first table."""
    with tempfile.TemporaryDirectory() as folder:
        exports, sizes = {}, {}
        for precision in PRECISIONS:
            path = Path(folder) / precision
            export_world(world, path, precision)
            sizes[precision] = sum(file.stat().st_size for file in path.glob("*.onnx")) / 1e6
            exports[precision] = OnnxWorld(path)
        taken: dict[str, list[float]] = {name: [] for name in exports}
        equal: dict[str, list[float]] = {name: [] for name in exports}
        error: dict[str, list[float]] = {name: [] for name in exports}
        for moment in states(exports["fp32"]):
            made = {}
            for name, export in exports.items():
                begin = time.process_time()
                made[name] = export.step(*moment)
                taken[name].append(time.process_time() - begin)
            wanted, true = made["fp32"]
            for name, (frame, state) in made.items():
                equal[name].append(np.mean(state.tokens == true.tokens))
                error[name].append(np.mean((frame.astype(float) - wanted) ** 2))
    for name in exports:
        wrong = np.mean(error[name])
        quality = f"{10 * np.log10(255**2 / wrong):.1f}" if wrong else "equal"
        milliseconds = 1000 * statistics.median(taken[name])
        figures = f"{sizes[name]:5.1f} {milliseconds:9.1f} {100 * np.mean(equal[name]):12.2f}%"
        print(f"{world.config.name:12} {name:5} {figures} {quality:>8}", flush=True)


def raced(world: World, seconds: float, threads: int) -> None:
    """Print the second table's rows for this number of threads."""
    torch.set_num_threads(threads)
    engines = {"torch": Engine(world), "onnx": Engine(on_onnx_runtime(world))}
    for sessions in SESSIONS:
        frames, spent = dict.fromkeys(engines, 0), dict.fromkeys(engines, 0.0)
        worked = dict.fromkeys(engines, 0.0)
        for turn in range(TURNS + 1):
            for name, engine in engines.items():
                begin = time.process_time()
                seen = play(engine, world, sessions, 0, seconds)
                if turn:  # passes are traced in the first
                    worked[name] += time.process_time() - begin
                    frames[name] += len(seen.latencies)
                    spent[name] += seen.seconds
        rate = {name: frames[name] / spent[name] for name in engines}
        cost = {name: 1000 * worked[name] / frames[name] for name in engines}
        print(f"{world.config.name:12} {threads:7} {sessions:8}"
              f" {rate['torch']:9.1f} {rate['onnx']:9.1f} {rate['onnx'] / rate['torch']:6.2f}"
              f" {cost['torch']:9.1f} {cost['onnx']:8.1f} {cost['onnx'] / cost['torch']:6.2f}",
              flush=True)  # fmt: skip
    for engine in engines.values():
        engine.close()


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", nargs="+", default=["coinrun", "any"])
    parser.add_argument("--seconds", type=float, default=2.0, help="of each turn")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    asked = parser.parse_args()
    print(processor_name())
    worlds = [World.load(name) for name in asked.world]
    print(f"{'':18}    MB  ms/frame  tokens equal  PSNR dB")
    for world in worlds:
        compared(world)
    print(f"\n{'':12} threads sessions torch f/s  onnx f/s  ratio  torch ms  onnx ms  ratio")
    for world in worlds:
        for threads in asked.threads:
            raced(world, asked.seconds, threads)


if __name__ == "__main__":
    main()
