"""Playing in a terminal: half-block characters, keys as they come, over ssh too."""

import contextlib
import os
import re
import select
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import UInt8
from rich.cells import cell_len
from torch import Tensor

from playworld.config import InputError
from playworld.play.halfblocks import END, UPPER_HALF, HalfBlockCanvas, many_colours
from playworld.play.layout import ARROWS, held_together, layout
from playworld.signals import handling
from playworld.world import World

LOOK_AGAIN = 0.2
"""Seconds after which the size of the terminal is looked at again, key or no key."""
MARKED = 0.5
"""Seconds for which a button that was pressed is marked."""
WINDOW = 2.0
"""Seconds over which frames per second are counted."""
ENTER = "\x1b[?1049h\x1b[?25l"
"""To the other screen, so that what stood on this one comes back; no cursor."""
LEAVE = f"{END}\x1b[0m\x1b[?25h\x1b[?1049l"
SEQUENCE = rb"\x1b[\[O][ -?]*"
KEY = re.compile(SEQUENCE + rb"([@-~])|" + SEQUENCE + rb"(?=[^ -~])|\x1b(?=[^\[O])|([^\x1b])", re.S)
"""A cursor key or another sequence; one that is damaged; a lone Escape; anything else."""
CURSOR = {b"A": "↑", b"B": "↓", b"C": "→", b"D": "←"}
TOGETHER = 0.5
"""Seconds for which an arrow counts as held while the next is pressed: a terminal cannot say when a
key is let go, and repeats the newest one only, after about as long."""
HELP = (
    " r again ",
    " n next picture ",
    " k keep going ",
    " p pause ",
    " q quit",
)
HUNG_UP = "\x04"
"""What stands for the end of a terminal whose window was closed; Ctrl-D, too."""
LETTERS = {"w": "↑", "a": "←", "s": "↓", "d": "→"}


def check_terminal(stdin: int = 0, stdout: int = 1, what: str = "--terminal") -> None:
    """Refuse to play, or `what` else is shown in a terminal, where nobody could.

    Raises:
        InputError: if there is no terminal to read keys from or to draw on.
    """
    if sys.platform == "win32":
        raise InputError(f"{what} needs a Unix terminal; on Windows it works inside WSL")
    for number, name in ((stdin, "input"), (stdout, "output")):
        if not os.isatty(number):
            raise InputError(f"{what} needs a terminal, and standard {name} is none")
    try:
        UPPER_HALF.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        raise InputError(
            f"--terminal draws with blocks that {sys.stdout.encoding} lacks: set LC_ALL=C.UTF-8 "
            "if this terminal shows UTF-8, or play without --terminal, in a browser"
        ) from None


def play_in_terminal(world: World, seed: int = 0, stdin: int = 0, stdout: int = 1) -> None:
    """Play until q or Ctrl-C; the terminal is left as it was found, whatever happens.

    Raises:
        InputError: if there is no terminal, or the world has no picture to start from.
    """
    check_terminal(stdin, stdout)
    game, keys, canvas = TerminalGame(world, seed), Keys(stdin), HalfBlockCanvas(many_colours())
    with borrowed(stdin, stdout):
        while not game.over:
            size = os.get_terminal_size(stdout)
            columns, rows = size if all(size) else shutil.get_terminal_size()
            lines = game.lines(time.monotonic(), columns)
            write(stdout, canvas.draw(game.frame, lines, columns, rows))
            for key in keys.read(game.wait(time.monotonic())):
                game.press(key)
            game.tick(time.monotonic())


