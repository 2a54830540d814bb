"""Seconds per frame of play at 1 to 25 refinements, in several ways, beside the floor.

    python benchmarks/sample.py                                small, comparison, coinrun-paper
    python benchmarks/sample.py --preset small --seconds 5 --threads 1 --shared
    python benchmarks/sample.py --device cuda --preset genie-811m
    python benchmarks/sample.py --floors                       every preset by arithmetic alone

One player, random weights, from the press to the RGB frame; fp32 on a CPU, `World.half` on CUDA.
Ways: `cached` is what `playworld play` does (`--half` on CUDA); `full window` recomputes all 16
frames at every refinement; `int8` has dynamically quantised linear layers (CPU); `compiled` is
torch.compile, which on CUDA captures a CUDA graph. The floor is S + 1 passes of the dynamics and
one of the tokenizer's decoder, each the longer of its operations over the matrix peak and its bytes
(weights and cached keys and values, once) over the memory's speed, both measured in this run, or
given for `--floors`. `--shared` counts processor time over threads in place of the clock.
"""

import argparse
import signal
import statistics
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from train_step import comparison, finished, matrix_peak, now

from playworld.evaluate.speed import processor_name
from playworld.models.actions import LatentActionModel
from playworld.models.dynamics import Dynamics
from playworld.models.flops import (
    cache_numbers,
    on_meta,
    parameters,
    refinement_flops,
    rendering_flops,
)
from playworld.models.st_transformer import STTransformer
from playworld.models.tokenizer import VideoTokenizer
from playworld.presets import PRESETS, preset
from playworld.train.recipe import Recipe
from playworld.world.folder import WorldConfig
from playworld.world.maskgit import decode_frame, frame_noise
from playworld.world.sampler_config import SamplerConfig
from playworld.world.world import World

STEPS = (1, 2, 4, 8, 25)
Play = Callable[[SamplerConfig], object]
"""Make one frame."""


def make_world(recipe: Recipe, device: torch.device) -> World:
    """A world of random weights."""
    torch.manual_seed(0)
    config = WorldConfig(
        recipe.name, 10.0, recipe.tokenizer, recipe.actions, recipe.dynamics, recipe.sampler
    )
    with device:
        models = VideoTokenizer(recipe.tokenizer), LatentActionModel(recipe.actions)
        dynamics = Dynamics(recipe.dynamics)
    world = World(config, *(m.eval() for m in models), dynamics.eval())
    return world.half() if device.type == "cuda" else world


def prompt(world: World) -> Tensor:
    """One player's picture."""
    size = (1, 1, world.height, world.width, 3)
    return torch.randint(256, size, dtype=torch.uint8)


def cached(world: World) -> Play:
    """Each refinement computes the new frame only, against cached keys and values."""
    _, state = world.start(prompt(world), [0])

    def play(sampler: SamplerConfig) -> None:
        nonlocal state
        frame, state = world.step(state, [0], sampler)
        frame.cpu()

    return play


