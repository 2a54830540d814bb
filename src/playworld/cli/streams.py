"""Standard output and error as people have them: ASCII only, closed, full, or a pipe that ends."""

import codecs
import contextlib
import os
import shutil
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console

PIPE_CLOSED = 141
"""Exit code where the reader of the results is gone, as of a program that SIGPIPE ended."""
NARROWEST = 20
"""Columns that are written for at least: laying out help for fewer than 10 never ends."""
PLAIN = {
    **dict.fromkeys("─━═╌╭╮╰╯┌┐└┘├┤┬┴┼╶╴", "-"),
    **dict.fromkeys("│┃║", "|"),
    **dict.fromkeys("█▓▒", "#"),
    **{"→": "->", "←": "<-", "↑": "^", "↓": "v", "•": "*", "…": "...", "×": "x", "±": "+-"},
    **dict.fromkeys("“”", '"'),
    **dict.fromkeys("–—", "-"),
}
"""What stands for a character that a terminal cannot show; others are shown by their number."""


class Lines(Console):
    """A console that outlives its reader."""

    def __init__(self, *, stderr: bool = False, ends: bool = True) -> None:
        super().__init__(stderr=stderr)
        self.ends = ends

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich does; an error of the disk names the stream."""
        try:
            super().print(*objects, **options)
        except OSError as error:
            stream = "standard error" if self.stderr else "standard output"
            raise OSError(error.errno, f"{stream}: {error.strerror}") from error

    def on_broken_pipe(self) -> None:
        """End without a reader of the results; continue without one of the progress."""
        self.quiet = True
        discard(2 if self.stderr else 1)
        if self.ends:
            raise SystemExit(PIPE_CLOSED)


def prepare() -> None:
    """Make printing safe: closed streams lead nowhere, and no character is an error."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # else the next file that is opened would become standard output
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)
    sys.stderr = sys.stderr or open(2, "w", closefd=False)
    if shutil.get_terminal_size().columns < NARROWEST:
        os.environ["COLUMNS"] = str(NARROWEST)
    codecs.register_error("playworld", plainly)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="playworld")  # type: ignore[union-attr]


def plainly(error: UnicodeError) -> tuple[str, int]:
    """A codec's error handler: what cannot be encoded is written as PLAIN has it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    plain = (PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in text)
    return "".join(plain), error.end


def discard(number: int) -> None:
    """What is written to this descriptor from now on goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def closing(main: Callable[[], int]) -> int:
    """Run a program and return its exit code, with all that it printed written out."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        discard(1)
        return PIPE_CLOSED
    except OSError as error:  # such as a full disk
        discard(1)
        code = 1
        with contextlib.suppress(OSError):
            print(f"playworld: standard output: {error.strerror}", file=sys.stderr)
    with contextlib.suppress(OSError):
        sys.stderr.flush()
        return code
    discard(2)
    return code
