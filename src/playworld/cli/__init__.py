"""The command line, thin: parse, run one verb, say in one line what went wrong.

Exit codes: 0 done, 1 error, 2 bad input or usage, 3 training stopped on non-finite losses, 75
preempted and saved. Elsewhere Ctrl-C ends with the shell's usual 130, SIGHUP with 129 and SIGTERM
with 143, and nothing temporary stays; 141 says that nobody read the results.
"""

import codecs
import contextlib
import io
import logging
import os
import platform
import re
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import tyro
from rich.logging import RichHandler

from playworld import __version__
from playworld.cli.bars import Bars
from playworld.cli.help import page, step_of
from playworld.cli.streams import Lines, closing, prepare
from playworld.cli.verb import FAILED, Ended, Stopped, Verb, ended_by_signals
from playworld.cli.verbs import VERBS
from playworld.config import InputError, did_you_mean
from playworld.machine import prepare_torch

ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "1000000000000"}
"""Keeps freed memory in the process: training ran 1.1 to 1.55 times as fast with it on 2 cores."""
BAD_INPUT, INTERRUPTED = 2, 130


class Help(Exception):
    """A page of help, ready to be printed."""


def usage() -> str:
    """What `playworld --help` prints."""
    lines = [f"  {name:<10}{verb.__doc__}" for name, verb in VERBS.items()]
    more = "playworld COMMAND --help says more, playworld --version which version this is."
    example = "example: playworld play coinrun"
    return "\n".join(["usage: playworld COMMAND ...", "", *lines, "", more, "", example])


def read(args: list[str]) -> Verb:
    """Read a whole command line.

    Raises:
        InputError: for a command that does not exist, or arguments that do not fit.
        Help: where help or the version is asked for.
    """
    first, *rest = args
    if first in ("--version", "-V", "version"):
        raise Help(__version__)
    if first == "help" and rest and rest[0] in VERBS:
        return parse(rest[0], [*rest[1:], "--help"])
    if first in ("--help", "-h", "help"):
        raise Help(usage())
    if first not in VERBS:
        raise InputError(f"unknown command {first!r}, {did_you_mean(first, VERBS)}")
    return parse(first, rest)


def parse(verb: str, args: Sequence[str]) -> Verb:
    """Read the arguments of one verb.

    Raises:
        InputError: for arguments that do not fit, in one line.
        Help: where help is asked for.
    """
    command, complaint = VERBS[verb], io.StringIO()
    # tyro draws frames where it can; what a terminal lacks is replaced when the page is printed.
    helped = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    try:
        with contextlib.redirect_stderr(complaint), contextlib.redirect_stdout(helped):
            return tyro.cli(
                command,
                prog=f"playworld {verb}",
                description=command.__doc__,
                args=args,
                config=(tyro.conf.PositionalMetavarFromFieldName,),
            )
    except SystemExit as stop:
        if not stop.code:
            helped.seek(0)
            raise Help(page(helped.read(), step_of(command, list(args)))) from None
        said = one_line(complaint.getvalue())
        raise InputError(f"{said} (see playworld {verb} --help)") from None
    except ValueError as error:  # an option's own check refuses its value
        raise InputError(str(error)) from None


def one_line(box: str) -> str:
    """What tyro's complaint says, without its frame and explanations, but with its suggestion."""
    parts: list[list[str]] = [[]]  # between the rules
    for line in box.splitlines():
        if re.fullmatch(r"[│╰╯─\s-]+", line):
            parts.append([])
        elif not line.startswith("╭"):
            parts[-1].append(re.sub(r"^[│ ] ?|│$", "", line).rstrip())
    framed = box.lstrip().startswith("╭")  # where it cannot draw a frame, the title comes first
    rows = parts[0] if framed or len(parts) == 1 else parts[1]
    text = " ".join(row.strip() for row in rows if not row.startswith(" " * 8)).rstrip(". ")
    for heading, *guesses in filter(None, parts):
        if heading == "Perhaps you meant:":
            text += f", did you mean {guesses[0].split()[0].rstrip(',')}?"
    return text


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `argv` is without the program's name."""
    args = list(sys.argv[1:] if argv is None else argv)
    if not args:
        print(usage(), file=sys.stderr)
        return BAD_INPUT
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


def run(command: Verb) -> int:
    """Run a verb: messages and bars go to standard error, results to standard output."""
    errors = Lines(stderr=True, ends=False)
    handler = RichHandler(console=errors, show_path=False, show_time=False, highlighter=None)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    logging.getLogger("playworld").setLevel(logging.DEBUG if command.verbose else logging.INFO)
    with Bars(errors) as bars:
        return command.run(Lines(), bars)


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


def utf8_environment() -> dict[str, str] | None:
    """The environment to start again in, where Python takes names of files for ASCII, or None.

    A C locale is UTF-8 to Python unless both PYTHONUTF8 and PYTHONCOERCECLOCALE are 0; then videos
    with accents in their names could not be told from damaged ones. What is printed stays ASCII.
    """
    if codecs.lookup(sys.getfilesystemencoding()).name != "ascii" or sys.flags.ignore_environment:
        return None
    return {"PYTHONIOENCODING": "ascii", **os.environ, "PYTHONUTF8": "1"}


def allocator_environment(verb: str | None) -> dict[str, str] | None:
    """The environment to start again in, where that makes training faster, or None.

    glibc reads these settings once, when a process starts.
    """
    if verb not in ("train", "create", "doctor") or platform.libc_ver()[0] != "glibc":
        return None
    if any(name in os.environ for name in ALLOCATOR):
        return None
    return {**os.environ, **ALLOCATOR}


def entry() -> NoReturn:
    """The `playworld` program."""
    prepare()
    prepare_torch()
    environment = utf8_environment() or allocator_environment(next(iter(sys.argv[1:]), None))
    if environment is not None:
        # The same process goes on: its number, its signals and its exit code stay as they are.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
    sys.exit(closing(main))
