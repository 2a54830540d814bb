"""The notebook for Colab: its cells run, with a small world and a short training."""

import json
import re
import shlex
import socket
from pathlib import Path

import pytest

from playworld.cli import main
from playworld.cli.parser import parse

NOTEBOOK = Path(__file__).parents[2] / "examples/colab.ipynb"
CELLS = [c for c in json.loads(NOTEBOOK.read_text())["cells"] if c["cell_type"] == "code"]


def cells(without: str) -> list[str]:
    return ["".join(c["source"]) for c in CELLS if without not in c["metadata"].get("tags", [])]


def run(cell: str, names: dict) -> None:
    """As in a notebook: a line that begins with ! is a command, and {NAME} in it a variable."""
    exec(re.sub(r"^!(.*)$", r"command(f'''\1''')", cell, flags=re.MULTILINE), names)


def command(line: str) -> None:
    program, *arguments = shlex.split(line)
    assert program == "playworld" and main(arguments) == 0


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def test_the_training_of_the_notebook_is_a_command_that_exists():
    names: dict = {}
    (parameters,) = [text for text in cells("colab") if "MAKE =" in text]
    run(parameters, names)
    _, command, *arguments = shlex.split(names["MAKE"])
    assert parse(command, arguments).options.minutes == 40


@pytest.mark.slow
@pytest.mark.needs("onnxruntime")
@pytest.mark.needs("onnxruntime_web")
def test_a_notebook_plays_a_world_and_makes_one(
    tiny_world: Path, clips: Path, tmp_path: Path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    few = "--tokenizer-steps 3 --world-steps 3"
    names = {
        "command": command,
        "WORLD": str(tiny_world),
        "MAKE": f"playworld train tiny {clips} mine {few}",
        "PORT": free_port(),
    }
    for text in cells("colab"):
        if "MAKE =" not in text:
            run(text, names)
    names["server"].terminate()
    names["server"].wait()
    assert len(names["shown"]) == 8 * names["world"].num_actions
    assert (tmp_path / "sites/given/index.html").exists()
    assert list(tmp_path.glob("sites/mine/*/world/predict.onnx"))
    assert f"http://localhost:{names['PORT']}/mine/" in capsys.readouterr().out
