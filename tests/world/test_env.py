"""A world as a Gymnasium environment: its rules, and that nothing but seed and actions counts."""

import copy
import pickle
import random
import re
import subprocess
import sys
import warnings
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.utils.env_checker import check_env

from playworld.config import InputError
from playworld.world import SamplerConfig
from playworld.world.env import WorldEnv
from tests.processes import start

NAME = "playworld/World-v0"
PAGE = Path(__file__).parents[2] / "docs/env.md"
SAYS = [
    "(64, 64, 3) uint8 Discrete(8)",
    "4 True",
    "(4, 64, 64, 3) ['_prompt', '_seed', 'prompt', 'seed']",
    "True False",
]


def random_states() -> list[object]:
    return [random.getstate(), repr(np.random.get_state()), torch.get_rng_state().tolist()]


def play_both_kinds(folder: Path) -> None:
    """Environments are made and played, and no global random number is drawn."""
    before = random_states()
    env = gymnasium.make(NAME, world=folder)
    envs = gymnasium.make_vec(NAME, num_envs=2, world=folder)
    for each in (env, envs):
        each.reset()
        each.step(each.action_space.sample())
    assert random_states() == before


def moves(length, seed=0):
    return np.random.default_rng(seed).integers(0, 4, length)


def play(env, actions, seed=7):
    """The first frame and one more per action."""
    return np.stack([env.reset(seed=seed)[0], *(env.step(action)[0] for action in actions)])


def film(folder: Path, together: bool, out: Path) -> None:
    """What a process of its own plays: the second of two environments in a batch, or that alone."""
    torch.set_num_threads(1)
    actions, quick = np.random.default_rng(0).integers(0, 4, (299, 2)), SamplerConfig(steps=1)
    about = {"id": NAME, "world": folder, "sampler": quick}
    if together:
        envs = gymnasium.make_vec(num_envs=2, **about)
        frames = [envs.reset(seed=[5, 7])[0][1], *(envs.step(both)[0][1] for both in actions)]
    else:
        env = gymnasium.make(**about)
        frames = [env.reset(seed=7)[0], *(env.step(action)[0] for action in actions[:, 1])]
    np.save(out, np.stack(frames))


@pytest.fixture
def env(world):
    return WorldEnv(world, render_mode="rgb_array")


@pytest.mark.parametrize(
    "modules", ["gymnasium, playworld", "playworld, gymnasium, playworld.world.env"]
)
def test_an_import_is_enough_to_make_one(modules):
    program = f"import {modules}; print(gymnasium.spec('playworld/World-v0').max_episode_steps)"
    command = [sys.executable, "-W", "error", "-c", program]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1000\n"


@pytest.mark.slow
def test_an_environment_can_be_made_by_a_name_that_says_what_to_import(saved):
    program = (
        "import gymnasium, sys; gymnasium.make('playworld:playworld/World-v0', world=sys.argv[1])"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program, str(saved)], check=True)


def test_gymnasiums_own_checker_has_nothing_to_say(saved):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        check_env(gymnasium.make(NAME, world=str(saved), render_mode="rgb_array").unwrapped)
        check_env(gymnasium.make(NAME, world=str(saved)).unwrapped)
    assert [str(warning.message) for warning in said] == []


def test_the_spaces_are_the_worlds_own(env, world):
    assert env.action_space == gymnasium.spaces.Discrete(4)
    assert env.observation_space == gymnasium.spaces.Box(0, 255, (16, 24, 3), np.uint8)
    assert env.metadata["render_fps"] == world.fps


def test_its_frames_are_those_of_the_world_itself(env, world):
    _, info = env.reset(seed=7)
    _, state = world.start(world.prompts()[info["prompt"]][1][None, None], [info["seed"]])
    for action in moves(5):
        frames, state = world.step(state, [int(action)])
        assert np.array_equal(env.step(action)[0], frames[0].numpy())


@pytest.mark.slow
def test_another_process_plays_the_same_300_frames_in_a_batch_of_two(saved, tmp_path):
    film(saved, False, tmp_path / "alone.npy")
    process = start(film, saved, True, tmp_path / "both.npy")
    process.join(timeout=120)
    assert process.exitcode == 0
    alone, both = (np.load(tmp_path / f"{how}.npy") for how in ("alone", "both"))
    assert np.array_equal(alone, both) and len(alone) == 300
    assert len(np.unique(alone.reshape(300, -1), axis=0)) > 100


