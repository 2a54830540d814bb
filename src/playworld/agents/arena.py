"""The real CoinRun, many levels side by side: where an agent shows what it has learned.

It looks and moves as the recordings do that the built-in world learned from, and an action is held
for as many game steps as one transition of a world spans.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from playworld.agents.options import ArenaOptions
from playworld.data.record.games import ACTION_NAMES
from playworld.data.record.procgen.install import procgen_python
from playworld.data.record.worker_process import WorkerProcess

SIDE = 64
"""Pixels along each side of a picture."""


@dataclass(frozen=True)
class Step:
    """What the games show after one press each."""

    frames: UInt8[np.ndarray, "N 64 64 3"]
    """Of a game that is over: its last picture."""
    rewards: Float[np.ndarray, " N"]
    """The sum over the held game steps: 10 for the coin."""
    over: Bool[np.ndarray, " N"]
    """Whether a game has ended, at this press or before; actions for it are ignored."""


class Arena:
    """Levels of the real game, each played once; game k is the same level for the same options.

    The same options and actions give the same pictures. The simulator runs in a child process that
    ends with the context: `with closing(Arena(ArenaOptions())) as arena: ...`.

    Raises:
        InputError: On a machine without Procgen.
    """

    def __init__(self, options: ArenaOptions) -> None:
        self.options = options
        self.games = options.games
        request = {
            "env": {
                "env_name": "coinrun",
                "distribution_mode": options.difficulty,
                "use_backgrounds": options.backgrounds,
                "restrict_themes": options.themes == "one",
            },
            "levels": list(options.played),
            "hold": options.hold,
            "max_steps": options.max_steps,
        }
        self._child = WorkerProcess(procgen_python(), "procgen/arena.py", request)

    def reset(self) -> UInt8[np.ndarray, "N 64 64 3"]:
        """Begin every level, or begin it again, and return the first pictures.

        Raises:
            RuntimeError: If the simulator has stopped, with its last words.
        """
        self._child.send(None)
        return self._answer().frames

    def step(self, actions: Sequence[int]) -> Step:
        """Press one of Procgen's actions, 0..14, in every game and return what follows.

        Raises:
            ValueError: If the actions are not one per game, each in 0..14.
            RuntimeError: If the simulator has stopped, with its last words.
        """
        pressed = [int(action) for action in actions]
        if len(pressed) != self.games:
            raise ValueError(
                f"step needs one action for each of {self.games} games: {len(pressed)}"
            )
        wrong = [action for action in pressed if not 0 <= action < len(ACTION_NAMES)]
        if wrong:
            raise ValueError(f"an action must be in 0..{len(ACTION_NAMES) - 1}, got {wrong[0]}")
        self._child.send(pressed)
        return self._answer()

    def close(self) -> None:
        """End the simulator; a second call does nothing."""
        self._child.close()

    def _answer(self) -> Step:
        N = self.games
        frames = np.frombuffer(self._child.read(N * SIDE * SIDE * 3), dtype=np.uint8)
        rewards = np.frombuffer(self._child.read(4 * N), dtype=np.float32)
        over = np.frombuffer(self._child.read(N), dtype=bool)
        # Copies, because bytes that were read cannot be written to.
        return Step(frames.reshape(N, SIDE, SIDE, 3).copy(), rewards.copy(), over.copy())
