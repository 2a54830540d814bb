"""Speed of one player's world, and what a frame of play costs."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from playworld.evaluate.context import Context
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row, Tile
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.page.numbers import large, number
from playworld.evaluate.pictures import Grid
from playworld.evaluate.speed import hardware, measure_speed
from playworld.markup import Html, section, table
from playworld.models.flops import parameters, refinement_flops, rendering_flops
from playworld.words import counted
from playworld.world import SamplerConfig, World
from playworld.world.token_sampler import token_sampler_of


def measure_cost(world: World, speed: dict[str, Any], sampler: SamplerConfig) -> dict[str, Any]:
    """For one player, with the cached past of a full window.

    A frame takes one pass for each refinement that decides a token, one more to be remembered, and
    its decoding to pixels. `speed` is what `measure_speed` found.
    """
    config = world.config
    tokens = config.tokenizer.num_tokens
    passes = len(token_sampler_of(config.tokenizer, config.dynamics).passes(sampler)) + 1
    flops = passes * refinement_flops(config.dynamics).total
    flops += rendering_flops(config.tokenizer).total
    models: dict[str, nn.Module] = {
        "tokenizer": world.tokenizer,
        "actions": world.actions,
        "dynamics": world.dynamics,
    }
    return {
        "steps": sampler.steps,
        "passes_per_frame": passes,
        "tokens_per_frame": tokens,
        "tokens_per_second": tokens * speed["fps_median"],
        "ms_per_frame": speed["ms_median"],
        "flops_per_frame": flops,
        "flops_per_second": flops * speed["fps_median"],
        "parameters": {name: parameters(model) for name, model in models.items()},
    }


def _measure(context: Context) -> Measured:
    world, sampler = context.world, context.sampler
    start = context.starts.video[:1]
    speed = measure_speed(world, start, context.options.speed_frames, context.seed, sampler)
    return Measured(
        {
            "speed": speed,
            "cost": measure_cost(world, speed, sampler),
            "hardware": hardware(world.device),
        }
    )


def _frames(options: EvaluateOptions, buttons: int) -> int:
    return options.speed_frames


def _rows(report: Report) -> Iterator[Row]:
    speed, cost, machine = report["speed"], report["cost"], report["hardware"]
    yield Row(
        "speed",
        f"{number(speed['fps_median'], 1)} frames per second "
        f"({number(speed['fps_p95'], 1)} at the 95th percentile of latency), "
        f"{counted(machine['threads'], 'thread')} of {machine['processor']}",
    )
    yield Row(
        "",
        f"{large(cost['flops_per_frame'])}FLOP and "
        f"{counted(cost['tokens_per_frame'], 'token')} a frame, "
        f"{cost['tokens_per_second']:,.0f} tokens per second",
    )


def _compared(report: Report) -> Iterator[Compared]:
    yield Compared("frames per second", number(report["speed"]["fps_median"], 1))
    yield Compared("operations per frame", f"{large(report['cost']['flops_per_frame'])}FLOP")


def _tile(report: Report) -> Iterator[Tile]:
    speed = report["speed"]
    yield Tile(
        "Speed, one player",
        number(speed["fps_median"], 1),
        "frames/s",
        f"{number(speed['ms_median'], 1)} ms a frame",
        f"Half of all frames come at least that fast, 19 of 20 at {number(speed['fps_p95'], 1)}.",
    )


def _section(report: Report, grids: Mapping[str, Grid]) -> Html:
    """Operations, tokens and time of a frame of play."""
    found, speed, machine = report["cost"], report["speed"], report["hardware"]
    weights = found["parameters"]
    threads = counted(machine["threads"], "thread")
    rows = [
        (
            "milliseconds per frame",
            f"{number(speed['ms_median'], 1)} (95%: {number(speed['ms_p95'], 1)})",
        ),
        ("refinements", str(found["steps"])),
        ("passes of the dynamics", str(found["passes_per_frame"])),
        ("operations per frame", f"{large(found['flops_per_frame'])}FLOP"),
        ("operations per second", f"{large(found['flops_per_second'])}FLOP"),
        ("tokens per frame", str(found["tokens_per_frame"])),
        ("tokens per second", f"{found['tokens_per_second']:,.0f}"),
        *((f"weights, {name}", f"{large(count)}") for name, count in weights.items()),
        ("machine", f"{threads} of {machine['processor']}, {machine['device']}"),
    ]
    return section("Cost", table(("of one player", ""), rows))


SPEED = Metric(
    "speed",
    _measure,
    _frames,
    rows=_rows,
    compared=_compared,
    tiles=_tile,
    section=_section,
)
