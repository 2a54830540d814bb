"""Many episodes of one world as one Gymnasium vector environment. See docs/env.md."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from playworld.config import InputError
from playworld.world.env import EnvCore, Reward, Termination, check_options, check_ready
from playworld.world.sampler_config import SamplerConfig
from playworld.world.state import WorldState
from playworld.world.world import World


class WorldVectorEnv(VectorEnv[np.ndarray, Any, np.ndarray]):
    """Many episodes of one world, every step computed as one batch.

    Row i equals `WorldEnv` with the same seed and actions. Autoreset is as in Gymnasium's own
    vector environments: see `AutoresetMode`.
    """

    metadata = {
        "render_modes": ["rgb_array"],
        "render_fps": 10,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        world: str | Path | World = "coinrun",
        prompts: Sequence[Any] | None = None,
        reward: Reward | None = None,
        termination: Termination | None = None,
        sampler: SamplerConfig | None = None,
        device: str = "cpu",
        render_mode: str | None = None,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        """Open a world for `num_envs` episodes; the rest is as in `WorldEnv`.

        Args:
            num_envs: rows of the batch.
            world: see `WorldEnv`.
            prompts: see `WorldEnv`.
            reward: see `WorldEnv`; called once per row.
            termination: see `WorldEnv`; called once per row.
            sampler: see `WorldEnv`.
            device: see `WorldEnv`.
            render_mode: "rgb_array" or None.
            max_episode_steps: steps after which an episode is truncated; None or -1 for never.
            autoreset_mode: "NextStep": the next step resets the row, its action and reward do not
                count. "SameStep": the same step resets the row, the last frame of the episode is
                `infos["final_obs"]`. "Disabled": reset such rows with a `reset_mask`.

        Raises:
            InputError: if there is no such world or mode, or a prompt does not fit the world.
        """
        if num_envs < 1:
            raise InputError(f"num_envs must be at least 1, got {num_envs}")
        try:
            self._mode = AutoresetMode(autoreset_mode)
        except ValueError as error:
            known = ", ".join(mode.value for mode in AutoresetMode)
            raise InputError(
                f"autoreset_mode must be one of {known}, got {autoreset_mode!r}"
            ) from error
        self._core = EnvCore(world, prompts, device, render_mode)
        self._reward, self._termination, self._sampler = reward, termination, sampler
        self._limit = None if max_episode_steps == -1 else max_episode_steps
        self.num_envs, self.render_mode = num_envs, render_mode
        self.metadata = {
            **self.metadata,
            "render_fps": self.world.fps,
            "autoreset_mode": self._mode,
        }
        self.single_observation_space = self._core.observation_space
        self.single_action_space = self._core.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._generators = [seeding.np_random()[0] for _ in range(num_envs)]
        self._state: WorldState | None = None
        self._frames = np.zeros((num_envs, *self._core.observation_space.shape), np.uint8)
        self._steps = np.zeros(num_envs, np.int64)
        self._over = np.zeros(num_envs, np.bool_)

    @property
    def world(self) -> World:
        """The world that is played."""
        return self._core.world

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start all episodes, or some of them.

        Args:
            seed: row i gets seed + i; or one seed (or None) for each row.
            options: {"prompt": ...} for all rows as in `WorldEnv`, or {"prompts": [...]}, one for
                each; {"reset_mask": bool array} resets only the rows where it is True.

        Raises:
            InputError: if a prompt does not exist or does not fit, an option is unknown, or there
                is not one seed, prompt or bool per row.
        """
        if self.closed:
            raise ClosedEnvironmentError("this environment is closed; make another")
        B = self.num_envs
        given = check_options(options, ("prompt", "prompts", "reset_mask"))
        prompts = given.get("prompts", [given.get("prompt")] * B)
        seeds = [seed + i for i in range(B)] if isinstance(seed, int | np.integer) else seed
        seeds = [None] * B if seeds is None else list(seeds)
        mask = np.asarray(given.get("reset_mask", np.ones(B, np.bool_)))
        if len(seeds) != B or len(prompts) != B or mask.shape != (B,) or mask.dtype != np.bool_:
            raise InputError(f"one seed, one prompt and one bool for each of {B} rows is needed")
        rows = np.flatnonzero(mask)
        if not len(rows):
            raise InputError("reset_mask must be true for one row at least")
        if self._state is None and len(rows) < B:
            raise ResetNeeded("the first reset() is of all rows")
        for row in rows:
            if seeds[row] is not None:
                self._generators[row] = seeding.np_random(seeds[row])[0]
        infos = self._restart(rows, prompts, {})
        return self._frames.copy(), infos

    def step(
        self, actions: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Press one button per row for one frame.

        Raises:
            InputError: if there is not one action per row, or one is outside 0 to |A| - 1.
            ResetNeeded: before `reset`; and without autoreset, for a row that has ended.
            ClosedEnvironmentError: after `close`.
        """
        state = check_ready(self.closed, self._state)
        try:
            chosen = torch.as_tensor(np.asarray(actions).astype(np.int64, casting="same_kind"))
        except (TypeError, ValueError) as error:
            raise InputError(f"actions must be whole numbers, got {actions!r:.100}") from error
        if chosen.shape != (self.num_envs,) or chosen.is_floating_point():
            raise InputError(f"one action number for each of {self.num_envs} rows, got {actions}")
        on, ended = np.flatnonzero(~self._over), np.flatnonzero(self._over)
        if len(ended) and self._mode is AutoresetMode.DISABLED:
            raise ResetNeeded(f"rows {ended.tolist()} have ended: reset them by a reset_mask")
        before = self._frames.copy()
        if len(on):
            state = state if not len(ended) else state.rows(on.tolist())
            frames, state = self.world.step(state, chosen[torch.from_numpy(on)], self._sampler)
            self._put(on, frames.cpu().numpy(), state)
            self._steps[on] += 1
        nowhere = [None] * self.num_envs
        infos = self._restart(ended, nowhere, {}) if len(ended) else {}
        rewards = np.zeros(self.num_envs)
        terminated = np.zeros(self.num_envs, np.bool_)
        for row in on:
            if self._reward:
                rewards[row] = self._reward(before[row], int(chosen[row]), self._frames[row])
            if self._termination:
                terminated[row] = self._termination(self._frames[row])
        truncated = np.zeros(self.num_envs, np.bool_)
        if self._limit is not None:
            truncated[on] = self._steps[on] >= self._limit
        self._over = terminated | truncated
        if self._mode is AutoresetMode.SAME_STEP and self._over.any():
            ended = np.flatnonzero(self._over)
            for row in ended:
                last = {"final_obs": self._frames[row].copy(), "final_info": {}}
                infos = self._add_info(infos, last, int(row))
            infos = self._restart(ended, nowhere, infos)
        return self._frames.copy(), rewards, terminated, truncated, infos

    def render(self) -> tuple[np.ndarray, ...] | None:
        """The newest frame of every row, or None without a render mode."""
        check_ready(self.closed, self._state)
        return tuple(self._frames.copy()) if self.render_mode == "rgb_array" else None

    def close_extras(self) -> None:
        """Forget the episodes."""
        self._state = None

    def _restart(
        self, rows: np.ndarray, prompts: Sequence[Any], infos: dict[str, Any]
    ) -> dict[str, Any]:
        """Begin an episode in these rows; `infos` as of `reset`."""
        starts = [self._core.draw_start(self._generators[r], prompts[r]) for r in rows]
        self._put(rows, *self._core.start(starts))
        self._steps[rows], self._over[rows] = 0, False
        for row, start in zip(rows, starts, strict=True):
            infos = self._add_info(infos, start.info, row)
        return infos

    def _put(self, rows: np.ndarray, frames: np.ndarray, state: WorldState) -> None:
        """Make these the newest frames and state of some rows."""
        self._frames[rows] = frames
        if self._state is None or len(rows) == self.num_envs:
            self._state = state
            return
        order = np.arange(self.num_envs)
        order[rows] = self.num_envs + np.arange(len(rows))
        self._state = WorldState.cat([self._state, state]).rows(order.tolist())
