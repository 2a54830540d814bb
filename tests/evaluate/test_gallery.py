from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from playworld.cli import main
from playworld.config import InputError
from playworld.evaluate.frame_grid import DIRECTIONS, FrameGrid, draw_arrow
from playworld.evaluate.gallery import GalleryOptions, gallery, write_gallery
from playworld.images import to_png
from playworld.world import Button, World

OPTIONS = GalleryOptions(presses=2, starts=2, frames=3, every=2)
BUTTONS = (Button("left", "←"), Button("right", "→"), Button("stay", "•"))


@pytest.fixture
def make(make_world, scroll):
    """A world with these prompts."""

    def make(*names: str) -> World:
        world = make_world()
        prompts = {name: to_png(scroll([], seed=i, size=16)[0]) for i, name in enumerate(names)}
        config = replace(world.config, buttons=BUTTONS)
        return World(config, world.tokenizer, world.actions, world.dynamics, "", prompts)

    return make


def shows(picture: Image.Image, frame: torch.Tensor) -> bool:
    """Whether the frame is somewhere in the picture, enlarged eight times without smoothing."""
    large = np.asarray(frame).repeat(8, axis=0).repeat(8, axis=1)
    pixels = np.asarray(picture)
    first = np.argwhere((pixels == large[0, 0]).all(axis=2))
    return any(
        np.array_equal(pixels[y : y + len(large), x : x + len(large)], large) for y, x in first
    )


def test_strange_prompts_get_a_picture_of_their_own(make):
    assert set(gallery(make("01", "sketch"), OPTIONS)) == {
        "buttons.png",
        "parallax.png",
        "prompts.png",
        "trajectories.png",
    }
    assert "prompts.png" not in gallery(make("01"), OPTIONS)


def test_a_picture_shows_where_a_button_leads(make):
    world = make("01", "02")
    start = world.prompts()[1][1]
    _, state = world.start(start[None, None], [1])  # the second row has the second seed
    for _ in range(2):
        frame, state = world.step(state, [2])
    picture = gallery(world, OPTIONS)["buttons.png"]
    assert shows(picture, start)
    assert shows(picture, frame[0])
    assert not shows(picture, 255 - frame[0])


def test_trajectories_start_from_the_prompt_asked_for(make):
    world = make("01", "02")
    one, two = (picture for _, picture in world.prompts())
    picture = gallery(world, replace(OPTIONS, prompt="02"))["trajectories.png"]
    assert shows(picture, two)
    assert not shows(picture, one)


def test_pictures_of_ones_own_are_fitted_to_the_world_and_stand_alone(make):
    world, wide = make("01", "sketch"), Image.new("RGB", (90, 30), (0, 200, 0))
    picture = gallery(world, OPTIONS, {"mine": wide})["prompts.png"]
    assert shows(picture, world.prompt(wide))
    assert not shows(picture, dict(world.prompts())["sketch"])
    assert shows(gallery(make(), OPTIONS, {"mine": wide})["buttons.png"], world.prompt(wide))


def test_a_folder_of_pictures_is_drawn_by_one_command(make, tmp_path):
    (tmp_path / "mine").mkdir()
    Image.new("RGB", (90, 30), (0, 200, 0)).save(tmp_path / "mine" / "field.png")
    make("01").save(tmp_path / "world")
    arguments = ["--prompts", "mine", "--out", "out", "--presses", "2", "--frames", "2"]
    arguments = [str(tmp_path / word) if word in ("mine", "out") else word for word in arguments]
    assert main(["gallery", str(tmp_path / "world"), *arguments, "--device", "cpu"]) == 0
    assert (tmp_path / "out" / "prompts.png").exists()


def test_pictures_are_the_same_every_time(make):
    one, two = (gallery(make("01", "photo"), OPTIONS) for _ in range(2))
    assert all(one[name].tobytes() == two[name].tobytes() for name in one)


def test_a_world_without_the_prompt_says_so(make):
    with pytest.raises(InputError, match="no prompts"):
        gallery(make(), OPTIONS)
    with pytest.raises(InputError, match="'03'.*01, 02"):
        gallery(make("01", "02"), replace(OPTIONS, prompt="03"))


def test_pictures_are_written_as_png_files(make, tmp_path):
    write_gallery(gallery(make("01"), OPTIONS), tmp_path / "new" / "folder")
    names = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    assert names == ["buttons.png", "parallax.png", "trajectories.png"]
    with Image.open(tmp_path / "new" / "folder" / names[0]) as picture:
        assert picture.format == "PNG"


def test_pictures_of_others_are_kept_beside_those_that_are_written(make, tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "buttons.png")
    (tmp_path / "parallax.png").mkdir()
    before = (tmp_path / "buttons.png").read_bytes()
    pictures = gallery(make("01"), OPTIONS)
    write_gallery(pictures, tmp_path)
    write_gallery(pictures, tmp_path)
    assert (tmp_path / "buttons.png.orig").read_bytes() == before
    kept = sorted(path.name for path in tmp_path.glob("*.orig*"))
    assert kept == ["buttons.png.orig", "parallax.png.orig"]


@pytest.mark.parametrize("name", ["presses", "starts", "frames", "every"])
def test_an_empty_picture_is_refused_by_name(name):
    with pytest.raises(InputError, match=name):
        GalleryOptions(**{name: 0})


@pytest.mark.parametrize("arrow", list(DIRECTIONS))
def test_an_arrow_points_its_way(arrow):
    image = Image.new("RGB", (101, 101))
    draw_arrow(ImageDraw.Draw(image), (50, 50), 60, arrow, (255, 255, 255))
    y, x = np.nonzero(np.asarray(image)[..., 0])
    # The head is the heavy end: the middle of all that is inked lies that way, and not aside.
    way = np.array(DIRECTIONS[arrow]) / np.hypot(*DIRECTIONS[arrow])
    offset = np.array([x.mean() - 50, y.mean() - 50])
    assert way @ offset > 1
    assert abs(way[0] * offset[1] - way[1] * offset[0]) < 1


def test_a_grid_is_wide_enough_for_its_title():
    narrow, wide = (FrameGrid(1, 1, (64, 64), title, "").image for title in ("a", "a" * 80))
    assert narrow.width < wide.width
