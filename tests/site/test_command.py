"""`playworld export` on the command line."""

import re
from pathlib import Path

import pytest

from playworld.cli import main
from playworld.cli.parser import parse
from playworld.onnx.player import OnnxWorld
from playworld.site import fetch

pytestmark = pytest.mark.needs("onnxruntime")


def test_a_further_world_is_never_taken_for_the_folder(capsys):
    assert main(["export", "coinrun", "--also", "any"]) == 2
    assert "Missing from playworld export: FOLDER" in capsys.readouterr().err
    export = parse("export", ["coinrun", "--also", "any", "site", "--also", "mine"])
    assert (str(export.folder), export.also) == ("site", ("any", "mine"))


def test_without_the_runtime_export_says_how_to_get_it(monkeypatch, tmp_path: Path, capsys):
    monkeypatch.setattr(fetch, "FOLDER", tmp_path)
    assert main(["export", "coinrun", str(tmp_path / "site")]) == 2
    assert "run python -m playworld.site.fetch" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


def test_the_command_says_how_much_is_downloaded_and_how_to_open_it(
    world, runtime, tmp_path: Path, capsys
):
    world.save(tmp_path / "world")
    site = str(tmp_path / "a site")
    assert main(["export", str(tmp_path / "world"), site, "--precision", "int8", "--space"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"tiny: a browser downloads [\d.]+ MB, [\d.]+ MB with gzip, .* in int8", said)
    assert f"python -m http.server 8080 -d '{site}'" in said
    assert "Cross-Origin-Opener-Policy: same-origin" in said
    assert (tmp_path / "a site/README.md").read_text().startswith('---\ntitle: "tiny"')


def test_graphs_alone_are_of_one_world(world, tmp_path: Path, capsys):
    world.save(tmp_path / "world")
    command = ["export", str(tmp_path / "world"), str(tmp_path / "graphs"), "--graphs-only"]
    assert main(command) == 0
    assert OnnxWorld(tmp_path / "graphs").config.precision == "fp32"
    assert main([*command, "--also", "any"]) == 2
    assert "--graphs-only writes one world" in capsys.readouterr().err
