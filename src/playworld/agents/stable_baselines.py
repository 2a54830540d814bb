"""Stable-Baselines3 in a world: an environment as it wants one, and its PPO."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from jaxtyping import UInt8
from torch import Tensor

from playworld.agents.options import PPOOptions
from playworld.config import InputError
from playworld.world import World
from playworld.world.env import Reward

try:
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import VecEnv, VecMonitor, VecNormalize
    from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn
except ImportError as error:
    raise InputError(
        "this needs Stable-Baselines3, which is not installed: pip install 'playworld[agents]'"
    ) from error


class WorldVecEnv(VecEnv):
    """A vector environment of worlds for Stable-Baselines3.

    It differs in two ways from `gymnasium.make_vec`. An episode that ended is reset in the same
    step: its last observation is `infos[row]["terminal_observation"]`, and the returned one is the
    first of the next episode. And an observation is the newest `stack` frames as one picture of
    3 x `stack` channels, oldest first, so that it shows motion; at the start of an episode the
    first frame is repeated.
    """

    def __init__(self, envs: VectorEnv, stack: int = 1) -> None:
        """Args: `stack` frames of each of the environments are one observation."""
        if stack < 1:
            raise InputError(f"stack must be at least 1, got {stack}")
        if envs.metadata.get("autoreset_mode") is AutoresetMode.SAME_STEP:
            raise InputError("this resets by itself: pass envs with autoreset_mode 'Disabled'")
        self.envs, self.stack = envs, stack
        height, width, channels = envs.single_observation_space.shape or ()
        space = spaces.Box(0, 255, (height, width, channels * stack), np.uint8)
        super().__init__(envs.num_envs, space, envs.single_action_space)
        self._seen = np.zeros((envs.num_envs, *space.shape), np.uint8)
        self._actions = np.zeros(envs.num_envs, np.int64)

    def reset(self) -> UInt8[np.ndarray, "B H W C"]:
        """Start all episodes."""
        seeds: Any = list(self._seeds)  # gymnasium's types know only one for all
        frames, _ = self.envs.reset(seed=seeds)
        self._reset_seeds()
        self._seen[:] = np.tile(frames, self.stack)
        return self._seen.copy()

    def step_async(self, actions: np.ndarray) -> None:
        """Remember what to press."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Press it; start the episodes that end with it anew."""
        frames, rewards, terminated, truncated, _ = self.envs.step(self._actions)
        self._seen = np.concatenate([self._seen[..., frames.shape[-1] :], frames], axis=-1)
        over = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for row in np.flatnonzero(over):
            infos[row]["terminal_observation"] = self._seen[row].copy()
            infos[row]["TimeLimit.truncated"] = bool(truncated[row] and not terminated[row])
        if over.any():
            frames, _ = self.envs.reset(options={"reset_mask": over})
            self._seen[over] = np.tile(frames[over], self.stack)
        return self._seen.copy(), rewards.astype(np.float32), over, infos

    def close(self) -> None:
        """Forget the episodes."""
        self.envs.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The same for every row, as they are one environment."""
        return [getattr(self.envs, attr_name)] * len(self._rows(indices))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set it for all rows at once."""
        setattr(self.envs, attr_name, value)

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: VecEnvIndices = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Call it once for all rows."""
        answer = getattr(self.envs, method_name)(*method_args, **method_kwargs)
        return [answer] * len(self._rows(indices))

    def env_is_wrapped(self, wrapper_class: type, indices: VecEnvIndices = None) -> list[bool]:
        """No row is."""
        return [False] * len(self._rows(indices))

    def _rows(self, indices: VecEnvIndices) -> Sequence[int]:
        return list(self._get_indices(indices))


def learner(
    world: World, prompts: UInt8[Tensor, "N P H W 3"], options: PPOOptions, reward: Reward
) -> PPO:
    """PPO before it has learned anything, and episodes that start from these prompts."""
    envs = gymnasium.make_vec(
        "playworld/World-v0",
        num_envs=options.episodes,
        world=world,
        prompts=list(prompts),
        reward=reward,
        sampler=world.sampler(options.steps),
        max_episode_steps=options.presses,
    )
    watched = VecMonitor(WorldVecEnv(envs, options.frames))
    # Policy and value share layers: for rewards in pixels, the value's gradient would drown all.
    scaled = VecNormalize(watched, norm_obs=False, gamma=options.gamma)
    return PPO(
        "CnnPolicy",
        scaled,
        n_steps=options.presses,
        batch_size=min(64, options.episodes * options.presses),
        n_epochs=options.n_epochs,
        learning_rate=options.learning_rate,
        gamma=options.gamma,
        gae_lambda=0.9,
        ent_coef=options.entropy,
        seed=options.seed,
        policy_kwargs={"features_extractor_kwargs": {"features_dim": 128}},
        stats_window_size=options.episodes,
        device=world.device,
    )
