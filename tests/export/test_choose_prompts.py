"""A game begins on open ground: right and left can be walked from there."""

from dataclasses import replace

import pytest
import torch

from playworld.export.choose_prompts import STEPS, freedom, open_starts, walks
from playworld.world import Button, World


def moved(*steps: tuple[float, float]) -> torch.Tensor:
    return torch.tensor(steps)[None]


def test_a_frame_in_the_middle_of_a_walk_has_open_ground_on_both_sides():
    walk = walks(moved(*[(-3.0, 0.0)] * (2 * STEPS + 1)))[0]
    assert walk.tolist() == [0.0] * STEPS + [1.0, 1.0] + [0.0] * STEPS


@pytest.mark.parametrize(
    "step", [(0.0, 0.0), (-3.0, 4.0), (3.0, 0.0)], ids=["wall", "fall", "turn"]
)
def test_a_step_that_does_not_go_on_is_no_open_ground(step):
    steps = [(-3.0, 0.0)] * (2 * STEPS)
    steps[-1] = step
    assert walks(moved(*steps))[0, STEPS] == pytest.approx(1 - 1 / (2 * STEPS))


def test_a_world_without_right_and_left_has_no_openings(tiny_world, clips):
    world = World.load(tiny_world)
    numbers = tuple(Button(str(number)) for number in range(8))
    config = replace(world.config, buttons=numbers)
    plain = World(config, world.tokenizer, world.actions, world.dynamics)
    assert open_starts(plain, clips, 4) is None


@pytest.mark.slow
def test_right_and_left_move_from_every_prompt_of_the_built_in_world():
    world = World.load("coinrun")
    frames = torch.stack([picture for _, picture in world.prompts()])
    free = freedom(world, frames)
    assert free[:8].min() == 1 and free.min() >= 0.75
