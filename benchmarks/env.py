"""Environment steps per second: one environment, and many in one batch.

    python benchmarks/env.py [--world coinrun] [--sizes 1 8 32] [--seconds 10] [--threads 1]

`make_vec` steps all of them as one batch; the row "one by one" is the same number of single
environments in a loop, in the same run.
"""

import argparse
import time
from collections.abc import Callable

import gymnasium
import torch

import playworld
from playworld.world import World


def pace(step: Callable[[], object], seconds: float) -> float:
    """Calls per second, after one that is not counted."""
    step()
    begun, calls = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        step()
        calls += 1
    return calls / (time.perf_counter() - begun)


def rates(world: World, size: int, seconds: float) -> tuple[float, float]:
    """Steps per second of single environments, and of `size` in a batch."""
    single = gymnasium.make("playworld/World-v0", world=world, max_episode_steps=-1)
    many = gymnasium.make_vec(
        "playworld/World-v0",
        num_envs=size,
        vectorization_mode="vector_entry_point",
        world=world,
    )
    single.reset(seed=0)
    many.reset(seed=0)
    alone = pace(lambda: single.step(single.action_space.sample()), seconds)
    together = size * pace(lambda: many.step(many.action_space.sample()), seconds)
    single.close()
    many.close()
    return alone, together


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", default="coinrun", help="a folder, or a built-in world")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--seconds", type=float, default=10.0, help="for every row")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    world = World.load(args.world)
    print(f"{world.config.name}, {args.threads} threads, playworld {playworld.__version__}")
    print("steps per second")
    print(f"{'environments':>12} {'one by one':>12} {'one batch':>12} {'ratio':>6}")
    for size in args.sizes:
        alone, together = rates(world, size, args.seconds)
        print(f"{size:12} {alone:12.1f} {together:12.1f} {together / alone:6.2f}")


if __name__ == "__main__":
    main()
