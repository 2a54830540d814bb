"""The options of every command are frozen: a change of them is meant, and shows in a diff.

After a change that is meant, `make options` writes cli_options.json anew.
"""

import argparse
import json
from pathlib import Path

import pytest
import tyro

from playworld.cli.verbs import VERBS

FROZEN = Path(__file__).with_name("cli_options.json")


def options(verb: str) -> list[str]:
    """Positional arguments in their order, then options by name, with their choices if few."""
    names = (tyro.conf.PositionalMetavarFromFieldName,)
    parser = tyro.extras.get_parser(VERBS[verb](), config=names)
    positional, named = [], []
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        if action.option_strings:
            value = f" {action.metavar}" if action.metavar else ""
            named.append(", ".join(action.option_strings) + value)
        else:
            positional.append(str(action.metavar))
    return positional + sorted(named)


@pytest.fixture(scope="module")
def frozen() -> dict[str, list[str]]:
    return json.loads(FROZEN.read_text())


@pytest.mark.parametrize("verb", VERBS)
def test_the_options_of_a_command_are_the_frozen_ones(verb: str, frozen: dict[str, list[str]]):
    assert options(verb) == frozen[verb]


def test_no_frozen_command_is_gone(frozen: dict[str, list[str]]):
    assert list(frozen) == list(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_a_command_has_no_more_options_than_a_person_can_read(verb: str):
    assert len(options(verb)) <= 40


if __name__ == "__main__":
    FROZEN.write_text(json.dumps({verb: options(verb) for verb in VERBS}, indent=2) + "\n")
