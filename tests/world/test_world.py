import inspect

import numpy as np
import pytest
import torch
from PIL import Image

from playworld.config import InputError
from playworld.models.pixels import to_float, to_uint8
from playworld.world import SamplerConfig

SURE = SamplerConfig(steps=1, temperature=0.0)


def play(world, state, rows, sampler=None):
    """Frames and states of one session per row of actions."""
    frames, states = [], []
    for actions in zip(*rows, strict=True):
        frame, state = world.step(state, actions, sampler)
        frames.append(frame)
        states.append(state)
    return torch.stack(frames, dim=1), states


def moves(sessions, length, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 4, (sessions, length), generator=generator).tolist()


def test_the_first_frame_is_the_prompt_as_the_tokenizer_sees_it(world, images):
    frames, state = world.start(images, [1, 2, 3])
    torch.testing.assert_close(frames.int(), world.reconstruct(images)[:, -1].int(), atol=1, rtol=0)
    assert state.frame.tolist() == [0, 0, 0] and state.seeds.tolist() == [1, 2, 3]


def test_the_same_prompt_seed_and_actions_give_the_same_frames(world, images):
    one, _ = play(world, world.start(images, [1, 2, 3])[1], moves(3, 8))
    two, _ = play(world, world.start(images, [1, 2, 3])[1], moves(3, 8))
    assert torch.equal(one, two)


def test_another_seed_gives_other_frames(world, images):
    one, _ = play(world, world.start(images[:1], [1])[1], moves(1, 2))
    two, _ = play(world, world.start(images[:1], [2])[1], moves(1, 2))
    assert not torch.equal(one, two)


def test_another_action_gives_another_frame(world, images):
    _, state = world.start(images[:1], [1])
    frames = [world.step(state, [action])[0] for action in range(4)]
    assert all(not torch.equal(frames[0], frame) for frame in frames[1:])


def test_a_session_is_the_same_alone_and_among_20_others(world):
    images = torch.randint(0, 256, (20, 1, 16, 24, 3), dtype=torch.uint8)
    actions = moves(20, 6)
    _, together = play(world, world.start(images, range(20))[1], actions)
    for row in (0, 7, 19):
        _, alone = play(world, world.start(images[row : row + 1], [row])[1], [actions[row]])
        for many, one in zip(together, alone, strict=True):
            assert torch.equal(many.tokens[row], one.tokens[0])


def test_a_step_changes_nothing_in_the_state_it_starts_from(world, images):
    _, state = world.start(images, [1, 2, 3])
    before = [t.clone() for t in tensors(state)]
    play(world, state, moves(3, 6))
    assert all(torch.equal(a, b) for a, b in zip(before, tensors(state), strict=True))


def tensors(state):
    caches = [(c.keys, c.values, c.time) for c in (state.memory, state.decoder)]
    return [*caches[0], *caches[1], state.seeds, state.frame, state.tokens]


def test_a_session_can_be_rewound_and_branched(world, images):
    actions = moves(3, 8)
    frames, states = play(world, world.start(images, [1, 2, 3])[1], actions)
    again, _ = play(world, states[3], [row[4:] for row in actions])
    assert torch.equal(again, frames[:, 4:])
    other, _ = play(world, states[3], [[(a + 1) % 4 for a in row[4:]] for row in actions])
    assert not torch.equal(other, frames[:, 4:])


def test_play_goes_on_in_fixed_memory_long_after_the_window_is_full(world, images):
    _, start = world.start(images, [1, 2, 3])
    frames, states = play(world, start, moves(3, 40))
    shapes = [[t.shape for t in tensors(state)] for state in states]
    assert all(shape == shapes[0] for shape in shapes)
    assert states[-1].frame.tolist() == [40] * 3 and states[-1].memory.time.tolist() == [43] * 3
    assert frames[:, 30:].float().std() > 0


