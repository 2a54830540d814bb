"""What a player achieves in games: levels solved, presses taken, the way made to the right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8

from playworld.agents.arena import Step
from playworld.agents.dictionary import Dictionary
from playworld.agents.moves import MOVES
from playworld.agents.policy import Policy
from playworld.evaluate.movement import displacement

Player = Callable[[UInt8[np.ndarray, "N F H W 3"]], Sequence[int]]
"""From the newest frames of games that are still going to one of Procgen's actions for each."""


@runtime_checkable
class VectorGames(Protocol):
    """Games side by side, such as `Arena`."""

    @property
    def games(self) -> int:
        """How many."""

    def reset(self) -> UInt8[np.ndarray, "N H W 3"]:
        """Begin each, and return the first pictures."""

    def step(self, actions: Sequence[int]) -> Step:
        """One press for each."""


@dataclass(frozen=True)
class Outcome:
    """How games went."""

    solved: Bool[np.ndarray, " N"]
    """Whether the coin was reached."""
    presses: Int[np.ndarray, " N"]
    """Until the game was over."""
    travel: Float[np.ndarray, " N"] | None
    """Pixels to the right, summed over the game; None where it was not asked for."""


def play_games(
    games: VectorGames, player: Player, frames: int = 1, travel: bool = False
) -> Outcome:
    """Play every game from its beginning to its end.

    Args:
        games: what is played.
        player: is asked before every press, about the games that are still going.
        frames: newest frames that it sees, oldest first; a game begins with its first repeated.
        travel: whether to measure the way to the right, by registering pictures (0.7 ms a press).
    """
    N = games.games
    observed = np.repeat(games.reset()[:, None], frames, axis=1)
    solved, going = np.zeros(N, dtype=bool), np.ones(N, dtype=bool)
    presses, way = np.zeros(N, dtype=np.int64), np.zeros(N, dtype=np.float32)
    actions = np.full(N, MOVES[0])
    while going.any():
        actions[going] = player(observed[going])
        step = games.step(actions.tolist())
        if travel:
            way[going] += _to_the_right(observed[going, -1], step.frames[going])
        solved |= step.rewards > 0
        presses += going
        going = ~step.over
        observed = np.concatenate([observed[:, 1:], step.frames[:, None]], axis=1)
    return Outcome(solved, presses, way if travel else None)


def _to_the_right(
    before: UInt8[np.ndarray, "N H W 3"], after: UInt8[np.ndarray, "N H W 3"]
) -> Float[np.ndarray, " N"]:
    """The camera follows: where the picture goes left, the player goes right."""
    return -displacement(torch.from_numpy(before), torch.from_numpy(after)).xy[:, 0].numpy()


def random_player(seed: int) -> Player:
    """Presses any of the six moves that CoinRun distinguishes, each as likely."""
    rng = np.random.default_rng(seed)
    return lambda observed: rng.choice(MOVES, len(observed)).tolist()


def steady_player(move: int) -> Player:
    """Presses one of Procgen's actions all the time: what can be had without looking."""
    return lambda observed: [move] * len(observed)


def policy_player(
    policy: Policy, dictionary: Dictionary | None, seed: int, temperature: float = 1.0
) -> Player:
    """Plays what a policy chooses; `dictionary` turns latent choices into true moves.

    Args:
        policy: what chooses.
        dictionary: needed where its choices are latent actions.
        seed: of the draws.
        temperature: of the choice; 0 takes the likeliest.
    """
    if (policy.config.meaning == "latent") != (dictionary is not None):
        raise ValueError("a policy of latent actions needs a dictionary, one of true ones has none")
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)

    def play(observed: UInt8[np.ndarray, "N F H W 3"]) -> list[int]:
        logits = policy.logits(torch.from_numpy(observed))
        if temperature > 0:
            chances = (logits / temperature).softmax(dim=-1)
            chosen = chances.multinomial(1, generator=generator)[:, 0].tolist()
        else:
            chosen = logits.argmax(dim=-1).tolist()
        moves: Any = dictionary.translate(chosen, rng) if dictionary else chosen
        return [MOVES[move] for move in moves]

    return play
