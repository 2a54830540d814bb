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
    pages = re.findall(
        r"^ +- (?:[^:\n]+: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE
    )
    assert sorted(pages) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))
