"""Films of procedural games: a seed makes a game, a player plays it, a screen shows it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from jaxtyping import UInt8

from playworld.data.record.zoo.game import Game
from playworld.data.record.zoo.player import HELD
from playworld.data.record.zoo.screen import Screen

Keys = tuple[tuple[int, int], ...]
"""Left or right and down or up, -1, 0 or 1, for each frame."""


@dataclass(frozen=True)
class ZooFilm:
    """One episode, played already and drawn when it is asked for."""

    seed: int
    size: tuple[int, int]
    """Width and height in pixels."""
    held: Keys
    about: dict[str, object]
    """Facts about the game, for information."""
    platforms: bool = False
    """Whether it is a platform game whose view moves as one jumps."""

    @property
    def keys(self) -> tuple[int, ...]:
        """What was held from each frame on, numbered as in `games.ACTION_NAMES`."""
        return tuple((dx + 1) * 3 + up + 1 for dx, up in self.held)

    def frames(self) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
        """The pictures, one after the other."""
        game = Game(self.seed, self.size, self.platforms)
        screen = Screen(game)
        for dx, up in self.held:
            yield screen.picture()
            game.step(dx, up)


def films(
    seeds: range, frames: int, size: tuple[int, int], platforms: bool = False
) -> Iterator[ZooFilm]:
    """One film of `frames` frames per seed; `size` is width and height in pixels.

    A film depends on its seed and its size alone, and a shorter one is the beginning of a longer.
    """
    return (film(seed, frames, size, platforms) for seed in seeds)


def film(seed: int, frames: int, size: tuple[int, int], platforms: bool = False) -> ZooFilm:
    """Make the game of a seed, and play it for so many frames."""
    game = Game(seed, size, platforms)
    keys = tuple(islice(_played(game), frames))
    return ZooFilm(seed, size, keys, game.about(), platforms)


def _played(game: Game) -> Iterator[tuple[int, int]]:
    for dx, up in game.player.keys():
        for _ in range(HELD):
            yield dx, up
            game.step(dx, up)
