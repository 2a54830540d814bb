"""Plays games that are no part of Playworld, for create.py: raw frames and keys on standard output.

    VENV/bin/python benchmarks/create_player.py crafter --minutes 30

VENV has crafter or ale-py, and need not have Playworld. Keys are held for a few frames and then
drawn anew, those that walk more often than others. For every episode one line of JSON (`shape`,
`actions`, `names`, `fps`), then its frames, uint8.
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class Episode(NamedTuple):
    """One episode; the action is the one taken from each frame on."""

    frames: list[np.ndarray]
    actions: list[int]


LONGEST = 300
"""Frames of an episode."""
CRAFTER = {"none": 0, "left": 1, "right": 2, "up": 3, "down": 4, "use": 5}
"""Keys of Crafter: those that change what one sees without tools."""
PITFALL = {"none": 0, "right": 3, "left": 4, "down": 5, "up": 1, "right-up": 11, "left-up": 12}
"""Keys of Pitfall by the numbers of ALE's actions; fire jumps, and is called up."""


def held(choices: dict[str, int], weights: list[int], shortest: int, longest: int) -> Iterator[int]:
    """Positions of keys in `choices`, each held for some frames."""
    while True:
        (key,) = random.choices(range(len(choices)), weights)
        yield from [key] * random.randint(shortest, longest)


def crafter(seed: int) -> Iterator[Episode]:
    """A step is a frame: whoever walks goes on by a tile."""
    from crafter import Env

    numbers = list(CRAFTER.values())
    env = Env(size=(64, 64), length=LONGEST, seed=seed)
    while True:
        keys, frames, actions = held(CRAFTER, [2, 4, 4, 4, 4, 2], 1, 6), [env.reset()], []
        over = False
        while not over:
            key = next(keys)
            frame, _, over, _ = env.step(numbers[key])
            actions.append(key)
            frames.append(frame)
        yield Episode(frames[:-1], actions)


def pitfall(seed: int) -> Iterator[Episode]:
    """A frame is three of the console's; another start for each episode, as the game has one."""
    from ale_py import ALEInterface, LoggerMode, roms

    ALEInterface.setLoggerMode(LoggerMode.Error)
    ale = ALEInterface()
    ale.setInt("random_seed", seed)
    ale.setInt("frame_skip", 3)
    ale.setFloat("repeat_action_probability", 0.0)
    ale.loadROM(roms.get_rom_path("pitfall"))
    numbers = list(PITFALL.values())
    keys = held(PITFALL, [2, 6, 4, 1, 1, 4, 2], 3, 20)
    while True:
        frames: list[np.ndarray] = []
        actions: list[int] = []
        while len(frames) < LONGEST:
            if ale.game_over():
                ale.reset_game()
                if frames:
                    break
            key = next(keys)
            frames.append(ale.getScreenRGB())
            actions.append(key)
            ale.act(numbers[key])
        yield Episode(frames, actions)


GAMES = {"crafter": (crafter, CRAFTER, 10), "pitfall": (pitfall, PITFALL, 20)}
"""Player, keys, and frames per second."""


def main() -> None:
    """Write episodes until they have so many minutes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("game", choices=GAMES)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    play, keys, fps = GAMES[asked.game]
    random.seed(asked.seed)
    missing = round(60 * fps * asked.minutes)
    for episode in play(asked.seed):
        frames = np.stack(episode.frames).astype(np.uint8)
        head = {
            "shape": frames.shape,
            "actions": episode.actions,
            "names": list(keys),
            "fps": fps,
        }
        sys.stdout.buffer.write(json.dumps(head).encode() + b"\n")
        sys.stdout.buffer.write(frames.tobytes())
        missing -= len(frames)
        if missing <= 0:
            return


if __name__ == "__main__":
    main()
