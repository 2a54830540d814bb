"""Worlds with other parts than the built-in one: what is promised of a world holds for each."""

from dataclasses import replace

import pytest
import torch

from playworld.config import InputError, from_dict, to_dict
from playworld.models.actions import LatentActionModel, TokenView
from playworld.models.dynamics import Dynamics
from playworld.models.tokenizer import VideoTokenizer
from playworld.world import Engine, World, WorldConfig
from tests.world.conftest import tiny_config


def variants() -> dict[str, WorldConfig]:
    config = tiny_config()
    prepend, concat = (replace(config.dynamics, action_input=i) for i in ("prepend", "concat"))
    full = replace(config.tokenizer, attention="full")
    view = replace(config.actions, tokens=TokenView(4, 8), patch=2)
    return {
        "prepended actions": replace(config, dynamics=prepend),
        "concatenated actions": replace(config, dynamics=concat),
        "full attention": replace(config, tokenizer=full),
        "actions on tokens": replace(config, actions=view),
    }


@pytest.fixture(params=list(variants()))
def variant(request) -> World:
    torch.manual_seed(0)
    config = variants()[request.param]
    models = (
        VideoTokenizer(config.tokenizer),
        LatentActionModel(config.actions),
        Dynamics(config.dynamics),
    )
    models[2].head.weight.data *= 4
    return World(config, *(m.eval() for m in models))


def test_a_session_sees_the_same_alone_and_among_others(variant, images):
    """To the last bit, in the engine too."""
    actions = [[0, 1, 2, 3, 0], [3, 3, 1, 0, 2], [2, 0, 0, 1, 1]]
    engine = Engine(variant, workers=1)
    begun = [engine.start(images[row], row) for row in range(3)]
    states = [moved.result().state for moved in begun]
    alone = [variant.start(images[row : row + 1], [row])[1] for row in range(3)]
    for press in range(5):
        moved = [engine.step(states[row], actions[row][press]) for row in range(3)]
        for row in range(3):
            frame, alone[row] = variant.step(alone[row], [actions[row][press]])
            assert torch.equal(moved[row].result().frame, frame[0])
            states[row] = moved[row].result().state
    engine.close()


def test_it_is_saved_and_loaded_as_it_is(variant, images, tmp_path):
    variant.save(tmp_path / "world")
    loaded = World.load(tmp_path / "world")
    assert loaded.config == variant.config
    assert torch.equal(loaded.infer_actions(images), variant.infer_actions(images))
    (frame, state), (other, same) = (w.start(images, [1, 2, 3]) for w in (variant, loaded))
    assert torch.equal(frame, other)
    assert torch.equal(variant.step(state, [0, 1, 2])[0], loaded.step(same, [0, 1, 2])[0])


def test_a_config_from_before_these_choices_still_loads():
    known = to_dict(tiny_config())
    del known["dynamics"]["action_input"], known["tokenizer"]["attention"]
    del known["actions"]["tokens"]
    assert from_dict(WorldConfig, known) == tiny_config()


def test_actions_on_tokens_of_another_tokenizer_are_refused():
    config = tiny_config()
    other = replace(config.actions, tokens=TokenView(4, 16), patch=2)
    with pytest.raises((InputError, ValueError), match="code_size"):
        replace(config, actions=other)
