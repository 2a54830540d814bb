"""Worlds with other parts than the built-in one: what is promised of a world holds for each."""

from dataclasses import replace

import pytest
import torch

from playworld.config import InputError, from_dict, to_dict
from playworld.models.actions import LatentActionModel, TokenView
from playworld.models.kinds import build_dynamics, build_tokenizer
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.motion.dynamics import MotionDynamicsConfig
from playworld.models.motion.first_scene import FirstScene
from playworld.models.pixels import to_float
from playworld.models.quantizer import QuantizerConfig
from playworld.world import Engine, World, WorldConfig
from tests.world.conftest import tiny_config


def variants() -> dict[str, WorldConfig]:
    config = tiny_config()
    prepend, concat = (replace(config.dynamics, action_input=i) for i in ("prepend", "concat"))
    full = replace(config.tokenizer, attention="full")
    view = replace(config.actions, tokens=TokenView(4, 8), patch=2)
    halves = replace(config.tokenizer, factors=2)
    paired = replace(config.dynamics, num_tokens=48, factors=2)
    return {
        "prepended actions": replace(config, dynamics=prepend),
        "concatenated actions": replace(config, dynamics=concat),
        "full attention": replace(config, tokenizer=full),
        "actions on tokens": replace(config, actions=view),
        "two tokens per place": replace(config, tokenizer=halves, dynamics=paired),
        "changes": of_changes(config),
        "changes decided in more steps": of_changes(config, more=True),
    }


def of_changes(config: WorldConfig, more: bool = False) -> WorldConfig:
    tokenizer = MotionTokenizerConfig(
        16,
        24,
        QuantizerConfig(32, 192, normalize=False),
        reach=4,
        stages=2,
        channels=8,
        layers=1,
        keeps_scene=more,
        first_scene=4 * more,
    )
    shape = config.dynamics.transformer
    dynamics = MotionDynamicsConfig(16, 24, 8, 4, 2, 32, 8, shape)
    if more:
        dynamics = replace(
            dynamics,
            moved_picture=True,
            decides_split=True,
            keeps_scene=True,
            sees_foreground=True,
            sees_flight=True,
            sees_clearance=True,
            expects_motion=True,
        )
    # The grid of blocks is smaller than any convolution over it: actions look at pixels here.
    return replace(config, tokenizer=tokenizer, dynamics=dynamics)


ZEROS = {"foreground.weight", "clearance.2.weight", "expected.heads.weight"}
"""Of the dynamics, before training."""


def build(config: WorldConfig) -> World:
    torch.manual_seed(0)
    models = (
        build_tokenizer(config.tokenizer),
        LatentActionModel(config.actions),
        build_dynamics(config.dynamics),
    )
    network = getattr(models[0], "first_scene", None)
    if network is not None:
        separates(network)
    return World(config, *(m.eval() for m in models))


@torch.no_grad()
def separates(network: FirstScene) -> None:
    """Separate something anywhere: untrained, all of a picture is the scene.

    The scene behind it has one colour, the same on every machine. One that is rounded in another
    way would be another start of long games, which end differently in a world of random weights.
    """
    last, pixels = network.leave, 4
    torch.nn.init.normal_(last.weight[:pixels])
    last.weight[pixels:], last.bias[:] = 0, 0.1


@pytest.fixture(params=list(variants()))
def variant(request) -> World:
    world = build(variants()[request.param])
    for name, weights in world.dynamics.named_parameters():
        if name.endswith("head.weight"):
            weights.data *= 4
        if name in ZEROS:
            torch.nn.init.normal_(weights)
    return world


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


def test_a_frame_comes_again_from_its_tokens_and_after_a_rewind(variant, images):
    _, begun = variant.start(images, [1, 2, 3])
    frame, state = variant.step(begun, [0, 1, 2])
    again, same = variant.replay(begun, state.tokens, [0, 1, 2])
    assert torch.equal(again, frame)
    after = [variant.step(s, [3, 0, 1])[0] for s in (state, same)]
    assert torch.equal(*after)
    other, _ = variant.step(begun, [0, 1, 2])
    assert torch.equal(other, frame)
    engine = Engine(variant, workers=1)
    one = engine.start(images[0], 1).result()
    replayed = engine.replay(one.state, state.tokens[0], 0).result()
    engine.close()
    assert torch.equal(replayed.frame, frame[0])


