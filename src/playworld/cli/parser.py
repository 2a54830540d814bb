"""From a command line to the command that it describes, or to a page of help."""

import contextlib
import io
import re
from collections.abc import Sequence
from typing import NoReturn

import tyro

from playworld import __version__
from playworld.cli.command import Command
from playworld.cli.commands import COMMANDS
from playworld.cli.help import page, step_of
from playworld.config import InputError, did_you_mean

CONFIG = (tyro.conf.PositionalMetavarFromFieldName,)
COMPLETION = "--tyro-print-completion"
SHELLS = ("bash", "zsh", "fish")


class Help(Exception):
    """A page of help, ready to be printed."""


def usage() -> str:
    """What `playworld --help` prints."""
    lines = [f"  {name:<10}{command.__doc__}" for name, command in COMMANDS.items()]
    more = "playworld COMMAND --help says more, playworld --version which version this is."
    alone = "playworld alone plays the built-in world."
    example = "example: playworld play coinrun"
    return "\n".join(["usage: playworld COMMAND ...", "", *lines, "", more, alone, "", example])


def read(args: list[str]) -> Command:
    """Read a whole command line; without a word, the built-in world is played.

    Raises:
        InputError: for a command that does not exist, or arguments that do not fit.
        Help: where help or the version is asked for.
    """
    first, *rest = args or ["play"]
    if first in ("--version", "-V", "version"):
        raise Help(__version__)
    if first == "help" and rest and rest[0] in COMMANDS:
        return parse(rest[0], [*rest[1:], "--help"])
    if first in ("--help", "-h", "help"):
        raise Help(usage())
    if first == COMPLETION:
        return complete(rest)
    if first not in COMMANDS:
        raise InputError(f"unknown command {first!r}, {did_you_mean(first, COMMANDS)}")
    return parse(first, rest)


def parse(name: str, args: Sequence[str]) -> Command:
    """Read the arguments of one command.

    Raises:
        InputError: for arguments that do not fit, in one line.
        Help: where help is asked for.
    """
    command, errors = COMMANDS[name], io.StringIO()
    # tyro draws frames where it can; what a terminal lacks is replaced when the page is printed.
    help_page = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    try:
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(help_page):
            return tyro.cli(
                command,
                prog=f"playworld {name}",
                description=command.__doc__,
                args=args,
                config=CONFIG,
            )
    except SystemExit as stop:
        if not stop.code:
            help_page.seek(0)
            raise Help(page(help_page.read(), step_of(command, list(args)))) from None
        message = one_line(errors.getvalue())
        raise InputError(f"{message} (see playworld {name} --help)") from None
    except ValueError as error:  # an option's own check refuses its value
        raise InputError(str(error)) from None


def complete(args: Sequence[str]) -> NoReturn:
    """Print the script by which a shell completes commands and options, and exit.

    Raises:
        InputError: for a shell that tyro does not know.
    """
    if not args or args[0] not in SHELLS:
        raise InputError(f"{COMPLETION} needs one of {', '.join(SHELLS)}")
    request = [COMPLETION, args[0]]
    tyro.extras.subcommand_cli_from_dict(
        {**COMMANDS}, prog="playworld", args=request, config=CONFIG
    )
    raise SystemExit


def one_line(box: str) -> str:
    """Tyro's error message without its frame and explanations, but with its suggestion."""
    # The text is read because tyro has no public form of its errors: `tyro._errors` is private and
    # unstable by its own words, and leaves out the suggestion for an unknown option.
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
