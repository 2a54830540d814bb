"""What a store of games holds, and what can be asked of it, wherever it is.

A game has one owner at a time. Whoever takes it up raises its epoch, and a change is written only
with the newest epoch: so of two replicas that believe to own a game one can go on.
"""

import enum
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


class Written(enum.StrEnum):
    """What became of a change."""

    OK = "ok"
    LOST = "lost"
    """Another owner has taken up the game."""
    GAP = "gap"
    """The store lacks what the change is based on; it takes the whole game."""


@dataclass(frozen=True)
class Change:
    """What is new in a game. Its first `base` frames stay, those after them are replaced."""

    state: bytes
    """What changes with every frame: where the player is, and how frames are drawn."""
    base: int
    about: Sequence[bytes]
    """How each new frame came about."""
    bodies: Sequence[bytes]
    """Each new frame itself."""
    head: bytes | None = None
    """What the game started from, where that is new."""
    snapshot: tuple[int, bytes] | None = None
    """Number of a frame, and the model's state after it, where there is a newer one than before."""


@dataclass(frozen=True)
class Kept:
    """A game, without the bodies of its frames."""

    epoch: int
    head: bytes
    """Empty before the first start."""
    state: bytes
    about: Sequence[bytes]


def first_epoch() -> int:
    """The epoch of a new game: above that of one with its id that was lost (milliseconds)."""
    return time.time_ns() // 10**6


@runtime_checkable
class Table(Protocol):
    """A table of games. Its methods block, and may be called from several threads."""

    def create(self, id: str) -> int:
        """A new game, or an empty one in place of what is there; returns its epoch."""

    def claim(self, id: str) -> int | None:
        """Become the owner: raises the epoch and returns it; None where there is no such game."""

    def epoch(self, id: str) -> int | None:
        """That of its owner."""

    def write(self, id: str, epoch: int, change: Change) -> Written:
        """Apply a change, all of it or nothing."""

    def read(self, id: str) -> Kept | None:
        """The game as it was written last."""

    def bodies(self, id: str, numbers: Sequence[int]) -> list[bytes]:
        """Some of its frames; those that are missing are left out."""

    def snapshot(self, id: str) -> tuple[int, bytes] | None:
        """The state that was written last, unless its frame has been replaced."""

    def add_picture(self, id: str, png: bytes, most: int) -> int | None:
        """Keep a picture of its player, and return its number; None where `most` are kept."""

    def picture(self, id: str, number: int) -> bytes | None:
        """A picture of its player."""

    def remove_picture(self, id: str, number: int) -> bool:
        """Delete one; False where it is not there."""

    def count_pictures(self, id: str) -> int | None:
        """How many are kept; None where there is no such game."""

    def note_figures(self, replica: str, text: str, seconds: float) -> dict[str, str]:
        """Keep the metrics of a replica for so long, and return those of all by their names."""

    def close(self) -> None:
        """Release what it holds."""
