import pytest
import torch

from playworld.evaluate.metrics.prompts import furthest_apart, measure_prompts
from playworld.images import to_png
from playworld.world import World

SIDES = {"left": 0, "right": 1}


@pytest.fixture
def with_prompts(scroll):
    def give(world: World) -> World:
        prompts = {f"{seed}": to_png(scroll([], seed=seed, size=16)[0]) for seed in range(2)}
        return World(world.config, world.tokenizer, world.actions, world.dynamics, "", prompts)

    return give


def test_a_world_without_prompts_has_no_figure(world):
    assert measure_prompts(world, SIDES, presses=2) is None


def test_every_prompt_gets_a_row(world, with_prompts):
    found = measure_prompts(with_prompts(world), SIDES, presses=2)
    assert list(found["by_name"]) == ["0", "1"]
    assert found["prompts"] == 2
    assert found["answer"] == sum(row["answers"] for row in found["by_name"].values())


def test_a_world_that_cannot_hear_answers_from_no_prompt(deaf_world, with_prompts):
    found = measure_prompts(with_prompts(deaf_world), SIDES, presses=2)
    assert found["answer"] == found["sides_apart"] == 0


def test_the_two_that_differ_most_decide():
    pictures = torch.zeros(3, 16, 16, 3, dtype=torch.uint8)
    assert furthest_apart(pictures) == 100
    pictures[2] = 255
    assert furthest_apart(pictures) == pytest.approx(0, abs=1e-4)