def test_environments_that_take_turns_play_as_they_would_alone(saved):
    alone = [play(WorldEnv(saved), moves(20, seed), seed) for seed in range(3)]
    envs = [WorldEnv(saved) for _ in range(3)]
    turns = [[env.reset(seed=seed)[0]] for seed, env in enumerate(envs)]
    for step in range(20):
        for seed, env in enumerate(envs):
            turns[seed].append(env.step(moves(20, seed)[step])[0])
    assert np.array_equal(turns, alone)


def test_a_seed_fixes_the_episodes_after_it_too_and_they_differ(env):
    def episodes():
        return [env.reset(seed=seed)[1]["seed"] for seed in (3, None, None)]

    first = episodes()
    assert episodes() == first and len(set(first)) == 3


def test_another_seed_gives_other_frames(env):
    assert not np.array_equal(play(env, moves(3), seed=1), play(env, moves(3), seed=2))


def test_the_global_random_numbers_are_left_alone(saved):
    # In a process of its own: what checks types here draws random numbers itself.
    process = start(play_both_kinds, saved)
    process.join(timeout=120)
    assert process.exitcode == 0


@pytest.mark.parametrize("call", [lambda env: env.step(0), lambda env: env.render()])
def test_nothing_can_be_done_before_a_reset_or_after_a_close(env, call):
    with pytest.raises(ResetNeeded):
        call(env)
    env.reset()
    call(env)
    env.close()
    env.close()
    with pytest.raises(ClosedEnvironmentError):
        call(env)
    with pytest.raises(ClosedEnvironmentError):
        env.reset()


@pytest.mark.parametrize("action", [4, -1])
def test_a_button_that_is_not_there_is_refused_and_changes_nothing(env, world, action):
    env.reset(seed=7)
    with pytest.raises(InputError, match=r"an action must be in 0\.\.3"):
        env.step(action)
    assert np.array_equal(env.step(1)[0], play(WorldEnv(world), [1])[1])


def test_an_episode_starts_from_the_prompt_that_is_asked_for(world, images):
    env = WorldEnv(world, prompts=[*images[:, 0], images[1]])
    seen = [env.reset(options={"prompt": number}) for number in range(4)]
    assert [info["prompt"] for _, info in seen] == [0, 1, 2, 3]
    for (frame, _), video in zip(seen, [*images[:, :1], images[1]], strict=True):
        assert np.array_equal(frame, world.start(video[None], [0])[0][0].numpy())


def test_any_picture_or_stack_of_pictures_can_be_the_prompt(world, images):
    env = WorldEnv(world)
    one, several = images[0, 2], images[0]
    for given, video in (
        (one, one[None]),
        (one.numpy(), one[None]),
        (several, several),
        (list(several.numpy()), several),
    ):
        frame, info = env.reset(options={"prompt": given})
        assert np.array_equal(frame, world.start(video[None], [0])[0][0].numpy())
        assert info["prompt"] == -1


def test_naming_a_prompt_leaves_the_seed_of_the_episode_as_it_was(env, images):
    drawn = env.reset(seed=7)[1]["seed"]
    assert env.reset(seed=7, options={"prompt": 0})[1]["seed"] == drawn
    assert env.reset(seed=7, options={"prompt": images[0]})[1]["seed"] == drawn


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt": 1}, "prompt must be in 0..0, got 1"),
        ({"prompt": -1}, "prompt must be in 0..0, got -1"),
        ({"prompt": np.zeros((64, 64, 3), np.uint8)}, r"uint8 pictures \(16, 24, 3\)"),
        ({"prompt": np.zeros((16, 24, 3))}, r"got torch.float64 \[1, 16, 24, 3\]"),
        ({"prompt": np.zeros((0, 16, 24, 3), np.uint8)}, r"got torch.uint8 \[0, 16, 24, 3\]"),
        ({"prompt": "01"}, "a prompt must be pictures, got '01'"),
        ({"promt": 0}, "unknown option 'promt' of reset, did you mean 'prompt'?"),
    ],
)
def test_a_reset_that_makes_no_sense_is_refused(env, options, message):
    with pytest.raises(InputError, match=message):
        env.reset(options=options)


