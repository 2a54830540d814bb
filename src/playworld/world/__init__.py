"""Trained models to the next frame: load a world, start it from pictures, step it with buttons."""

from playworld.world.engine import Engine, Moved
from playworld.world.folder import Button, WorldConfig, built_in_worlds
from playworld.world.maskgit import Order, SamplerConfig
from playworld.world.state import WorldState
from playworld.world.world import World

__all__ = [
    "Button",
    "Engine",
    "Moved",
    "Order",
    "SamplerConfig",
    "World",
    "WorldConfig",
    "WorldState",
    "built_in_worlds",
]
