"""Many episodes in one batch: each is just what it would be in an environment of its own."""

import os
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.vector import AutoresetMode

from playworld.config import InputError
from playworld.world import SamplerConfig
from playworld.world.env import WorldEnv
from playworld.world.vector_env import WorldVectorEnv

NAME = "playworld/World-v0"
QUICK = SamplerConfig(steps=1)


def bright(frame):
    """Ends about one episode in five steps, at another step in every row."""
    return bool(int(frame.astype(np.int64).sum()) % 5 == 0)


def worth(before, action, frame):
    return float(frame[0, 0, 0]) - float(before[0, 0, 0]) + action


def both(world, num_envs, mode=AutoresetMode.NEXT_STEP, **kwargs):
    """One batch, and as many environments of their own; few passes for each frame."""
    own = {"vectorization_mode": "sync", "vector_kwargs": {"autoreset_mode": mode}}
    return [
        gymnasium.make_vec(NAME, num_envs=num_envs, world=world, sampler=QUICK, **kind, **kwargs)
        for kind in ({"autoreset_mode": mode}, own)
    ]


def same(one, other):
    """Two infos; a last frame is an object in an array, and what a step tells a dict."""
    assert one.keys() == other.keys()
    for key, value in one.items():
        if isinstance(value, dict):
            same(value, other[key])
        elif value.dtype == object:
            assert all(np.array_equal(a, b) for a, b in zip(value, other[key], strict=True))
        else:
            np.testing.assert_array_equal(value, other[key])


@pytest.fixture
def envs(world):
    return WorldVectorEnv(3, world, render_mode="rgb_array")


def test_make_vec_makes_one_batch(world):
    envs = gymnasium.make_vec(NAME, num_envs=3, world=world)
    assert type(envs) is WorldVectorEnv and envs.num_envs == 3
    assert envs.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert envs.observation_space.shape == (3, 16, 24, 3)
    assert envs.action_space == gymnasium.spaces.MultiDiscrete([4, 4, 4])
    assert envs.single_action_space == gymnasium.spaces.Discrete(4)


