"""The command as people type it."""

import json

import pytest

from playworld.cli import main
from playworld.data.clips.dataset import ClipDataset


def test_labels_become_a_filter_and_the_filter_clips(mixture, labelled, tmp_path, capsys):
    filter, kept = str(tmp_path / "filter"), str(tmp_path / "kept")
    assert main(["curate", "train", str(mixture), str(labelled), filter]) == 0
    out = capsys.readouterr().out
    assert "held-out labels" in out and f"next: playworld curate apply {mixture} {filter}" in out
    args = ["curate", "apply", str(mixture), filter, kept, "--keep", "5", "--confidence", "0.6"]
    assert main(args) == 0
    assert f"next: playworld train small {kept} WORLD" in capsys.readouterr().out
    assert ClipDataset(tmp_path / "kept", "train", 16).num_frames == 8 * 96
    options = json.loads((tmp_path / "kept/report.json").read_text())["options"]
    assert (options["keep"], options["confidence"]) == (5, 0.6)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "Expected one of {label, train, apply}"),
        (["lable", "clips"], "lable"),
        (["label", "clips"], "no folder clips"),
        (["label", "clips", "--length", "20"], "multiple of 16"),
        (["train", "clips", "labels.json"], "FILTER"),
        (["train", "clips", "labels.json", "filter", "--kind", "resnet50"], "resnet18"),
        (["train", "clips", "labels.json", "filter", "--held-out", "1"], "held_out"),
        (["apply", "clips", "filter", "out"], "no folder"),
        (["apply", "clips", "filter", "out", "--keep", "9"], "keep should be 2 to 5, got 9"),
    ],
)
def test_bad_input_gets_one_line_and_code_2(args, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["curate", *args]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("playworld: ") and message in line
    assert list(tmp_path.iterdir()) == []
