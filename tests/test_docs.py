"""The site names what is there; `make docs` builds it and checks the rest."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMES = re.findall(r"^::: (\S+)", (ROOT / "docs/api.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_the_api_page_exists(name: str):
    module, attribute = name.rsplit(".", 1)
    try:
        assert hasattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        assert error.name == "stable_baselines3"


def test_the_navigation_leads_to_every_page():
    text = (ROOT / "mkdocs.yml").read_text()
    named = sorted(re.findall(r"^ +- ([\w.]+\.md)$", text, re.MULTILINE))
    top = sorted(path.name for path in ROOT.glob("*.md") if path.name != "README.md")
    assert named == sorted(top + [path.name for path in (ROOT / "docs").glob("*.md")])


ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
PATH = r"`([\w./-]+(?:/|\.(?:py|js|html|md|toml|yml|json)))`"
STEPS = re.findall(PATH + r", `([\w.]+)` \|", ARCHITECTURE)


def test_every_path_in_the_architecture_exists():
    paths = set(re.findall(PATH, ARCHITECTURE))
    bases = (ROOT, ROOT / "src/playworld")
    assert [path for path in paths if not any((base / path).exists() for base in bases)] == []


def test_every_function_that_the_architecture_follows_is_in_its_file():
    gone = []
    for path, name in STEPS:
        text = (ROOT / path).read_text()
        gone += [f"{path}: {part}" for part in name.split(".") if part not in text]
    assert len(STEPS) > 20 and gone == []