@pytest.mark.parametrize("num_envs", [1, 2, 5])
def test_every_row_is_what_an_environment_of_its_own_gives(world, images, num_envs):
    prompts = [*images[:, 0], images[0], images[1, :2]]  # of one, three and two frames
    batch, alone = both(
        world, num_envs, prompts=prompts, reward=worth, termination=bright, max_episode_steps=7
    )
    for one, other in zip(batch.reset(seed=3), alone.reset(seed=3), strict=True):
        same(one, other) if isinstance(one, dict) else np.testing.assert_array_equal(one, other)
    rng, ended = np.random.default_rng(0), 0
    for _ in range(40):
        actions = rng.integers(0, 4, num_envs)
        (*arrays, infos), (*others, other_infos) = batch.step(actions), alone.step(actions)
        for one, other in zip(arrays, others, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        same(infos, other_infos)
        ended += int((arrays[2] | arrays[3]).sum())
    assert ended >= 4 * num_envs


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_episodes_that_end_go_on_as_gymnasiums_own_do(world, images, mode):
    batch, alone = both(
        world, 3, mode, prompts=[*images[:, 0]], reward=worth, termination=bright,
        max_episode_steps=4,
    )  # fmt: skip
    assert batch.metadata["autoreset_mode"] is alone.metadata["autoreset_mode"] is mode
    batch.reset(seed=3), alone.reset(seed=3)
    rng, ended = np.random.default_rng(0), np.zeros(3, np.bool_)
    for _ in range(20):
        if mode is AutoresetMode.DISABLED and ended.any():
            (one, infos), (other, others) = (
                envs.reset(options={"reset_mask": ended}) for envs in (batch, alone)
            )
            np.testing.assert_array_equal(one, other)
            same(infos, others)
        actions = rng.integers(0, 4, 3)
        (*arrays, infos), (*others, other_infos) = batch.step(actions), alone.step(actions)
        for one, other in zip(arrays, others, strict=True):
            np.testing.assert_array_equal(one, other)
        same(infos, other_infos)
        ended = arrays[2] | arrays[3]


def test_without_autoreset_a_row_that_has_ended_must_be_reset(world):
    envs = WorldVectorEnv(2, world, max_episode_steps=1, autoreset_mode="Disabled")
    envs.reset()
    envs.step([0, 0])
    with pytest.raises(ResetNeeded, match=r"rows \[0, 1\] have ended"):
        envs.step([0, 0])


def test_an_unknown_autoreset_mode_names_the_known_ones(world):
    with pytest.raises(InputError, match="one of NextStep, SameStep, Disabled, got 'never'"):
        WorldVectorEnv(2, world, autoreset_mode="never")


@pytest.mark.slow
@pytest.mark.usefixtures("trace_after")
def test_the_built_in_world_gives_the_same_frames_in_a_batch():
    world = WorldEnv("coinrun").world
    batch, alone = both(world, 2, max_episode_steps=14)  # longer than it remembers
    batch.reset(seed=3), alone.reset(seed=3)
    for actions in np.random.default_rng(0).integers(0, world.num_actions, (18, 2)):
        np.testing.assert_array_equal(batch.step(actions)[0], alone.step(actions)[0])


def test_an_episode_that_ended_starts_anew_at_the_next_step(envs, world):
    envs = WorldVectorEnv(2, world, max_episode_steps=2)
    envs.reset(seed=3)
    assert envs.step([0, 0])[3].tolist() == [False, False]
    assert envs.step([0, 0])[3].tolist() == [True, True]
    frames, rewards, _, truncated, infos = envs.step([0, 0])
    assert truncated.tolist() == [False, False] and rewards.tolist() == [0.0, 0.0]
    assert infos["_seed"].all() and infos["prompt"].tolist() == [0, 0]
    _, picture = world.prompts()[0]
    first, _ = world.start(picture[None, None], [0])
    assert all(np.array_equal(frame, first[0].numpy()) for frame in frames)


def test_all_rows_go_through_the_model_at_once(envs, world, monkeypatch):
    batches = []
    step = world.step
    monkeypatch.setattr(world, "step", lambda s, *a: (batches.append(s.batch), step(s, *a))[1])
    envs.reset()
    envs.step([0, 1, 2])
    assert batches == [3]


def test_without_a_seed_the_rows_differ(envs):
    envs.reset()
    for _ in range(2):
        frames, *_ = envs.step([0, 0, 0])
    assert not np.array_equal(frames[0], frames[1])
    assert not np.array_equal(frames[1], frames[2])


def test_rows_can_be_reset_by_themselves(envs):
    envs.reset(seed=3)
    before, *_ = envs.step([1, 1, 1])
    mask = np.array([False, True, False])
    frames, infos = envs.reset(seed=[None, 9, None], options={"reset_mask": mask})
    assert np.array_equal(frames[[0, 2]], before[[0, 2]])
    assert infos["_seed"].tolist() == mask.tolist()
    assert infos["seed"][1] == WorldVectorEnv(1, envs.world).reset(seed=9)[1]["seed"][0]
    assert np.array_equal(np.stack(envs.render()), frames)


def test_every_row_can_have_a_prompt_of_its_own(envs, world, images):
    frames, infos = envs.reset(options={"prompts": [images[0], 0, images[1, 0]]})
    assert infos["prompt"].tolist() == [-1, 0, -1]
    for row, video in ((0, images[0]), (2, images[1, :1])):
        assert np.array_equal(frames[row], world.start(video[None], [0])[0][0].numpy())
    frames, _ = envs.reset(options={"prompt": images[2, 0]})
    assert all(np.array_equal(frames[0], frame) for frame in frames)


@pytest.mark.parametrize(
    "actions", [[0, 1], [0, 1, 4], [0, 1, -1], [0.0, 1.0, 2.0], [[0], [1], [2]]]
)
def test_actions_that_make_no_sense_are_refused(envs, actions):
    envs.reset()
    with pytest.raises(InputError):
        envs.step(actions)


def test_actions_may_be_a_list_an_array_or_a_tensor(envs):
    frames = []
    for actions in ([1, 2, 3], np.array([1, 2, 3], np.int32), torch.tensor([1, 2, 3])):
        envs.reset(seed=3)
        frames.append(envs.step(actions)[0])
    assert np.array_equal(frames[0], frames[1]) and np.array_equal(frames[1], frames[2])


@pytest.mark.parametrize(
    ("seed", "options"),
    [
        ([1, 2], {}),
        (None, {"prompts": [0]}),
        (None, {"reset_mask": np.array([True])}),
        (None, {"reset_mask": np.array([1, 1, 1])}),
        (None, {"reset_mask": np.zeros(3, np.bool_)}),
        (None, {"prompt_s": 0}),
    ],
)
def test_a_reset_that_makes_no_sense_is_refused(envs, seed, options):
    with pytest.raises(InputError):
        envs.reset(seed=seed, options=options)


def test_nothing_can_be_done_before_a_reset_or_after_a_close(envs):
    mask = np.array([True, False, True])
    for call in (lambda: envs.step([0, 0, 0]), lambda: envs.render()):
        with pytest.raises(ResetNeeded):
            call()
    with pytest.raises(ResetNeeded):
        envs.reset(options={"reset_mask": mask})
    envs.reset()
    envs.close()
    envs.close()
    for call in (lambda: envs.step([0, 0, 0]), lambda: envs.reset(), lambda: envs.render()):
        with pytest.raises(ClosedEnvironmentError):
            call()


def test_frames_that_were_given_out_do_not_change(envs):
    first, _ = envs.reset(seed=3)
    kept = first.copy()
    second, *_ = envs.step([0, 1, 2])
    assert np.array_equal(first, kept)
    second[:] = 0
    assert all(frame.any() for frame in envs.render())


def test_the_spec_of_a_batch_makes_the_same_batch(saved):
    envs = gymnasium.make_vec(NAME, num_envs=2, world=str(saved), max_episode_steps=4)
    again = gymnasium.make_vec(envs.spec)
    assert again.num_envs == 2 and type(again) is WorldVectorEnv
    envs.reset(seed=1), again.reset(seed=1)
    for _ in range(6):
        one, other = envs.step([1, 2]), again.step([1, 2])
        assert np.array_equal(one[0], other[0]) and np.array_equal(one[3], other[3])


def test_no_environments_at_all_are_refused(world):
    with pytest.raises(InputError, match="num_envs must be at least 1, got 0"):
        WorldVectorEnv(0, world)


def test_gymnasiums_own_wrappers_fit(world):
    envs = gymnasium.wrappers.vector.RecordEpisodeStatistics(
        WorldVectorEnv(2, world, reward=lambda *_: 1.0, max_episode_steps=3)
    )
    envs.reset(seed=1)
    infos = [envs.step([0, 0])[4] for _ in range(3)]
    assert infos[-1]["episode"]["r"].tolist() == [3.0, 3.0]


WORKERS = """
import os, sys
import gymnasium, numpy, playworld, torch
if __name__ == "__main__":
    torch.set_num_threads(1)  # as a forked process does: several threads round differently
    about = {"id": "playworld/World-v0", "num_envs": 2, "world": sys.argv[1]}
    batch = gymnasium.make_vec(**about)
    frames = [batch.reset(seed=3)[0], *(batch.step(a)[0] for a in ([0, 1], [2, 3]))]
    torch.set_num_threads(2)
    large = torch.ones(512, 512)
    large @ large, (large + large).exp()  # starts the threads that a fork does not copy
    for own in ({}, {"context": "fork"}, {"context": "spawn"}):
        if own.get("context") == "spawn":
            os.environ["OMP_NUM_THREADS"] = "1"
        workers = gymnasium.make_vec(**about, vectorization_mode="async", vector_kwargs=own)
        others = [workers.reset(seed=3)[0], *(workers.step(a)[0] for a in ([0, 1], [2, 3]))]
        assert numpy.array_equal(frames, others), own
        workers.close()
"""


@pytest.mark.slow
def test_worker_processes_play_the_same_frames_too_however_they_are_started(saved, tmp_path):
    script = tmp_path / "workers.py"
    script.write_text(WORKERS)
    subprocess.run([sys.executable, str(script), str(saved)], check=True, timeout=120)


HELD = """
import multiprocessing, sys
import torch
from playworld.world.env import WorldEnv
env = WorldEnv(sys.argv[1])
env.reset(seed=3)
torch.set_num_threads(2)
large = torch.ones(512, 512)
large @ large, (large + large).exp()
context = multiprocessing.get_context("fork")
reader, writer = context.Pipe()
context.Process(target=lambda: writer.send(int(env.step(1)[0].sum())), daemon=True).start()
assert reader.poll(60)
torch.set_num_threads(1)  # as a forked process does: several threads round differently
assert reader.recv() == int(env.step(1)[0].sum())
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_an_environment_that_was_played_goes_on_in_a_forked_process(saved):
    subprocess.run([sys.executable, "-c", HELD, str(saved)], check=True, timeout=120)
