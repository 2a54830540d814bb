"""An agent that learns within a world: the environment it gets, its learning, its transfer."""

import json
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from rich.console import Console

from playworld.agents.dictionary import Dictionary
from playworld.agents.ppo import (
    PPOOptions,
    is_kept,
    load_agent,
    play_inside,
    save_agent,
    train_agent,
)
from playworld.agents.rewards import travel_right
from playworld.cli.command import Ended
from playworld.cli.parser import parse
from playworld.cli.progress import ProgressBars
from playworld.config import InputError
from playworld.studies.transfer import (
    TransferOptions,
    draw_curve,
    format_transfer,
    inside,
    made_from,
    transfer,
    translated,
)
from playworld.world import World
from tests.parts import missing

if reason := missing("stable_baselines3"):
    pytest.skip(reason, allow_module_level=True)
from stable_baselines3 import PPO  # noqa: E402

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
        minutes=9,
        total_timesteps=768,
        episodes=8,
        presses=16,
        frames=1,
        prompt_frames=1,
        learning_rate=2e-3,
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
    rows = inside(world, trained, prompts, FEW, lambda *_: None)
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


class Titles(ProgressBars):
    """Progress bars that remember their titles; at one of them somebody presses Ctrl-C."""

    def __init__(self, stop: str | None = None) -> None:
        super().__init__(Console())
        self.stop, self.shown = stop, []

    def __call__(self, title: str):
        def progress(done: int, total: int, note: str) -> None:
            if title == self.stop:
                raise KeyboardInterrupt

        self.shown.append(title)
        return progress


SHORT = TransferOptions(starts=2, games=2, max_steps=3, labels=20)


@pytest.mark.slow
def test_a_trained_agent_is_only_tried_again(tiny_world, expert, tmp_path):
    world, first, second = World.load(tiny_world), Titles(), Titles()
    reports = [transfer(world, expert, tmp_path, FEW, SHORT, bars) for bars in (first, second)]
    assert reports[0] == reports[1] and first.shown == ["ppo", *second.shown]
    assert not is_kept(tmp_path / "agent.zip", made_from(world, expert, replace(FEW, seed=1)))


def test_an_agent_that_was_kept_is_the_one_that_was_trained(tiny_world, tmp_path):
    world = World.load(tiny_world)
    prompts = torch.stack([picture[None] for _, picture in world.prompts()[:2]])
    trained, path = train_agent(world, prompts, FEW), tmp_path / "agent.zip"
    save_agent(trained, path, {"seed": 0})
    again = load_agent(path, world, prompts, FEW)
    seen = np.random.default_rng(0).integers(0, 256, (50, 2, 64, 64, 3), dtype=np.uint8)
    choices = []
    for agent in (trained, again):
        torch.manual_seed(0)
        choices.append(agent.choose(seen).tolist())
    assert choices[0] == choices[1] and again.curve == trained.curve
    assert is_kept(path, {"seed": 0}) and not is_kept(path, {"seed": 1})
    assert PPO.load(path).num_timesteps == 8


@pytest.mark.parametrize(("stop", "code"), [("ppo", 130), ("within the world", 75)])
def test_ctrl_c_says_what_is_kept(stop, code, tiny_world, expert, tmp_path):
    few = "--minutes 1e-6 --episodes 2 --presses 4 --frames 2 --prompts 2 --prompt-frames 1"
    args = [str(tiny_world), str(expert), str(tmp_path), *few.split()]
    args += "--starts 2 --games 2 --max-steps 3 --labels 20 --device cpu".split()
    kept = "the agent is trained and kept" if code == 75 else "half a training is not kept"
    with pytest.raises(Ended, match=kept) as ended:
        parse("agent", ["ppo", *args]).run(Console(), Titles(stop))
    assert ended.value.code == code and (tmp_path / "agent.zip").exists() == (code == 75)


def test_one_held_out_start_is_too_few_and_missed_before_the_training(tiny_world, clips, tmp_path):
    bars, long = Titles(), replace(FEW, prompt_frames=30)
    with pytest.raises(InputError, match="one held-out start"):
        transfer(World.load(tiny_world), clips, tmp_path, long, SHORT, bars)
    assert not bars.shown


def test_a_missing_simulator_is_missed_before_the_training(
    tiny_world, clips, tmp_path, monkeypatch
):
    monkeypatch.setattr("sys.platform", "darwin")
    bars = Titles()
    with pytest.raises(InputError, match="wheels are for Python 3.11 and 3.12 on Linux"):
        transfer(World.load(tiny_world), clips, tmp_path, FEW, SHORT, bars)
    assert not bars.shown


def test_recorded_levels_are_refused_before_the_training(tiny_world, expert, tmp_path):
    bars = Titles()
    with pytest.raises(InputError, match="level 0 is among the recordings"):
        transfer(World.load(tiny_world), expert, tmp_path, FEW, replace(SHORT, levels=0), bars)
    assert not bars.shown


@pytest.mark.parametrize(
    "wrong",
    [
        {"minutes": 0},
        {"frames": 0},
        {"steps": 0},
        {"gamma": 1.0},
        {"total_timesteps": 0},
        {"episodes": 1, "presses": 1},
        {"entropy": -0.1},
        {"entropy": float("nan")},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InputError):
        PPOOptions(**wrong)
    for few in ({"labels": 0}, {"starts": 1}, {"games": 1}):
        with pytest.raises(InputError):
            TransferOptions(**few)