def test_a_frame_played_from_the_cache_is_the_one_the_full_models_give(world, images):
    """Beyond the window too: 12 frames with a window of 4, 3 of them prompt."""
    actions = moves(3, 9)
    frames, states = play(world, world.start(images, [1, 2, 3])[1], actions, SURE)
    tokens = world.tokenizer.encode(to_float(images))
    tokens = torch.cat([tokens, *(s.tokens[:, None] for s in states)], dim=1)
    shown = to_uint8(world.tokenizer.decode(tokens))[:, 3:]
    torch.testing.assert_close(frames.int(), shown.int(), atol=1, rtol=0)
    pressed = torch.cat([world.infer_actions(images), torch.tensor(actions)], dim=1)
    for last in range(3, 12):
        hidden = torch.zeros_like(tokens[:, : last + 1], dtype=torch.bool)
        hidden[:, last] = True
        features = world.actions.embed(pressed[:, :last])
        logits = world.dynamics(tokens[:, : last + 1], hidden, features)[:, -1]
        assert torch.equal(logits.argmax(-1), tokens[:, last])


def test_actions_between_several_prompt_frames_are_inferred_from_them(world, images):
    _, state = world.start(images, [1, 2, 3])
    inferred = world.infer_actions(images)
    inferred[1, 1] = (inferred[1, 1] + 1) % 4
    tokens = world.tokenizer.encode(to_float(images))
    visible = torch.zeros_like(tokens[:, 0], dtype=torch.bool)
    cache = world.dynamics.start_cache(3)
    for p in range(3):
        action = world.actions.embed(inferred[:, p - 1]) if p else None
        cache = cache.append(world.dynamics.step(tokens[:, p], visible, action, cache)[1])
    same = [torch.allclose(cache.keys[row], state.memory.keys[row], atol=1e-4) for row in range(3)]
    assert same == [True, False, True]  # only the row whose action was changed differs


@pytest.mark.parametrize("steps", [1, 4, 8])
def test_one_refinement_costs_one_frame(world, images, steps):
    _, state = world.start(images, [1, 2, 3])
    computed = frames_computed(world)
    world.step(state, [0, 1, 2], SamplerConfig(steps, 1.0))
    assert computed == {"dynamics": steps + 1, "decoder": 1}  # and no picture is encoded again


def test_more_refinements_than_tokens_cost_no_more_than_one_per_token(world, images):
    _, state = world.start(images, [1, 2, 3])
    computed = frames_computed(world)
    world.step(state, [0, 1, 2], SamplerConfig(64, 1.0))
    assert computed["dynamics"] == 24 + 1


def frames_computed(world):
    """Counts, from now on, the frames that enter each transformer."""
    computed = {}

    def count(name, block):
        def hook(module, inputs):
            computed[name] = computed.get(name, 0) + inputs[0].shape[1]

        block.register_forward_pre_hook(hook)

    count("dynamics", world.dynamics.transformer.blocks[0])
    count("decoder", world.tokenizer.decoder.blocks[0])
    count("encoder", world.tokenizer.encoder.blocks[0])
    return computed


@pytest.mark.parametrize("order", ["random", "halton", "confidence"])
def test_every_order_plays(world, images, order):
    sampler = SamplerConfig(3, 1.0, order)
    frames, states = play(world, world.start(images, [1, 2, 3])[1], moves(3, 3), sampler)
    assert frames.shape == (3, 3, 16, 24, 3)
    assert states[-1].tokens.min() >= 0 and states[-1].tokens.max() < 32


def test_states_are_sliced_repeated_and_joined_by_rows(world, images):
    _, state = world.start(images, [1, 2, 3])
    state = state.cat([state.rows([2, 2]), state.rows(torch.tensor([0]))])
    assert state.batch == 3 and state.seeds.tolist() == [3, 3, 1]
    actions = moves(3, 5)
    mixed, _ = play(world, state, actions)
    for row, origin in enumerate([2, 2, 0]):
        prompt = images[origin : origin + 1]
        alone, _ = play(world, world.start(prompt, [origin + 1])[1], [actions[row]])
        assert torch.equal(mixed[row], alone[0])


