"""A world as a Gymnasium environment, registered by its import. See docs/env.md."""

import copy
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from jaxtyping import UInt8
from torch import Tensor

from playworld.config import InputError, did_you_mean
from playworld.world import registration  # noqa: F401
from playworld.world.sampler_config import SamplerConfig
from playworld.world.state import WorldState
from playworld.world.world import World

Reward = Callable[[np.ndarray, int, np.ndarray], float]
"""What a step is worth, from the frame before, the action, and the frame that it gave."""
Termination = Callable[[np.ndarray], bool]
"""Whether an episode is over, from the newest frame."""


@dataclass(frozen=True)
class EpisodeStart:
    """How an episode starts."""

    video: UInt8[Tensor, "P H W 3"]
    prompt: int
    """Number of the prompt, or -1 for pictures given to `reset`."""
    seed: int
    """Of the world's randomness."""

    @property
    def info(self) -> dict[str, Any]:
        """The `info` that `reset` returns."""
        return {"prompt": self.prompt, "seed": self.seed}


class EnvCore:
    """What one environment and a batch of them have in common."""

    def __init__(
        self,
        world: str | Path | World,
        prompts: Sequence[Any] | None,
        device: str,
        render_mode: str | None,
    ) -> None:
        if render_mode not in (None, "rgb_array"):
            raise InputError(f"render_mode must be 'rgb_array' or None, got {render_mode!r}")
        self.world = world if isinstance(world, World) else World.load(world, device)
        self.size = (self.world.height, self.world.width, 3)
        own = [picture for _, picture in self.world.prompts()]
        self.prompts = [self.video(images) for images in (own if prompts is None else prompts)]
        self.observation_space = spaces.Box(0, 255, self.size, np.uint8)
        self.action_space = spaces.Discrete(self.world.num_actions)

    def video(self, images: Any) -> UInt8[Tensor, "P H W 3"]:
        """One picture, or several of them oldest first, as frames that `World.start` takes."""
        try:
            video = torch.as_tensor(images if isinstance(images, Tensor) else np.array(images))
        except (TypeError, ValueError) as error:
            raise InputError(f"a prompt must be pictures, got {images!r:.100}") from error
        video = video[None] if video.ndim == 3 else video
        if video.dtype != torch.uint8 or video.shape[1:] != self.size or not len(video):
            wanted = f"uint8 pictures {self.size}, one or a stack of them"
            raise InputError(f"a prompt must be {wanted}, got {video.dtype} {list(video.shape)}")
        return video.cpu().clone()

    def draw_start(self, generator: np.random.Generator, prompt: Any) -> EpisodeStart:
        """Draw the seed of an episode and, unless it is given, the prompt."""
        # Both are always drawn, so that naming a prompt leaves all else as it was.
        seed = int(generator.integers(2**63))
        number = int(generator.integers(max(len(self.prompts), 1)))
        if isinstance(prompt, int | np.integer) and not isinstance(prompt, bool):
            number = int(prompt)
        elif prompt is not None:
            return EpisodeStart(self.video(prompt), -1, seed)
        if not self.prompts:
            raise InputError("this world has no pictures to start from: give some as prompts=[...]")
        if not 0 <= number < len(self.prompts):
            raise InputError(f"prompt must be in 0..{len(self.prompts) - 1}, got {number}")
        return EpisodeStart(self.prompts[number], number, seed)

    def start(
        self, starts: Sequence[EpisodeStart]
    ) -> tuple[UInt8[np.ndarray, "B H W 3"], WorldState]:
        """First frames of several episodes; those with prompts of one length go as one batch."""
        lengths = [len(s.video) for s in starts]
        order = sorted(range(len(lengths)), key=lengths.__getitem__)
        frames, states = [], []
        for length in sorted(set(lengths)):
            group = [s for s in starts if len(s.video) == length]
            images = torch.stack([s.video for s in group])
            frame, state = self.world.start(images, [s.seed for s in group])
            frames.append(frame)
            states.append(state)
        back = np.argsort(order)
        return torch.cat(frames).cpu().numpy()[back], WorldState.cat(states).rows(back.tolist())