def full_window(world: World) -> Play:
    """Each refinement computes every frame of the window anew, and so does the decoder."""
    window, N = world.config.dynamics.transformer.window, world.config.dynamics.num_tokens
    K, decoder = world.config.dynamics.num_codes, world.config.tokenizer.decoder
    patch = world.config.tokenizer.patch
    past = torch.randint(K, (1, window, N), device=world.device)
    hidden = torch.zeros(1, window, N, dtype=torch.bool, device=world.device)
    zeros = torch.zeros(1, window - 1, dtype=torch.long, device=world.device)
    actions = world.actions.embed(zeros)

    @torch.no_grad()
    def play(sampler: SamplerConfig) -> None:
        def predict(tokens: Tensor, unknown: Tensor) -> Tensor:
            past[:, -1], hidden[:, -1] = tokens, unknown
            return world.dynamics(past, hidden, actions)[:, -1]

        noise = frame_noise(zeros[:, 0], zeros[:, 0], sampler.steps, N)
        grid = (-(-world.height // patch), -(-world.width // patch))
        past[:, -1] = decode_frame(predict, sampler, noise, grid)
        seen = past[:, -decoder.window :] if decoder.temporal_every else past[:, -1:]
        world.tokenizer.decode(seen)[:, -1].cpu()

    return play


def quantised(world: World) -> Play:
    """Linear layers of dynamics and decoder with int8 weights and activations."""
    if world.device.type != "cpu":
        raise RuntimeError("only for a CPU")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this interface is deprecated, and still there
        for model in (world.dynamics, world.tokenizer):
            torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, inplace=True)
    return cached(world)


def compiled(world: World) -> Play:
    """The pass over one frame as one compiled function."""
    mode = "reduce-overhead" if world.device.type == "cuda" else None
    for model in (world.dynamics.transformer, world.tokenizer.decoder):
        model.step = torch.compile(model.step, mode=mode, dynamic=False)  # type: ignore[method-assign]
    play = cached(world)
    play(SamplerConfig(1))
    return play


WAYS: dict[str, Callable[[World], Play]] = {
    "cached": cached,
    "full window": full_window,
    "int8": quantised,
    "compiled": compiled,
}


def seconds_per_frame(play: Play, steps: int, least: float) -> float:
    """Median over as many frames as fit into some seconds, two at least, after one to warm up."""
    sampler, times = SamplerConfig(steps, temperature=1.0), []
    play(sampler)
    until = now() + least
    while len(times) < 2 or now() < until:
        begun = now()
        play(sampler)
        times.append(now() - begun)
    return statistics.median(times)


@contextmanager
def limit(seconds: int) -> Iterator[None]:
    """Raise TimeoutError when the block takes longer (on Linux and macOS)."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"not within {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def memory_speed(device: torch.device, seconds: float = 0.5) -> float:
    """Bytes per second read: the fastest of many sums over what no cache of a CPU holds."""
    size = 2**30 if device.type == "cuda" else 2**26
    numbers = torch.ones(size, device=device)
    best, until = float("inf"), now() + seconds
    while now() < until:
        begun = now()
        numbers.sum()
        finished(device)
        best = min(best, now() - begun)
    return 4 * size / best


def passes(recipe: Recipe, bytes_per_number: int) -> list[tuple[int, int]]:
    """Operations and bytes of a pass of the dynamics, and of decoding a frame to pixels."""
    dynamics = on_meta(lambda: Dynamics(recipe.dynamics))
    tokenizer = on_meta(lambda: VideoTokenizer(recipe.tokenizer))
    found = []
    for model, flops, transformer in (
        (dynamics, refinement_flops(recipe.dynamics), dynamics.transformer),
        (tokenizer, rendering_flops(recipe.tokenizer), tokenizer.decoder),
    ):
        assert isinstance(transformer, STTransformer)
        weights = parameters(model if model is dynamics else transformer)
        numbers = weights + cache_numbers(transformer.config, transformer.num_positions)
        found.append((flops.total, bytes_per_number * numbers))
    return found


def floor(costs: list[tuple[int, int]], steps: int, peak: float, speed: float) -> float:
    """Seconds below which a frame cannot be made in this way."""
    once = [max(operations / peak, size / speed) for operations, size in costs]
    return (steps + 1) * once[0] + once[1]


def row(name: str, times: list[float]) -> str:
    """A line of milliseconds."""
    return f"{name:28}" + "".join(f"{1000 * t:10.1f}" for t in times)


def time_way(
    name: str, recipe: Recipe, device: torch.device, least: float, times: list[float]
) -> None:
    """Add to `times` as far as it gets. The world is its own, and gone with it: it may be large."""
    play = WAYS[name](make_world(recipe, device))
    for steps in STEPS:
        times.append(seconds_per_frame(play, steps, least))


def measure(recipe: Recipe, asked: argparse.Namespace) -> None:
    """Print the lines of one preset."""
    device = torch.device(asked.device)
    peak, speed = matrix_peak(device), memory_speed(device)
    costs = passes(recipe, 2 if device.type == "cuda" else 4)
    for name in asked.way:
        times: list[float] = []
        try:
            with limit(asked.limit):
                time_way(name, recipe, device, asked.seconds, times)
        except Exception as error:  # an arm that this machine cannot run is no reason to stop
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:80]
            print(f"{row(f'{recipe.name} {name}', times)}  {reason}", flush=True)
            continue
        print(row(f"{recipe.name} {name}", times), flush=True)
    print(row(f"{recipe.name} floor", [floor(costs, s, peak, speed) for s in STEPS])
          + f"  {costs[0][0] / 1e9:.3g} GFLOP, {costs[0][1] / 1e6:.3g} MB a pass; "
          f"{peak / 1e9:.0f} GFLOP/s, {speed / 1e9:.0f} GB/s\n", flush=True)  # fmt: skip


def floors(asked: argparse.Namespace) -> None:
    """Print the floor of every preset on a device of which only the figures are known."""
    print(f"floors at {asked.peak:.0f} TFLOP/s and {asked.memory:.1f} TB/s, bf16\n")
    print(f"{'ms per frame':28}" + "".join(f"{s:>4} steps" for s in STEPS)
          + "  frames/s at 4   TFLOP and GB a pass")  # fmt: skip
    for recipe in PRESETS.values():
        costs = passes(recipe, 2)
        times = [floor(costs, s, asked.peak * 1e12, asked.memory * 1e12) for s in STEPS]
        operations, size = costs[0]
        print(f"{row(recipe.name, times)}{1 / times[2]:15.1f}"
              f"{operations / 1e12:14.3f}{size / 1e9:9.2f}", flush=True)  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", nargs="+", default=["small", "comparison", "coinrun-paper"])
    parser.add_argument("--way", nargs="+", choices=[*WAYS], default=[*WAYS])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--seconds", type=float, default=2.0, help="per figure, after one frame")
    parser.add_argument("--limit", type=int, default=120, help="seconds for a line of the table")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--shared", action="store_true", help="count processor time (CPU only)")
    parser.add_argument("--floors", action="store_true", help="arithmetic only")
    parser.add_argument("--peak", type=float, default=989.0, help="TFLOP/s for --floors (H200)")
    parser.add_argument("--memory", type=float, default=4.8, help="TB/s for --floors (H200)")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    now.shared = asked.shared
    if asked.floors:
        floors(asked)
        return
    chip = torch.cuda.get_device_name() if asked.device == "cuda" else processor_name()
    time_of = "processor time" if asked.shared else "wall clock"
    print(f"{chip}, {asked.threads} threads, torch {torch.__version__}, {time_of}\n")
    print(f"{'ms per frame':28}" + "".join(f"{s:>4} steps" for s in STEPS))
    for name in asked.preset:
        measure(comparison() if name == "comparison" else preset(name), asked)


if __name__ == "__main__":
    main()
