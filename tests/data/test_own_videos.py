"""Videos as people have them: each becomes clips that a world can be made of, or says why not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from playworld.config import InputError
from playworld.data.clips.dataset import ClipDataset
from playworld.data.ingest.pipeline import ingest
from playworld.workflows.create import create
from playworld.workflows.options import CreateOptions
from playworld.workflows.start import ingesting, measurable
from playworld.world import World

LOSSY = ("libx264", "yuv420p", {"crf": "22", "preset": "veryfast"})
ASKED = CreateOptions(fps=10, size="64x64")


@pytest.fixture
def made(tmp_path):
    """`made()`: what `create` ingests of the films in the folder, checked as it checks them."""

    def make():
        options = replace(ingesting(ASKED), workers=1)
        report = ingest(tmp_path / "films", tmp_path / "clips", options)
        return report, measurable(tmp_path / "clips", seed=0)

    (tmp_path / "films").mkdir()
    return make


def scenes(tmp_path: Path):
    return [
        scene
        for split in ("train", "valid")
        for scene in ClipDataset(tmp_path / "clips", split, 8).scenes
    ]


def test_a_phone_video_with_a_varying_rate_is_upright_and_at_a_steady_rate(
    made, tmp_path, write_film
):
    """Sky above a street, filmed with the phone held upright: stored on its side."""
    upright = np.full((160, 96, 96, 3), 40, np.uint8)
    upright[:, :48] = 220
    for k, frame in enumerate(upright):
        frame[60:84, k % 72 : k % 72 + 16] = (255, 0, 0)
    rng = np.random.default_rng(0)
    at = np.cumsum(rng.integers(20, 80, len(upright))).tolist()
    lying = np.rot90(upright, 1, axes=(1, 2))
    write_film(tmp_path / "films" / "a.mp4", lying, fps=1000, codec=LOSSY, at_ms=at, rotation=-90)
    made()
    dataset = ClipDataset(tmp_path / "clips", "train", 8)
    frame = dataset.read(dataset.clip(0))[0]
    assert frame[:24].mean() > 180 and frame[40:, :, 1].mean() < 60
    steps = np.diff(dataset.scenes[0].times)
    assert np.abs(np.median(steps) - 0.1) < 0.03


def test_a_screen_recording_loses_its_border_and_its_menu(made, tmp_path, write_film, game):
    menu = np.full((120, 64, 64, 3), 90, np.uint8)
    menu[:, 20:44, 12:52] = 200
    played = np.concatenate([menu, game(160, 0)])
    boxed = np.pad(played, ((0, 0), (24, 24), (40, 40), (0, 0)))
    write_film(tmp_path / "films" / "a.mp4", boxed, fps=10, codec=LOSSY)
    report, _ = made()
    assert report["dropped"]["static"]["seconds"] == pytest.approx(12, abs=0.5)
    assert report["ok"][0]["video"]["bars"] == [pytest.approx(40, abs=2), pytest.approx(24, abs=2)]


def test_a_film_is_taken_apart_at_its_cuts(made, tmp_path, write_film, game):
    shots = np.concatenate([game(30, seed) for seed in range(6)])
    write_film(tmp_path / "films" / "a.mp4", shots, fps=10, codec=LOSSY)
    made()
    lengths = sorted(scene.num_frames for scene in scenes(tmp_path))
    assert 5 <= len(lengths) <= 8 and max(lengths) <= 31


def test_many_short_clips_are_all_used(made, tmp_path, write_film, game):
    for number in range(20):
        write_film(tmp_path / "films" / f"{number:03}.mp4", game(12, number), fps=10)
    report, options = made()
    assert len(scenes(tmp_path)) == 20 and options.horizon == 8
    assert report["splits"]["valid"]["frames"] == 2 * 12


def test_clips_that_are_too_short_say_so(made, tmp_path, write_film, game):
    for number in range(3):
        write_film(tmp_path / "films" / f"{number}.mp4", game(6, number), fps=10)
    with pytest.raises(InputError, match="no scene of 8 frames at 10 per second"):
        made()


@pytest.mark.slow
def test_a_short_video_becomes_a_world_that_says_how_little_it_has_seen(
    tmp_path, write_film, game, tiny_world
):
    (tmp_path / "films").mkdir()
    write_film(tmp_path / "films" / "a.mp4", game(200), fps=10, codec=LOSSY)
    options = CreateOptions(minutes=0.01, start=str(tiny_world), run=tmp_path / "run")
    said = create(tmp_path / "films", tmp_path / "world", options)
    assert "no time was left to train further; 0.3 minutes of video" in said
    assert "0.3 minutes are few" in said and "copy of the last frame" in said
    assert World.load(tmp_path / "world").prompts() and "delta PSNR, frame 4" in said