def check_options(options: Mapping[str, Any] | None, known: Sequence[str]) -> dict[str, Any]:
    """The options of a reset, none of them misspelt."""
    for name in options or {}:
        if name not in known:
            raise InputError(f"unknown option {name!r} of reset, {did_you_mean(name, known)}")
    return dict(options or {})


def check_ready(closed: bool, state: WorldState | None) -> WorldState:
    """The state of what has been reset and not been closed."""
    if closed:
        raise ClosedEnvironmentError("this environment is closed; make another")
    if state is None:
        raise ResetNeeded("call reset() before step() and render()")
    return state


class WorldEnv(gymnasium.Env[np.ndarray, int | np.integer]):
    """A world as an environment: RGB frames, one action per button.

    Frames are a pure function of the seed given to `reset` and the actions since. A deep copy is a
    branch for planning: it continues independently, with shared weights.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(
        self,
        world: str | Path | World = "coinrun",
        prompts: Sequence[Any] | None = None,
        reward: Reward | None = None,
        termination: Termination | None = None,
        sampler: SamplerConfig | None = None,
        device: str = "cpu",
        render_mode: str | None = None,
    ) -> None:
        """Open a world.

        Args:
            world: as `World.load` takes it, or a `World`, which is then shared.
            prompts: where episodes start, one of these at random: each a picture (H, W, 3) uint8,
                or a stack of them, oldest first. The world's own pictures if not given.
            reward: of (frame before, action, frame); 0.0 if not given.
            termination: of the newest frame; never if not given.
            sampler: sampler settings; the world's own if not given.
            device: device of a world that is opened here.
            render_mode: "rgb_array" or None.

        Raises:
            InputError: if there is no such world, or a prompt does not fit it.
        """
        self._core = EnvCore(world, prompts, device, render_mode)
        self._reward, self._termination, self._sampler = reward, termination, sampler
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "render_fps": self.world.fps}
        self.observation_space = self._core.observation_space
        self.action_space = self._core.action_space
        self._state: WorldState | None = None
        self._closed = False

    @property
    def world(self) -> World:
        """The world that is played."""
        return self._core.world

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: determines this episode and, as the random stream continues, all later ones.
            options: {"prompt": ...}, the number of a prompt, or a picture or stack of pictures.

        Returns:
            The last prompt frame as reconstructed, and the prompt's number and world's seed.

        Raises:
            InputError: if the prompt does not exist or does not fit, or an option is unknown.
        """
        if self._closed:
            raise ClosedEnvironmentError("this environment is closed; make another")
        super().reset(seed=seed)
        start = self._core.draw_start(
            self.np_random, check_options(options, ("prompt",)).get("prompt")
        )
        (self._frame,), self._state = self._core.start([start])
        return self._frame.copy(), start.info

    def step(
        self, action: int | np.integer
    ) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Press a button for one frame.

        Raises:
            InputError: if the action is outside 0 to |A| - 1.
            ResetNeeded: before `reset`.
            ClosedEnvironmentError: after `close`.
        """
        state = check_ready(self._closed, self._state)
        before, button = self._frame, operator.index(action)
        frames, self._state = self.world.step(state, [button], self._sampler)
        self._frame = frames[0].cpu().numpy()
        reward = self._reward(before, button, self._frame) if self._reward else 0.0
        over = bool(self._termination(self._frame)) if self._termination else False
        return self._frame.copy(), float(reward), over, False, {}

    def render(self) -> np.ndarray | None:
        """The newest frame, or None without a render mode."""
        check_ready(self._closed, self._state)
        return self._frame.copy() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Discard the episode; closing twice is allowed."""
        self._closed, self._state = True, None

    def __deepcopy__(self, memo: dict[int, Any]) -> "WorldEnv":
        memo[id(self.world)] = self.world
        branch = object.__new__(type(self))
        memo[id(self)] = branch
        branch.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return branch