@pytest.mark.parametrize("number", [-1, 2**40])
def test_tokens_that_no_frame_can_have_are_refused(variant, images, number):
    _, begun = variant.start(images, [1, 2, 3])
    for place in (0, -1):
        tokens = begun.tokens.clone()
        tokens[1, place] = number
        with pytest.raises(InputError, match=rf"must be in 0\.\.\d+, got {number}"):
            variant.replay(begun, tokens, [0, 1, 2])
    with pytest.raises(InputError, match="tokens must be integers of shape"):
        variant.replay(begun, begun.tokens[:, 1:], [0, 1, 2])


def test_the_largest_tokens_of_changes_are_a_frame_and_one_more_is_none(images):
    world = build(variants()["changes"])
    _, begun = world.start(images, [1, 2, 3])
    most = torch.tensor([world.config.tokenizer.vocabularies] * 3) - 1
    frames, _ = world.replay(begun, most, [0, 1, 2])
    assert frames.shape == images[:, 0].shape
    for place in range(0, most.shape[1], world.config.tokenizer.num_blocks):
        more = most.clone()
        more[0, place] += 1
        with pytest.raises(InputError, match=f"token {place} of a frame"):
            world.replay(begun, more, [0, 1, 2])


def test_several_prompt_frames_are_remembered_alike_alone_and_together(variant, images):
    frames, state = variant.start(images, [1, 2, 3])
    for row in range(len(images)):
        alone, own = variant.start(images[row : row + 1], [row + 1])
        assert torch.equal(alone[0], frames[row])
        assert torch.equal(own.tokens[0], state.tokens[row])
        one = variant.step(own, [0])[0]
        assert torch.equal(one[0], variant.step(state, [0, 0, 0])[0][row])


def test_tokens_of_changes_keep_the_last_picture_of_a_prompt_even_after_a_cut(images):
    world = build(variants()["changes"])
    frames, state = world.start(images, [1, 2, 3])  # each picture another noise: only cuts
    assert torch.equal(frames, images[:, -1])
    beyond = state.decoder.view(margin=2)[:, :, 0, 2:-2]
    assert torch.equal(beyond, images[:, -1, 1].movedim(-1, 1))  # mirrors the last picture
    engine = Engine(world, workers=1)
    moved = engine.start(images[0], 1).result()
    engine.close()
    assert torch.equal(moved.frame, images[0, -1])
    assert torch.equal(moved.state.decoder.pixels[0], state.decoder.pixels[0])


def test_half_of_the_bits_play_too(variant, images):
    frames, state = variant.half().start(images, [1, 2, 3])
    again, _ = variant.step(state, [0, 1, 2])
    assert again.shape == frames.shape and state.memory.keys.dtype == torch.bfloat16


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
    del known["actions"]["tokens"], known["tokenizer"]["factors"], known["dynamics"]["factors"]
    assert from_dict(WorldConfig, known) == tiny_config()


def test_actions_on_tokens_of_another_tokenizer_are_refused():
    config = tiny_config()
    other = replace(config.actions, tokens=TokenView(4, 16), patch=2)
    with pytest.raises((InputError, ValueError), match="code_size"):
        replace(config, actions=other)


def test_play_begins_with_the_scene_of_the_picture_apart_from_what_stands_before_it(images):
    world = build(variants()["changes decided in more steps"])
    frames, state = world.start(images[:, :1], [1, 2, 3])
    begun = world.tokenizer.begin(to_float(images[:, 0]))
    assert torch.equal(state.decoder.pixels, begun.pixels)
    assert torch.equal(frames, images[:, 0])
    picture, scene = state.decoder.view().split([3, 3, 1], dim=1)[:2]
    assert not torch.equal(picture, scene)
