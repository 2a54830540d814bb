"""What the README says can be typed as it stands, and what it says to read is there."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import playworld.world.registration  # noqa: F401 (as in a program that imports gymnasium first)
from playworld.cli import main
from playworld.cli.commands import COMMANDS
from playworld.cli.parser import parse

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = set(PROJECT["optional-dependencies"])
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of a page in these languages; "" where a fence names none."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [text for language, text in fenced if language in languages]


def commands(page: Path) -> list[list[str]]:
    """Every line of the blocks of commands, continued ones joined, as words."""
    lines = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    plain = "".join(blocks(page, "")).replace("\\\n", " ").splitlines()
    lines += [line for line in plain if line.startswith(("playworld ", "make "))]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


ALL = [
    pytest.param(words, id=f"{p.name}:{' '.join(words)}") for p in PAGES for words in commands(p)
]


def without_settings(words: list[str]) -> list[str]:
    """A command without the environment variables that are set for it."""
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    return words


@pytest.mark.parametrize("words", ALL)
def test_a_documented_command_is_one_that_exists(words: list[str]):
    program, *rest = without_settings(words)
    if program == "torchrun" or rest[:2] == ["-m", "playworld"]:
        program, rest = "playworld", rest[rest.index("playworld") + 1 :]
    if program == "playworld" and rest[0] in COMMANDS and "--help" not in rest:
        parse(rest[0], rest[1:])
    elif program == "playworld":
        assert main(rest) == 0
    elif program == "make":
        known = f"PYTHON={sys.executable}"  # to look for one takes a second
        subprocess.run(["make", "-n", known, *rest], cwd=ROOT, check=True, capture_output=True)
    elif program == "pip":
        assert rest[0] == "install"
        assert set(re.findall(r"[\w-]+", "".join(re.findall(r"\[(.*?)\]", rest[-1])))) <= EXTRAS
    else:
        assert program in {".", "cd", "git", "python"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_inside_the_project_leads_somewhere(page: Path):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_table_of_contents_names_every_page():
    index = (ROOT / "docs/index.md").read_text()
    pages = [path.name for path in (ROOT / "docs").glob("*.md") if path.name != "index.md"]
    assert [name for name in pages if f"({name})" not in index] == []


def test_the_readme_names_every_command():
    table = (ROOT / "README.md").read_text()
    assert [verb for verb in COMMANDS if f"| `{verb}` |" not in table] == []


@pytest.fixture
def desk(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with some videos in it, and a home of its own."""
    shutil.copytree(videos, tmp_path / "videos")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return tmp_path


QUICK = {
    "train": "--tokenizer-steps 8 --world-steps 8",
    "evaluate": "--num-clips 4 --button-starts 4 --speed-frames 4 --arm-clips 0 --return-starts 0 "
    "--physics-starts 0 --look-starts 0 --long-rollouts 0",
}
"""What makes a command of the README one of seconds."""


@pytest.mark.slow
def test_the_path_from_videos_to_a_world_is_as_the_readme_gives_it(
    desk: Path, capsys: pytest.CaptureFixture[str]
):
    ours = [words[1:] for words in commands(ROOT / "README.md") if words[0] == "playworld"]
    for verb in ("ingest", "train", "evaluate"):
        (args,) = [args for args in ours if args[0] == verb]
        args = ["tiny" if word == "small" else word for word in args]
        assert main([*args, *QUICK.get(verb, "").split()]) == 0
    assert "delta PSNR" in capsys.readouterr().out
    assert (desk / "report/report.json").exists()
    (made,) = [words[3] for words in ours if words[0] == "train"]
    for code in blocks(ROOT / "README.md", "python"):
        exec(code.replace('"coinrun"', f'"{made}"'), {})
    assert capsys.readouterr().out == "torch.Size([1, 64, 64, 3]) torch.uint8\n"


@pytest.mark.slow
def test_the_python_of_the_readme_runs_with_the_built_in_world(capsys: pytest.CaptureFixture[str]):
    for code in blocks(ROOT / "README.md", "python"):
        exec(code, {})
    assert capsys.readouterr().out == "torch.Size([1, 64, 64, 3]) torch.uint8\n"
