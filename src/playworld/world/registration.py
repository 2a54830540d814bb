"""Makes the environment "playworld/World-v0" known to Gymnasium."""

import gymnasium

gymnasium.register(
    "playworld/World-v0",
    entry_point="playworld.world.env:WorldEnv",
    vector_entry_point="playworld.world.vector_env:WorldVectorEnv",
    max_episode_steps=1000,
)
