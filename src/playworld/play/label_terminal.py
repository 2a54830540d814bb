"""Asking in a terminal which key was pressed at short moments of video."""

import os
import shutil
import time
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import UInt8

from playworld.play.halfblocks import HalfBlockCanvas, many_colours
from playworld.play.terminal import HUNG_UP, Keys, borrowed, check_terminal, wrap, write

SLOWER = 2.0
"""Times as long as in the video that a frame is shown."""
REST = 3
"""Frames for which the last one stays before a film begins again."""
BACK, SKIP, NOTHING, END = "\x7f", "\t", ".", "\n"
"""Backspace, Tab, a full stop and Enter: every letter, digit and arrow can be a key of a game."""
NAMES = {"←": "left", "→": "right", "↑": "up", "↓": "down", " ": "jump", NOTHING: "none"}
"""What keys are called that have no letter."""
HELP = (
    " the key that was pressed: an arrow, Space, a letter ",
    " . none ",
    " Tab not sure ",
    " Backspace one back ",
    " Enter end ",
)


def key_name(key: str, names: Mapping[str, str]) -> str:
    """What a typed key is called, by these names before the usual ones; empty for none."""
    return (NAMES | dict(names)).get(key, key if key.isprintable() else "")


class LabelGame:
    """The films in turn, and the keys that were pressed for them. Time is passed in."""

    def __init__(
        self,
        films: Sequence[UInt8[np.ndarray, "T H W 3"]],
        change: int,
        fps: float,
        names: Mapping[str, str],
    ) -> None:
        """Films whose key leads from frame `change` to the next, and names of typed keys."""
        self.films, self.change, self.fps = films, change, fps
        self.names = names
        self.given: dict[int, str] = {}
        """The name of the key of each film that has one."""
        self._place = 0
        self._ended = False

    @property
    def over(self) -> bool:
        """Whether every film was seen, or the player has ended it."""
        return self._ended or self._place >= len(self.films)

    def press(self, key: str) -> None:
        """Take a key."""
        if self.over:
            return
        if key in (END, HUNG_UP):
            self._ended = True
        elif key == BACK:
            self._place = max(0, self._place - 1)
            self.given.pop(self._place, None)
        elif key == SKIP:
            self._place += 1
        elif name := key_name(key, self.names):
            self.given[self._place] = name
            self._place += 1

    def number(self, now: float) -> int:
        """The frame of the film that is shown at this time."""
        frames = len(self.films[self._place])
        return min(int(now * self.fps / SLOWER) % (frames + REST), frames - 1)

    def frame(self, now: float) -> UInt8[np.ndarray, "H W 3"]:
        """The picture that is shown at this time."""
        return self.films[self._place][self.number(now)]

    def lines(self, now: float, columns: int) -> list[str]:
        """What stands below the picture."""
        at = self.number(now) in (self.change, self.change + 1)
        asked = "[ now ]" if at else "  now  "
        where = f" moment {self._place + 1} of {len(self.films)}: which key was pressed {asked}? "
        last = self.given.get(self._place - 1)
        return [*wrap([where, f" before: {last} " if last else ""], columns), *wrap(HELP, columns)]


def ask(
    films: Sequence[UInt8[np.ndarray, "T H W 3"]],
    change: int,
    fps: float,
    names: Mapping[str, str],
    stdin: int = 0,
    stdout: int = 1,
) -> dict[int, str]:
    """Ask for the key of every film; ends with the last, with Enter or Ctrl-C.

    Returns:
        By the film's position the name of its key.

    Raises:
        InputError: if there is no terminal.
    """
    check_terminal(stdin, stdout, "labelling")
    game, keys = LabelGame(films, change, fps, names), Keys(stdin)
    canvas = HalfBlockCanvas(many_colours())
    with borrowed(stdin, stdout):
        while not game.over:
            now, size = time.monotonic(), os.get_terminal_size(stdout)
            columns, rows = size if all(size) else shutil.get_terminal_size()
            write(stdout, canvas.draw(game.frame(now), game.lines(now, columns), columns, rows))
            for key in keys.read(SLOWER / fps / 2):
                game.press(key)
    return game.given
