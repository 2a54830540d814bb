"""An agent that learns within a world: the environment it gets, its learning, its transfer."""

import json

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

from playworld.agents.dictionary import Dictionary
from playworld.agents.ppo import PPOOptions, play_inside, train_agent
from playworld.agents.rewards import travel_right
from playworld.config import InputError
from playworld.studies.transfer import (
    TransferOptions,
    draw_curve,
    format_transfer,
    inside,
    translated,
)
from playworld.world import World

pytest.importorskip("stable_baselines3", reason="needs pip install 'playworld[agents]'")
from playworld.agents.stable_baselines import WorldVecEnv  # noqa: E402

FEW = PPOOptions(minutes=1e-6, episodes=2, presses=4, frames=2, prompts=2, prompt_frames=1)


class Count(VectorEnv):
    """Frames that count their own steps; row k ends after k + 2, in truth or for lack of time."""

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, num_envs: int) -> None:
        self.num_envs, self.steps = num_envs, np.zeros(num_envs, int)
        self.single_observation_space = spaces.Box(0, 255, (4, 4, 3), np.uint8)
        self.single_action_space = spaces.Discrete(2)
        self.render_mode = None

    def frames(self) -> np.ndarray:
        return np.ones((self.num_envs, 4, 4, 3), np.uint8) * self.steps[:, None, None, None]

    def reset(self, *, seed=None, options=None):
        self.steps[(options or {}).get("reset_mask", np.ones(self.num_envs, bool))] = 0
        return self.frames().astype(np.uint8), {}

    def step(self, actions):
        self.steps = self.steps + 1
        over = self.steps >= np.arange(self.num_envs) + 2
        terminated = over & (np.arange(self.num_envs) == 0)
        rewards = 10.0 * self.steps
        return self.frames().astype(np.uint8), rewards, terminated, over & ~terminated, {}


def test_an_episode_that_ends_starts_anew_in_the_same_step_and_tells_its_last_picture():
    envs = WorldVecEnv(Count(2), stack=2)
    assert envs.reset()[:, 0, 0].tolist() == [[0] * 6, [0] * 6]
    envs.step(np.zeros(2, int))
    seen, rewards, over, infos = envs.step(np.zeros(2, int))
    assert over.tolist() == [True, False] and rewards.tolist() == [20.0, 20.0]
    assert infos[0]["terminal_observation"][0, 0].tolist() == [1, 1, 1, 2, 2, 2]
    assert infos[0]["TimeLimit.truncated"] is False and infos[1] == {}
    assert seen[:, 0, 0].tolist() == [[0] * 6, [1, 1, 1, 2, 2, 2]]
    seen, rewards, over, infos = envs.step(np.zeros(2, int))
    assert over.tolist() == [False, True] and rewards.tolist() == [10.0, 30.0]
    assert infos[1]["TimeLimit.truncated"] is True
    assert seen[:, 0, 0].tolist() == [[0, 0, 0, 1, 1, 1], [0] * 6]


def test_rows_of_a_world_go_on_while_another_starts_anew(tiny_world):
    world = World.load(tiny_world)
    made = gymnasium.make_vec(
        "playworld/World-v0", num_envs=2, world=world, max_episode_steps=2, reward=travel_right
    )
    envs = WorldVecEnv(made, stack=3)
    envs.seed(5)
    first = envs.reset()
    assert first.shape == (2, 64, 64, 9) and envs.observation_space.contains(first[0])
    envs.step(np.array([0, 1]))
    again, _, over, infos = envs.step(np.array([0, 1]))
    assert over.all() and all(info["TimeLimit.truncated"] for info in infos)
    assert np.array_equal(again[..., :3], again[..., 6:])
    assert not np.array_equal(again, np.stack([i["terminal_observation"] for i in infos]))
    envs.close()


def test_travel_is_positive_where_the_picture_goes_left():
    rng = np.random.default_rng(0)
    land = rng.integers(0, 256, (16, 20, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    here, there = land[:64, 10:74], land[:64, 14:78]
    assert travel_right(here, 0, there) == pytest.approx(4, abs=0.2)
    assert travel_right(there, 0, here) == pytest.approx(-4, abs=0.2)
    assert travel_right(here, 0, here) == 0


@pytest.mark.slow
def test_an_agent_learns_which_button_is_worth_something(tiny_world):
    """Worth nothing but button 3: random buttons get an eighth of what can be had."""
    world = World.load(tiny_world)
    prompts = torch.stack([picture[None] for _, picture in world.prompts()])
    options = PPOOptions(
        minutes=9, total=768, episodes=8, presses=16, frames=1, prompt_frames=1, learning_rate=2e-3
    )
    trained = train_agent(world, prompts, options, reward=lambda before, a, frame: float(a == 3))
    assert trained.curve[0]["buttons"][3] < 0.3
    assert trained.curve[-1]["presses"] == 768
    assert trained.curve[-1]["reward"] > 1.5 * trained.curve[0]["reward"]


def test_the_agent_sees_the_newest_frames_and_the_first_repeated(tiny_world):
    world = World.load(tiny_world)
    prompts = torch.stack([picture[None] for _, picture in world.prompts()[:2]])
    seen = []

    def choose(frames):
        seen.append(frames)
        return np.array([1, 6])

    film = play_inside(world, prompts, choose, FEW, seed=3)
    assert film.shape == (2, FEW.presses + 1, 64, 64, 3)
    assert np.array_equal(seen[0][:, 0], film[:, 0]) and np.array_equal(seen[0][:, 1], film[:, 0])
    assert np.array_equal(seen[3], film[:, 2:4])


def test_a_report_sets_the_agent_beside_random_and_held_buttons(tiny_world, tmp_path):
    world = World.load(tiny_world)
    prompts = torch.stack([picture[None] for _, picture in world.prompts()[:2]])
    trained = train_agent(world, prompts, FEW)
    trained.save(tmp_path / "agent.zip")
    rows = inside(world, trained, prompts, FEW, lambda *told: None)
    assert len(rows) == 2 + world.num_actions
    figures = {"travel": rows["agent"]["travel"], "solved": {"mean": 0.5, "low": 0, "high": 1}}
    options = {"presses": 4, "games": 2, "difficulty": "easy", "max_steps": 9}
    report = {
        "options": options,
        "curve": trained.curve,
        "inside": rows,
        "game": {"agent": figures},
    }
    json.dumps(report)
    assert format_transfer(report).count("| agent |") == 2
    assert "50 [0, 100] %" in format_transfer(report)
    assert draw_curve(report).width > 100 and (tmp_path / "agent.zip").exists()


def test_a_button_becomes_a_move_that_was_seen_with_it():
    dictionary = Dictionary.of(np.array([0, 1]), np.array([3, 4]), 2, seed=0)
    play = translated(lambda seen: np.array([1, 0]), dictionary, seed=0)
    assert play(np.zeros((2, 1, 64, 64, 3), np.uint8)) == [7, 5]


@pytest.mark.parametrize("wrong", [{"minutes": 0}, {"frames": 0}, {"steps": 0}, {"discount": 1.0}])
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InputError):
        PPOOptions(**wrong)
    with pytest.raises(InputError):
        TransferOptions(labels=0)