class TerminalGame:
    """One player's world. Time is passed in: nothing here waits or looks at a clock."""

    def __init__(self, world: World, seed: int = 0) -> None:
        self.world, self.seed = world, seed
        self.over = False
        self._pictures = [picture for _, picture in world.prompts()]
        if not self._pictures:
            raise InputError("this world has no picture to start from; play it in the browser")
        self._picture = 0
        self._paused = self._keeps_going = False
        self._layout = layout(world.buttons)
        self._start()

    def _start(self) -> None:
        """Begin with the chosen picture; the same seed makes the same world of it again."""
        prompt = self._pictures[self._picture][None, None]
        frames, self._state = self.world.start(prompt, [self.seed])
        self.frame = _pixels(frames)
        self._number = 0
        self._due = 0.0
        self._next: int | None = None
        self._last: int | None = None
        self._arrows = self._said = ""
        self._since: float | None = None
        self._times: deque[float] = deque(maxlen=512)

    def press(self, key: str) -> None:
        """Take a key; one for a button counts at the next `tick`, and the newest one wins."""
        key = LETTERS.get(key, key)
        if key in ("q", HUNG_UP):
            self.over = True
        elif key == "p":
            self._paused = not self._paused
        elif key == "k":
            self._keeps_going = not self._keeps_going
        elif key == "r":
            self._start()
        elif key == "n":
            self._picture = (self._picture + 1) % len(self._pictures)
            self._start()
        elif not self._paused:
            self._hold(key)

    def _hold(self, key: str) -> None:
        places, button = self._layout, None
        match places.large if key == " " else key:
            case int(number):
                button = number
            case str(arrow) if arrow in tuple(ARROWS):
                self._arrows, self._since = held_together(self._arrows, arrow), None
                button = places.ways.get(self._arrows)
                self._said = places.nowhere.get(arrow, "")
            case str(typed) if typed in places.keys:
                button = places.keys.index(typed)
        if button is not None:
            self._next, self._said = button, ""

    def wait(self, now: float) -> float:
        """Seconds until the next frame is due, or until the screen should be looked at again."""
        due = max(self._due - now, 0.0)
        return min(due, LOOK_AGAIN) if self._button is not None else LOOK_AGAIN

    def tick(self, now: float) -> None:
        """Make a frame if a button is pressed and it is time: no faster than the world's own."""
        if self._since is None:
            self._since = now
        elif now - self._since > TOGETHER:
            self._arrows = ""
        button = self._button
        if button is None or now < self._due:
            return
        frames, self._state = self.world.step(self._state, [button])
        self.frame = _pixels(frames)
        period = 1 / self.world.fps
        # A steady pace while a button is held, and no frames to catch up after a rest.
        self._due = (self._due if now - self._due < period else now) + period
        self._times.append(now)
        self._number += 1
        self._last, self._next = button, None

    def lines(self, now: float, columns: int) -> list[str]:
        """What stands below the picture: the buttons, the numbers, the other keys."""
        recent = [t for t in self._times if now - t < WINDOW]
        marked = self._last if recent and now - recent[-1] < MARKED else None
        names = []
        keys = self._layout.keys.ljust(len(self.world.buttons))
        for number, button in enumerate(self.world.buttons):
            key = keys[number].strip()
            name = " ".join(filter(None, (key, button.arrow, button.label)))
            names.append(f"[{name}]" if number == marked else f" {name} ")
        state = "paused" if self._paused else "keeps going" if self._keeps_going else self._said
        moves = [" arrows/WASD move "] if self._layout.cross else []
        moves += [" space jumps "] if self._layout.large == "↑" else []
        rate = f"{len(recent) / WINDOW:.1f} frames per second"
        return [
            *wrap(names, columns),
            *wrap([f" frame {self._number} ", f" {rate} ", state], columns),
            *wrap([*moves, *HELP], columns),
        ]

    @property
    def _button(self) -> int | None:
        if self._paused:
            return None
        return self._last if self._next is None and self._keeps_going else self._next


class Keys:
    """Keys from a terminal, as single characters and arrows."""

    def __init__(self, stdin: int) -> None:
        self._stdin = stdin
        self._rest = b""

    def read(self, seconds: float) -> list[str]:
        """All keys that have come, after waiting for one at most so long; `HUNG_UP` at the end."""
        ready, _, _ = select.select([self._stdin], [], [], seconds)
        if not ready:
            return []
        try:
            data = os.read(self._stdin, 4096)
        except OSError:  # the window was closed
            data = b""
        return self.parse(data) if data else [HUNG_UP]

    def parse(self, data: bytes) -> list[str]:
        """Keys in what came; a sequence that is not complete waits for its end."""
        data, keys, end = self._rest + data, [], 0
        while match := KEY.match(data, end):
            end = match.end()
            if match[1] in CURSOR:
                keys.append(CURSOR[match[1]])
            elif match[2]:
                keys.append(match[2].decode("latin-1").lower())
        self._rest = data[end:]
        return keys


@contextlib.contextmanager
def borrowed(stdin: int, stdout: int) -> Iterator[None]:
    """A terminal that gives keys one by one and unseen, until the end, of whatever kind."""
    import termios
    import tty

    before = termios.tcgetattr(stdin)
    modes = termios.tcgetattr(stdin)
    for stops in (termios.VSUSP, termios.VQUIT):
        modes[6][stops] = b"\0"  # stopped by these it could not put the terminal in order
    with handling(signal.default_int_handler, signal.SIGTERM):
        try:
            termios.tcsetattr(stdin, termios.TCSADRAIN, modes)
            tty.setcbreak(stdin)
            write(stdout, ENTER)
            with contextlib.suppress(KeyboardInterrupt):  # the ordinary way to stop playing
                yield
        finally:
            with handling(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM):
                with contextlib.suppress(OSError):
                    write(stdout, LEAVE)
                with contextlib.suppress(termios.error):
                    termios.tcsetattr(stdin, termios.TCSAFLUSH, before)


def wrap(pieces: Sequence[str], columns: int) -> list[str]:
    """Pieces in as few lines as their width allows, none of them torn."""
    lines = [""]
    for piece in pieces:
        if lines[-1] and cell_len(lines[-1] + piece) >= columns:
            lines.append("")
        lines[-1] += piece
    return lines


def _pixels(frames: UInt8[Tensor, "1 H W 3"]) -> UInt8[np.ndarray, "H W 3"]:
    return frames[0].cpu().numpy()


def write(stdout: int, text: str) -> None:
    """Write all of a text, however little a terminal takes at once."""
    data = text.encode()
    while data:
        data = data[os.write(stdout, data) :]
