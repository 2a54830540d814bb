import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from playworld.config import InputError
from playworld.data.clips.shards import ShardWriter
from playworld.export.card import measured_card, read_about
from playworld.export.prompts import fit_prompts, read_pictures
from playworld.export.train_world import name_buttons
from playworld.world import World

SCRIPT = Path(__file__).parents[2] / "runs" / "draw_prompts.py"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    subprocess.run([sys.executable, SCRIPT, folder], check=True)
    return folder


def test_drawn_prompts_are_small_pictures_that_differ(drawn):
    pictures = read_pictures(drawn)
    assert sorted(pictures) == ["blocks", "crayon", "dream", "photo", "sketch"]
    assert {picture.size for picture in pictures.values()} == {(64, 64)}
    assert all(np.asarray(picture).std() > 15 for picture in pictures.values())


def test_drawn_prompts_are_the_same_every_time(drawn, tmp_path):
    subprocess.run([sys.executable, SCRIPT, tmp_path], check=True)
    for path in drawn.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_a_world_plays_from_drawn_prompts_that_it_saved(drawn, tiny_world, tmp_path):
    world = World.load(tiny_world)
    world.save(tmp_path / "world", prompts=fit_prompts(world, read_pictures(drawn)))
    prompts = World.load(tmp_path / "world").prompts()
    assert [name for name, _ in prompts] == ["blocks", "crayon", "dream", "photo", "sketch"]
    for _, picture in prompts:
        frames, state = world.start(picture[None, None], [0])
        frames, _ = world.step(state, [0])
        assert frames.shape == (1, 64, 64, 3)


def test_pictures_of_any_size_become_prompts_of_the_worlds(tiny_world, tmp_path):
    Image.new("RGBA", (300, 200), (255, 0, 0, 128)).save(tmp_path / "large.webp")
    (png,) = fit_prompts(World.load(tiny_world), read_pictures(tmp_path)).values()
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.size == (64, 64)


def test_a_folder_without_pictures_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(InputError, match="no pictures"):
        read_pictures(tmp_path)
    with pytest.raises(InputError, match="no pictures"):
        read_pictures(tmp_path / "missing")


def test_a_damaged_picture_is_named(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"broken\.png"):
        read_pictures(tmp_path)


def test_two_pictures_of_one_name_are_refused(tmp_path):
    for name in ("a.png", "a.jpg"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    with pytest.raises(InputError, match="'a'"):
        read_pictures(tmp_path)


def test_buttons_are_named_from_training_clips_where_no_others_are_long_enough(
    tiny_world, tmp_path
):
    for split, length in (("train", 8), ("valid", 2)):
        with ShardWriter(tmp_path / split, 64, 64, 10.0) as writer:
            frames = np.zeros((length, 64, 64, 3), dtype=np.uint8)
            writer.write(frames, "a.mp4", [k / 10 for k in range(length)])
    (tmp_path / "dataset.json").write_text(json.dumps({"format": 1, "videos": str(tmp_path)}))
    labels = [button.label for button in name_buttons(World.load(tiny_world), tmp_path).buttons]
    assert len(set(labels)) == len(labels) == 8


def test_a_table_in_the_card_replaces_an_older_one():
    card = measured_card("# World\n\nAbout it.\n", "old 1.0", "playworld evaluate a b")
    card = measured_card(card, "new 2.0", "playworld evaluate a b")
    assert card.count("## Measured") == 1
    assert "About it." in card and "new 2.0" in card and "old" not in card


def test_what_the_videos_show_is_read_from_a_text_file(tmp_path):
    (tmp_path / "about.md").write_text("A cat that jumps.\n\n", encoding="utf-8")
    assert read_about(tmp_path / "about.md") == "A cat that jumps."
    (tmp_path / "about.md").write_bytes(b"\xff\xfe")
    for name in ("about.md", "none.md"):
        with pytest.raises(InputError, match=name):
            read_about(tmp_path / name)
