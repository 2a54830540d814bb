"""The buttons of a world in the order in which a player expects them."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from playworld.world.folder import Button
from playworld.world.world import World

ARROWS = (*"←↓↑→↖↗↙↘•", "")
"""The order: the four sides, between them, nothing at all, and what fits no arrow."""


def in_order(world: World) -> World:
    """The world with its latent actions numbered by what they do; a second "right" comes last.

    Training numbers them by chance. Frames stay the same; only the numbers of the codes change, in
    place.
    """
    order = order_of(world.buttons)
    world.actions.quantizer.reorder(torch.tensor(order))
    return with_buttons(world, tuple(world.buttons[number] for number in order))


def order_of(buttons: Sequence[Button]) -> list[int]:
    """The numbers of the buttons in the order of `in_order`."""
    return sorted(range(len(buttons)), key=lambda number: _place(buttons[number]))


def with_buttons(world: World, buttons: tuple[Button, ...]) -> World:
    """The world, with the same models, under these labels."""
    config = replace(world.config, buttons=buttons)
    return World(config, world.tokenizer, world.actions, world.dynamics)


def _place(button: Button) -> tuple[bool, int]:
    return button.label[-1:].isdigit(), ARROWS.index(button.arrow)