def test_a_world_without_pictures_says_that_it_needs_some(world, images):
    with pytest.raises(InputError, match=r"give some as prompts=\[...\]"):
        WorldEnv(world, prompts=[]).reset()
    WorldEnv(world, prompts=[]).reset(options={"prompt": images[0]})


def test_there_is_no_other_render_mode(saved):
    with pytest.raises(InputError, match="render_mode must be 'rgb_array' or None, got 'human'"):
        WorldEnv(saved, render_mode="human")


def test_render_gives_the_newest_frame_as_a_copy(env):
    env.reset(seed=7)
    frame, *_ = env.step(1)
    assert np.array_equal(env.render(), frame)
    env.render()[:] = 0
    frame[:] = 0
    assert env.render().any()


def test_an_episode_pays_nothing_and_never_ends_by_itself(env):
    env.reset()
    assert [env.step(0)[1:] for _ in range(3)] == [(0.0, False, False, {})] * 3


def test_a_reward_sees_both_frames_and_the_action_between_them(world):
    seen = []

    def reward(before, action, frame):
        seen.append((before.copy(), action, frame.copy()))
        return np.float32(len(seen))

    env = WorldEnv(world, reward=reward)
    frames = play(env, [2, 3])
    assert [action for _, action, _ in seen] == [2, 3]
    assert np.array_equal([before for before, _, _ in seen], frames[:2])
    assert np.array_equal([frame for _, _, frame in seen], frames[1:])
    assert env.step(0)[1] == 3.0


def test_a_termination_decides_from_the_newest_frame(world):
    wanted = play(WorldEnv(world), moves(6))[4]
    env = WorldEnv(world, termination=lambda frame: np.array_equal(frame, wanted))
    env.reset(seed=7)
    assert [env.step(action)[2] for action in moves(6)] == [0, 0, 0, 1, 0, 0]


def test_an_episode_is_truncated_after_as_many_steps_as_asked_for(world):
    env = gymnasium.make(NAME, world=world, max_episode_steps=3)
    env.reset()
    assert [env.step(0)[3] for _ in range(3)] == [False, False, True]


def test_a_sampler_can_be_given(world):
    sure = SamplerConfig(steps=1, temperature=0.0)
    frames = [play(WorldEnv(world, sampler=sure), moves(4), seed) for seed in (1, 2)]
    assert np.array_equal(*frames)


def test_a_deep_copy_is_a_branch_on_the_same_weights(env, world):
    frames = play(env, moves(8))
    play(env, moves(8)[:4])
    branch = copy.deepcopy(env)
    assert branch.world is world
    env.step((moves(8)[4] + 1) % 4)
    assert np.array_equal([branch.step(a)[0] for a in moves(8)[4:]], frames[5:])


def test_a_pickled_environment_goes_on_where_it_was(saved):
    env = gymnasium.make(NAME, world=str(saved), max_episode_steps=6)
    frames = play(env, moves(6))
    play(env, moves(6)[:3])
    again = pickle.loads(pickle.dumps(env))
    steps = [again.step(action) for action in moves(6)[3:]]
    assert np.array_equal([step[0] for step in steps], frames[4:])
    assert [step[3] for step in steps] == [False, False, True]


def test_an_environment_is_made_again_from_its_spec_as_json(saved):
    env = gymnasium.make(NAME, world=str(saved), max_episode_steps=5)
    spec = gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json())
    again = gymnasium.make(spec)
    assert np.array_equal(play(again, moves(5)), play(env, moves(5)))
    assert again.spec.max_episode_steps == 5


def test_a_world_that_is_not_there_is_said_in_one_sentence():
    with pytest.raises(InputError, match="did you mean 'coinrun'?"):
        gymnasium.make(NAME, world="conrun")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(SAYS)))
def test_the_examples_of_its_page_run_as_they_stand(number, capsys):
    examples = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(examples) == len(SAYS)
    exec(examples[number], {})
    assert capsys.readouterr().out == SAYS[number] + "\n"
