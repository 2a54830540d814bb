"""The presets of the paper: its shapes, and its counts within a fifth."""

import pytest

from playworld.models.actions import LatentActionModel
from playworld.models.dynamics import Dynamics
from playworld.models.flops import on_meta, parameters
from playworld.models.tokenizer import VideoTokenizer
from playworld.presets import PAPER, PRESETS, SHAPES, preset


@pytest.mark.parametrize("name", SHAPES)
def test_a_model_of_the_paper_has_its_parameters_within_a_fifth(name: str):
    recipe, printed = preset(name), SHAPES[name][-1]
    built = parameters(on_meta(lambda: Dynamics(recipe.dynamics)))
    assert built == pytest.approx(printed.dynamics, rel=0.2)


def test_the_papers_tokenizer_and_latent_actions_have_their_parameters_within_a_fifth():
    recipe = preset("genie-10.7b")
    tokenizer = parameters(on_meta(lambda: VideoTokenizer(recipe.tokenizer)))
    actions = parameters(on_meta(lambda: LatentActionModel(recipe.actions)))
    assert tokenizer == pytest.approx(200e6, rel=0.2)
    assert actions == pytest.approx(300e6, rel=0.2)


def test_the_papers_frames_are_its_size_and_its_tokens_40_by_23():
    for recipe in PAPER:
        assert (recipe.tokenizer.width, recipe.tokenizer.height) == (160, 90)
        assert recipe.tokenizer.grid == (23, 40) and recipe.dynamics.num_tokens == 920
        assert recipe.actions.num_actions == 8


def test_the_scaling_runs_see_the_papers_number_of_tokens():
    tokens = {r.name: r.world_stage.steps * r.world_stage.batch_size * 16 * 920 for r in PAPER}
    assert tokens["genie-41m"] == pytest.approx(750e9, rel=0.01)
    assert tokens["genie-10.7b"] == pytest.approx(942e9, rel=0.01)


def test_a_preset_is_found_under_its_own_name():
    assert all(preset(name).name == name for name in PRESETS)
    assert {
        "tiny",
        "small",
        "robotics-small",
        "motion",
        "platformer",
        "coinrun-paper",
        *SHAPES,
    } == set(PRESETS)
