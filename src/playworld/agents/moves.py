"""The true actions of CoinRun: which of Procgen's are the same there, and their names."""

from playworld.config import InputError
from playworld.data.record.games import ACTION_NAMES, GAMES

MOVES = GAMES["coinrun"]
"""Procgen's numbers of the six actions that CoinRun distinguishes."""
NAMES = tuple(ACTION_NAMES[move] for move in MOVES)
"""What they are called."""
UNKNOWN = -1
"""In place of a move where none was recorded."""


def move_of(name: str) -> int:
    """The index into `MOVES` of any of Procgen's actions: "down" and the six keys do nothing.

    Raises:
        InputError: for a name that Procgen has not.
    """
    if name not in ACTION_NAMES:
        raise InputError(
            f"action {name!r} is none of Procgen's: true actions are needed only from recordings "
            "of CoinRun (playworld record coinrun)"
        )
    number = ACTION_NAMES.index(name)
    across, up = divmod(number, 3) if number < 9 else (1, 1)
    return MOVES.index(across * 3 + max(up, 1))
