"""The options of every command are frozen: a change of them is meant, and shows in a diff.

After a change that is meant, `make options` writes cli_options.json anew.
"""

import contextlib
import io
import json
import os
import re
from pathlib import Path

import pytest

from playworld.cli import main
from playworld.cli.commands import COMMANDS

FROZEN = Path(__file__).with_name("cli_options.json")
COMMON = {"-h, --help", "--verbose"}
EVERY = [*COMMANDS, "curate label", "curate train", "curate apply"]
EVERY += ["agent clone", "agent evaluate", "agent plan", "agent goals", "agent ppo"]


def options(verb: str) -> list[str]:
    """Arguments in their order, then options by name with the kind of their value, as in --help."""
    page, width = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "300"  # nothing is wrapped
    try:
        with contextlib.redirect_stdout(page):
            assert main([*verb.split(), "--help"]) == 0
    finally:
        os.environ.pop("COLUMNS") if width is None else os.environ.update(COLUMNS=width)
    arguments = page.getvalue().splitlines()[0].split(f"playworld {verb} [-h] ")[1]
    named = re.findall(r"^[│ ] (--?\w.*?)(?:  |$)", page.getvalue(), re.MULTILINE)
    assert set(named) >= COMMON
    return [arguments, *sorted(set(named) - COMMON)]


@pytest.fixture(scope="module")
def frozen() -> dict[str, list[str]]:
    return json.loads(FROZEN.read_text())


@pytest.mark.parametrize("verb", EVERY)
def test_the_options_of_a_command_are_the_frozen_ones(verb: str, frozen: dict[str, list[str]]):
    assert options(verb) == frozen[verb]


def test_no_frozen_command_is_gone(frozen: dict[str, list[str]]):
    assert list(frozen) == EVERY


@pytest.mark.parametrize("verb", EVERY)
def test_a_command_has_no_more_options_than_a_person_can_read(verb: str):
    assert len(options(verb)) <= 40


if __name__ == "__main__":
    FROZEN.write_text(json.dumps({verb: options(verb) for verb in EVERY}, indent=2) + "\n")
