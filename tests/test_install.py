"""The Makefile, the pins and the requirements agree with each other."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LINES = re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
PINS = {canonicalize_name(name): version for name, version in LINES}

INSTALLED = {canonicalize_name(d.name) for d in metadata.distributions()}
DOCS = {canonicalize_name(Requirement(t).name) for t in PROJECT["optional-dependencies"]["docs"]}
ABSENT = DOCS - INSTALLED  # `make docs` installs them; what they bring in is checked after it
ELSEWHERE = {"playworld", "procgen"}  # procgen: in an environment of its own


def needed(requirements: list[str]) -> set[str]:
    """Every distribution that these requirements bring in here, themselves included."""
    todo = [(Requirement(text), "") for text in requirements]
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        found.add(name)
        if name in ABSENT:
            continue
        for wanted in {"", *requirement.extras} - {e for n, e in seen if n == name}:
            seen.add((name, wanted))
            todo += [(Requirement(text), wanted) for text in metadata.requires(name) or []]
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make` reads, in a folder of its own."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *args], cwd=folder, capture_output=True, text=True, timeout=60)


def test_every_requirement_is_pinned_and_so_is_what_it_brings():
    extras = [text for group in PROJECT["optional-dependencies"].values() for text in group]
    requirements = PROJECT["dependencies"] + extras + ["hatchling", "editables"]
    assert needed(requirements) - PINS.keys() == set()


def test_every_package_that_is_imported_is_required():
    offered = metadata.packages_distributions()
    trees = [ast.parse(path.read_text()) for path in (ROOT / "src").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    tops = {name.split(".")[0] for name in names} - sys.stdlib_module_names - ELSEWHERE
    imported = {canonicalize_name(offered[top][0]) for top in tops}
    extras = PROJECT["optional-dependencies"]
    required = sum((extras[name] for name in extras if name != "dev"), PROJECT["dependencies"])
    assert imported - {Requirement(text).name for text in required} == set()


def test_the_tests_run_on_the_pinned_versions():
    names = needed(PROJECT["dependencies"])
    here = {name: Version(metadata.version(name)).public for name in names}
    assert here == {name: PINS[name] for name in here}


def test_every_pin_is_a_version_that_the_project_allows():
    extras = [text for group in PROJECT["optional-dependencies"].values() for text in group]
    wanted = [Requirement(text) for text in PROJECT["dependencies"] + extras]
    assert [str(r) for r in wanted if PINS[canonicalize_name(r.name)] not in r.specifier] == []


@pytest.mark.parametrize(
    ("name", "holed"),
    [("starlette", "1.5.1"), ("pillow", "12.3.0"), ("h11", "0.15.0"), ("ray", "2.54.1")],
)
def test_a_version_with_a_known_hole_is_not_allowed(name: str, holed: str):
    extras = [text for group in PROJECT["optional-dependencies"].values() for text in group]
    wanted = [Requirement(text) for text in PROJECT["dependencies"] + extras]
    assert [r for r in wanted if r.name == name and holed in r.specifier] == []
    assert name in {r.name for r in wanted}


def test_torch_is_pinned_more_narrowly_than_the_project_needs():
    assert PINS["torch"] == "2.13.0"
    assert "torch>=2.11" in PROJECT["dependencies"]


def test_setup_installs_torch_before_everything_else(checkout: Path):
    commands = make(checkout, "-n", "setup").stdout.splitlines()
    installs = [line for line in commands if " pip " in line and " install " in line]
    assert installs[0].endswith("torch==2.13.0")
    assert len(installs) > 1


def test_another_torch_index_serves_torch_alone(checkout: Path):
    commands = make(checkout, "-n", "setup", "TORCH_INDEX=https://example.org/torch").stdout
    lines = [line for line in commands.splitlines() if "example.org" in line]
    assert len(lines) == 1
    assert lines[0].endswith("torch==2.13.0")


def test_an_old_python_is_refused_in_one_sentence(checkout: Path):
    old = checkout / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.2 || exit 1\n')
    old.chmod(0o755)
    done = make(checkout, "-s", "setup", f"PYTHON={old}")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr.splitlines()[0]
    assert "Python 3.9.2" in done.stderr.splitlines()[0]
    assert not (checkout / ".venv").exists()


def test_a_second_setup_has_nothing_to_do_until_the_requirements_change(checkout: Path):
    stamp = re.search(r"touch (\S+)", make(checkout, "-n", "setup").stdout)
    assert stamp is not None
    (checkout / ".venv/bin").mkdir(parents=True)
    (checkout / ".venv/bin/python").touch()
    (checkout / stamp[1]).touch()
    assert make(checkout, "-q", "setup").returncode == 0
    (checkout / "constraints.txt").write_text("torch==2.13.0\n")
    assert make(checkout, "-q", "setup").returncode == 1
