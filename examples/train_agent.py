"""Train an agent inside a world, with PPO from Stable-Baselines3.

    pip install 'playworld[agents]'
    python examples/train_agent.py --world coinrun --steps 20000 --out agent.zip

The world is the only place the agent ever acts in. A reward is a function of the frame before, the
action and the frame after: here, pixels to the right. `playworld agent ppo` also plays the game.
"""

import argparse

import gymnasium
import numpy as np
from stable_baselines3 import PPO

import playworld  # noqa: F401  (registers playworld/World-v0)
from playworld.agents.rewards import travel_right
from playworld.agents.stable_baselines import WorldVecEnv


def mean_return(envs: WorldVecEnv, agent: PPO | None, presses: int) -> float:
    """Mean reward of an episode, of the agent or of random buttons."""
    seen, total = envs.reset(), 0.0
    for _ in range(presses):
        random = [envs.action_space.sample() for _ in range(envs.num_envs)]
        actions = agent.predict(seen)[0] if agent else np.array(random)
        seen, rewards, _, _ = envs.step(actions)
        total += float(rewards.mean())
    return total


def main() -> None:
    """Learn, then compare with random buttons."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", default="coinrun", help="folder, or name of a built-in world")
    parser.add_argument("--steps", type=int, default=20_000, help="presses, over all episodes")
    parser.add_argument("--episodes", type=int, default=16, help="played side by side, one batch")
    parser.add_argument("--presses", type=int, default=16, help="length of an episode")
    parser.add_argument("--out", default="agent.zip")
    args = parser.parse_args()
    envs = WorldVecEnv(
        gymnasium.make_vec(
            "playworld/World-v0",
            num_envs=args.episodes,
            world=args.world,
            reward=lambda *step: travel_right(*step) / 10,  # PPO learns best near 1
            max_episode_steps=args.presses,
        ),
        stack=3,
    )
    agent = PPO("CnnPolicy", envs, n_steps=args.presses, batch_size=64, n_epochs=6, verbose=1)
    agent.learn(args.steps)
    agent.save(args.out)
    for name, who in (("random", None), ("agent", agent)):
        print(f"{name}: {10 * mean_return(envs, who, args.presses):.1f} pixels per episode")


if __name__ == "__main__":
    main()
