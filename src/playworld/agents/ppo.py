"""An agent that learns by trial within a world, and nowhere else (PPO, arXiv:1707.06347)."""

import io
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from playworld.agents.options import PPOOptions
from playworld.agents.rewards import travel_right
from playworld.atomic import write_whole
from playworld.config import InputError
from playworld.progress import Progress, silent
from playworld.world import World
from playworld.world.env import Reward

Chooser = Callable[[UInt8[np.ndarray, "N F H W 3"]], Int[np.ndarray, " N"]]
"""From the newest frames of N episodes, oldest first, to one button for each."""
METADATA_FILE = "playworld.json"
"""File within agent.zip that says what made the agent; Stable-Baselines3 passes it over."""
MIN_SIZE = 36
"""Pixels along a side that the network's convolutions (Nature, 2015) need."""


@dataclass(frozen=True)
class Trained:
    """An agent and how it came about."""

    choose: Chooser
    """Draws a button, each as likely as the agent thinks it good, with PyTorch's own generator."""
    curve: list[dict[str, Any]]
    """One entry for each round of episodes: presses and minutes so far, the mean reward of an
    episode, and the share of each button."""
    save: Callable[[io.BytesIO], None]
    """Writes a file that `stable_baselines3.PPO.load` opens."""


def train_agent(
    world: World,
    prompts: UInt8[Tensor, "N P H W 3"],
    options: PPOOptions,
    progress: Progress = silent,
    reward: Reward = travel_right,
) -> Trained:
    """Train a small convolutional network with PPO until the time is over.

    Raises:
        InputError: without Stable-Baselines3, or for frames too small for its network.
    """
    if min(world.height, world.width) < MIN_SIZE:
        size = f"{world.width}x{world.height}"
        raise InputError(f"the agent's network needs frames of {MIN_SIZE} pixels, not {size}")
    from playworld.agents.stable_baselines import learner

    agent = learner(world, prompts, options, reward)
    curve: list[dict[str, Any]] = []
    begun, minutes = time.monotonic(), 0.0
    while minutes < options.minutes and agent.num_timesteps < (options.total_timesteps or math.inf):
        agent.learn(options.episodes * options.presses, reset_num_timesteps=False)
        minutes = (time.monotonic() - begun) / 60
        pressed = agent.rollout_buffer.actions.astype(int).flatten()
        shares = np.bincount(pressed, minlength=world.num_actions) / pressed.size
        curve.append(
            {
                "presses": agent.num_timesteps,
                "minutes": minutes,
                "reward": float(np.mean([episode["r"] for episode in agent.ep_info_buffer or ()])),
                "buttons": shares.round(3).tolist(),
            }
        )
        done, whole = (int(60 * m) for m in (minutes, options.minutes))
        progress(min(done, whole), whole, f"{curve[-1]['reward']:.1f} per episode")
    return Trained(_chooser(agent), curve, agent.save)


def save_agent(trained: Trained, path: Path, inputs: dict[str, Any]) -> None:
    """Write agent.zip, whole or not at all; it says itself which inputs made it, and its curve."""
    content = io.BytesIO()
    trained.save(content)
    with ZipFile(content, "a") as archive:
        archive.writestr(METADATA_FILE, json.dumps({"inputs": inputs, "curve": trained.curve}))
    write_whole(path, content.getvalue())


def is_kept(path: Path, inputs: dict[str, Any]) -> bool:
    """Whether an agent that these inputs made lies there."""
    try:
        return _metadata(path)["inputs"] == json.loads(json.dumps(inputs))
    except (OSError, KeyError, ValueError, BadZipFile):  # none, or another program's
        return False


def load_agent(
    path: Path, world: World, prompts: UInt8[Tensor, "N P H W 3"], options: PPOOptions
) -> Trained:
    """What `save_agent` wrote for this world and these options; nothing is unpickled."""
    from playworld.agents.stable_baselines import learner

    agent = learner(world, prompts, options, travel_right)
    agent.set_parameters(str(path), device=world.device)
    return Trained(_chooser(agent), _metadata(path)["curve"], agent.save)


def _metadata(path: Path) -> dict[str, Any]:
    with ZipFile(path) as archive:
        return json.loads(archive.read(METADATA_FILE))


def _chooser(agent: Any) -> Chooser:
    def choose(observed: UInt8[np.ndarray, "N F H W 3"]) -> Int[np.ndarray, " N"]:
        return agent.predict(np.concatenate(list(observed.swapaxes(0, 1)), axis=-1))[0]

    return choose


def play_inside(
    world: World,
    prompts: UInt8[Tensor, "N P H W 3"],
    choose: Chooser,
    options: PPOOptions,
    seed: int = 0,
) -> UInt8[Tensor, "N K H W 3"]:
    """One episode from each prompt; frame 0 of K is where it starts. Row k's noise is seed + k."""
    frames, state = world.start(prompts, [seed + row for row in range(len(prompts))])
    film = [frames.cpu()]
    for _ in range(options.presses):
        observed = torch.stack([film[0]] * options.frames + film, dim=1)[:, -options.frames :]
        buttons = torch.from_numpy(np.asarray(choose(observed.numpy())))
        frames, state = world.step(state, buttons, world.sampler(options.steps), in_place=True)
        film.append(frames.cpu())
    return torch.stack(film, dim=1)
