"""The command line, thin: parse, run one command, report errors in one line.

Exit codes: 0 done, 1 error, 2 bad input or usage, 3 training stopped on non-finite losses, 75
preempted and saved. Elsewhere Ctrl-C ends with the shell's usual 130, SIGHUP with 129 and SIGTERM
with 143, and nothing temporary stays; 141: the reader of the results is gone.
"""

import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from rich.logging import RichHandler

from playworld.cli.command import (
    BAD_INPUT,
    FAILED,
    INTERRUPTED,
    Command,
    Ended,
    Stopped,
    ended_by_signals,
)
from playworld.cli.environment import allocator_environment, utf8_environment
from playworld.cli.parser import Help, read
from playworld.cli.progress import ProgressBars
from playworld.cli.streams import Lines, closing, prepare
from playworld.config import InputError
from playworld.machine import prepare_torch


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `argv` is without the program's name."""
    args = list(sys.argv[1:] if argv is None else argv)
    verbose = "--verbose" in args
    try:
        with ended_by_signals():
            return run(read(args))
    except Help as page:
        text = str(page)
    except SystemExit as stop:
        return int(stop.code or 0)
    except Stopped as stop:
        print(f"playworld: {stop}", file=sys.stderr)
        return 128 + stop.number
    except KeyboardInterrupt:
        print("playworld: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if verbose:
            traceback.print_exc()
        return complain(error)
    print(text)
    return 0


def run(command: Command) -> int:
    """Run a command: messages and bars go to standard error, results to standard output."""
    errors = Lines(stderr=True, ends=False)
    handler = RichHandler(console=errors, show_path=False, show_time=False, highlighter=None)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    logging.getLogger("playworld").setLevel(logging.DEBUG if command.verbose else logging.INFO)
    with ProgressBars(errors) as progress:
        return command.run(Lines(), progress)


def complain(error: Exception) -> int:
    """Say in one line what went wrong, and return the exit code for it."""
    text = " ".join(str(error).split())
    if not isinstance(error, InputError | OSError | Ended):
        text = f"{type(error).__name__}: {text} (--verbose shows where it came from)"
    with contextlib.suppress(OSError):
        print(f"playworld: {text}", file=sys.stderr)
    if isinstance(error, Ended):
        return error.code
    return BAD_INPUT if isinstance(error, InputError) else FAILED


def entry() -> NoReturn:
    """The `playworld` program."""
    prepare()
    prepare_torch()
    environment = utf8_environment() or allocator_environment(next(iter(sys.argv[1:]), None))
    if environment is not None:
        # The same process goes on: its number, its signals and its exit code stay as they are.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
    sys.exit(closing(main))