def test_sessions_of_different_age_share_a_batch(world, images):
    _, young = world.start(images[:1, :1], [1])
    _, states = play(world, world.start(images[1:2], [2])[1], [[0, 1, 2, 3, 0]])
    frames, state = world.step(young.cat([young, states[-1]]), [1, 1])
    assert state.frame.tolist() == [1, 6] and state.memory.time.tolist() == [2, 9]
    assert torch.equal(frames[:1], world.step(young, [1])[0])
    assert torch.equal(frames[1:], world.step(states[-1], [1])[0])


def test_the_global_random_state_is_left_alone(world, images, saved):
    before = torch.get_rng_state()
    loaded = type(world).load(saved)
    play(loaded, loaded.start(images, [1, 2, 3])[1], moves(3, 2))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("actions", [[0, 1, 4], [0, -1, 0], [2**40, 0, 0]])
def test_an_action_that_no_button_has_is_refused(world, images, actions):
    _, state = world.start(images, [1, 2, 3])
    with pytest.raises(InputError, match=r"an action must be in 0\.\.3, got"):
        world.step(state, actions)


@pytest.mark.parametrize("actions", [[0], [0.0, 1.0, 2.0], [[0, 1, 2]]])
def test_actions_that_are_not_one_number_per_session_are_refused(world, images, actions):
    _, state = world.start(images, [1, 2, 3])
    with pytest.raises(InputError, match="one action number for each of 3 sessions"):
        inspect.unwrap(type(world).step)(world, state, actions)  # without the check of types


@pytest.mark.parametrize(
    ("shape", "seeds", "message"),
    [
        ((1, 1, 24, 16, 3), [1], r"needs uint8 frames \(batch, time, 16, 24, 3\), got"),
        ((1, 0, 16, 24, 3), [1], "at least 1 row of 1 frames is needed"),
        ((0, 1, 16, 24, 3), [], "at least 1 row of 1 frames is needed"),
        ((2, 1, 16, 24, 3), [1], "one integer seed for each of 2 sessions"),
        ((1, 1, 16, 24, 3), [2**70], "seeds must be integers of 64 bits"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(world, shape, seeds, message):
    with pytest.raises(InputError, match=message):
        world.start(torch.zeros(shape, dtype=torch.uint8), seeds)


def test_one_frame_holds_no_action_to_infer(world, images):
    with pytest.raises(InputError, match="at least 1 row of 2 frames"):
        world.infer_actions(images[:, :1])


def test_a_device_that_is_not_there_is_refused(world):
    with pytest.raises(InputError, match="cannot use device 'cuda:99'"):
        world.to("cuda:99")


def test_sixteen_bits_of_grey_become_eight(world):
    ramp = (np.arange(16 * 24) * 170).astype(np.uint16).reshape(16, 24)
    prompt = world.prompt(Image.fromarray(ramp)).numpy().astype(int)
    assert np.abs(prompt - ramp[..., None] // 256).max() <= 1


def test_a_picture_of_the_right_size_becomes_a_prompt_unchanged(world, images):
    picture = Image.fromarray(images[0, 0].numpy())
    assert torch.equal(world.prompt(picture), images[0, 0])


def test_a_wide_picture_is_cropped_in_the_middle_and_not_squeezed(world):
    picture = Image.new("RGB", (96, 32), "red")
    picture.paste("blue", (24, 0, 72, 32))  # the middle 48 of 96 columns: 3:2, like the world
    prompt = world.prompt(picture)
    assert prompt.shape == (16, 24, 3)
    assert prompt[:, 3:-3].float().mean((0, 1)).tolist() == [0.0, 0.0, 255.0]


def test_what_is_transparent_becomes_white(world):
    prompt = world.prompt(Image.new("RGBA", (24, 16), (0, 0, 0, 0)))
    assert bool((prompt == 255).all())


@pytest.mark.gpu
def test_a_world_plays_on_a_gpu(world, images):
    world.to("cuda")
    frames, states = play(world, world.start(images, [1, 2, 3])[1], moves(3, 6))
    again, _ = play(world, world.start(images, [1, 2, 3])[1], moves(3, 6))
    assert frames.is_cuda and states[-1].memory.keys.is_cuda and torch.equal(frames, again)
