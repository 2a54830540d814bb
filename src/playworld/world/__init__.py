"""Trained models to the next frame: load a world, start it from pictures, step it with buttons."""

from typing import TYPE_CHECKING

from playworld.lazy import lazily
from playworld.world.sampler_config import Order

if TYPE_CHECKING:
    from playworld.world.engine import Engine
    from playworld.world.folder import Button, WorldConfig, built_in_worlds
    from playworld.world.generation import StepResult
    from playworld.world.sampler_config import SamplerConfig
    from playworld.world.state import WorldState
    from playworld.world.world import World

__all__ = [
    "Button",
    "Engine",
    "StepResult",
    "Order",
    "SamplerConfig",
    "World",
    "WorldConfig",
    "WorldState",
    "built_in_worlds",
]
__getattr__ = lazily(
    __name__,
    {
        "Button": "folder",
        "Engine": "engine",
        "StepResult": "generation",
        "SamplerConfig": "sampler_config",
        "World": "world",
        "WorldConfig": "folder",
        "WorldState": "state",
        "built_in_worlds": "folder",
    },
)
