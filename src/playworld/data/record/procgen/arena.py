"""Plays many levels of a Procgen game side by side, with actions that come from outside.

Runs as a script in an interpreter that has procgen, like `player.py`. The only argument is a JSON
request; then each line of standard input is `null` (begin every level again) or a list of one
action per game, and each answer is the pictures (N x 64 x 64 x 3 bytes), the rewards (N times
float32) and which games are over (N bytes). Only the standard library, numpy and procgen may be
imported.
"""

import json
import os
import sys
from typing import Any

import numpy as np


class Games:
    """N games, each of one level that is played once."""

    def __init__(self, env: dict[str, Any], levels: list[int], hold: int, max_steps: int) -> None:
        from procgen import ProcgenGym3Env

        # One simulator per level: a simulator of many games draws its levels as it likes.
        self.games = [
            ProcgenGym3Env(
                num=1, num_threads=0, rand_seed=0, num_levels=1, start_level=level, **env
            )
            for level in levels
        ]
        self.begin = [game.get_state() for game in self.games]
        self.hold = hold
        self.max_steps = max_steps
        self.reset()

    def reset(self) -> None:
        """Begin every level again."""
        for game, state in zip(self.games, self.begin, strict=True):
            game.set_state(state)
        self.steps = 0
        self.frames = np.stack([game.observe()[1]["rgb"][0] for game in self.games])
        self.rewards = np.zeros(len(self.games), dtype=np.float32)
        self.over = np.zeros(len(self.games), dtype=bool)

    def step(self, actions: list[int]) -> None:
        """Hold one action per game; nothing happens in a game that is over."""
        self.rewards[:] = 0
        for k, action in enumerate(actions):
            if not self.over[k]:
                self.press(k, action)
        self.steps += 1
        if self.steps == self.max_steps:
            self.over[:] = True

    def press(self, k: int, action: int) -> None:
        """Hold an action in game k; Procgen shows the next episode at once when one ends."""
        for _ in range(self.hold):
            self.games[k].act(np.array([action], dtype=np.int32))
            reward, observation, first = self.games[k].observe()
            self.rewards[k] += reward[0]
            if first[0]:
                self.over[k] = True
                return
            self.frames[k] = observation["rgb"][0]


def main() -> None:
    """Answer until standard input ends."""
    # Libraries that print must not print into the stream.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    games = Games(**json.loads(sys.argv[1]))
    for line in sys.stdin:
        actions = json.loads(line)
        if actions is None:
            games.reset()
        else:
            games.step(actions)
        out.write(games.frames.tobytes() + games.rewards.tobytes() + games.over.tobytes())
        out.flush()


if __name__ == "__main__":
    main()
