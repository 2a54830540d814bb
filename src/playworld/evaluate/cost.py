"""What a frame of play costs: passes, tokens, floating-point operations."""

from typing import Any

from torch import nn

from playworld.models.flops import parameters, refinement_flops, rendering_flops
from playworld.world import SamplerConfig, World
from playworld.world.drawing import drawing_of


def measure_cost(world: World, speed: dict[str, Any], sampler: SamplerConfig) -> dict[str, Any]:
    """For one player, with the cached past of a full window.

    A frame takes one pass for each refinement that decides a token, one more to be remembered, and
    its decoding to pixels. `speed` is what `measure_speed` found.
    """
    config = world.config
    tokens = config.tokenizer.num_tokens
    passes = len(drawing_of(config.tokenizer, config.dynamics).passes(sampler)) + 1
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
