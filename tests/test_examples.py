"""The scripts in examples/ do what their first lines say, each as a program of its own."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from playworld.world import World
from tests.processes import script, start

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))


def run(name: str, *words: object, folder: Path, **settings: str) -> str:
    """What the script printed, run in this folder."""
    printed = folder / "printed"
    environment = {"HF_HUB_OFFLINE": "1", **settings}
    process = start(script, EXAMPLES / name, [*map(str, words)], folder, printed, **environment)
    process.join(timeout=240)
    assert process.exitcode == 0, printed.read_text()
    return printed.read_text()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_an_example_is_short_and_says_how_it_is_run(path: Path):
    text = path.read_text()
    assert len(text.splitlines()) < 60
    assert f"python examples/{path.name}" in text.split('"""')[1]


def test_playing_leaves_a_film_of_two_ways_to_go_on(tiny_world: Path, tmp_path: Path):
    run("play.py", "--world", tiny_world, "--presses", 3, folder=tmp_path)
    with Image.open(tmp_path / "played.gif") as film:
        assert film.n_frames > 1 and film.size == (2 * 64 * 4, 64 * 4)


@pytest.mark.slow
def test_videos_become_a_world(videos: Path, tmp_path: Path):
    steps = ("--tokenizer-steps", 5, "--world-steps", 5)
    said = run("own_videos.py", videos, "mine", "--preset", "tiny", *steps, folder=tmp_path)
    assert "delta PSNR" in said
    assert World.load(tmp_path / "mine").num_actions == 8


@pytest.mark.slow
@pytest.mark.needs("stable_baselines3")
def test_an_agent_is_trained_in_a_world(tiny_world: Path, tmp_path: Path):
    few = ("--steps", 8, "--episodes", 2, "--presses", 4)
    said = run("train_agent.py", "--world", tiny_world, *few, folder=tmp_path)
    assert "random:" in said and "agent:" in said
    assert (tmp_path / "agent.zip").stat().st_size > 100_000


def test_a_world_comes_out_of_the_cache_of_the_hub(tiny_world: Path, tmp_path: Path):
    repository = tmp_path / "hub" / "models--me--tiny"
    shutil.copytree(tiny_world, repository / "snapshots" / "abc")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    said = run("hub.py", "me/tiny", folder=tmp_path, HF_HUB_CACHE=str(tmp_path / "hub"))
    assert said.count("pixels change") == 8


def test_a_folder_does_in_place_of_a_name_on_the_hub(tiny_world: Path, tmp_path: Path):
    assert "64x64 at 10 frames" in run("hub.py", tiny_world, folder=tmp_path)
