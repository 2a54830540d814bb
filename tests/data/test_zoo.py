import hashlib
import subprocess
import sys
from itertools import islice

import numpy as np
import pytest

from playworld.config import InputError
from playworld.data.options import RecordOptions
from playworld.data.record import recorder
from playworld.data.record.actions import read_actions
from playworld.data.record.zoo.film import film, films
from playworld.data.record.zoo.game import FASTEST, Game
from playworld.data.record.zoo.level import BOUNCE, LADDER, WATER
from playworld.data.record.zoo.physics import Runner

PRINT_HASH = """
import hashlib
from playworld.data.record.zoo.film import films
for film in films(range(7, 10), 20, (64, 64)):
    pictures = b"".join(frame.tobytes() for frame in film.frames())
    print(hashlib.sha256(pictures + bytes(film.keys)).hexdigest())
"""


def digest(one):
    pictures = b"".join(frame.tobytes() for frame in one.frames())
    return hashlib.sha256(pictures + bytes(one.keys)).hexdigest()


def test_a_film_depends_on_its_seed_alone():
    done = subprocess.run(
        [sys.executable, "-c", PRINT_HASH],
        env={"PYTHONHASHSEED": "77", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    backwards = [digest(film(seed, 20, (64, 64))) for seed in (9, 8, 7)]
    assert done.stdout.split() == backwards[::-1]


def test_a_shorter_film_is_the_beginning_of_a_longer_one():
    long, short = film(5, 60, (64, 64)), film(5, 25, (64, 64))
    assert np.array_equal(list(islice(long.frames(), 25)), list(short.frames()))
    assert long.keys[:25] == short.keys


def test_every_seed_looks_different():
    firsts = {next(one.frames()).tobytes() for one in films(range(12), 1, (64, 64))}
    assert len(firsts) == 12


@pytest.mark.parametrize("size", [(64, 64), (160, 90), (37, 8), (300, 260)])
def test_a_film_has_the_size_that_is_asked_for(size):
    for one in films(range(3), 2, size):
        assert [frame.shape for frame in one.frames()] == [(size[1], size[0], 3)] * 2


def games(kind, seeds=range(40)):
    """Some games of a kind, each with its figure on a free place."""
    found = (game for game in (Game(seed, (64, 64)) for seed in seeds) if game.kind == kind)
    return list(islice(found, 6))


@pytest.mark.parametrize(("kind", "way"), [("side", 1), ("side", -1), ("top", 1), ("air", -1)])
def test_a_held_key_moves_the_figure_and_never_the_view_the_other_way(kind, way):
    moved = []
    for game in games(kind):
        game.camera.kind, game.camera.zone = "close", 0.0
        game.camera.begin(game.body)
        x, seen = game.body.x, [game.camera.x]
        for _ in range(16):
            game.step(way, 0)
            seen.append(game.camera.x)
        moved.append(way * (game.body.x - x))
        assert np.all(way * np.diff(seen) >= -0.01)
    assert min(moved) >= -0.01 and max(moved) > 10


def test_a_jump_lands_whether_the_key_is_held_or_let_go():
    for game in games("side"):
        assert isinstance(game.mover, Runner)
        for held in (3, 40):
            heights = []
            for time in range(100):
                game.step(0, int(time < held))
                heights.append(game.body.y)
            assert game.body.grounded or game.body.swimming or game.body.climbing
            assert min(heights) < heights[-1] + 0.01


def test_players_press_left_as_often_as_right_and_the_view_scrolls():
    scrolled, sides = [], []
    for game in games("side"):
        keys = game.player.keys()
        for _ in range(150):
            dx, up = next(keys)
            before = game.camera.x
            game.step(dx, up)
            game.step(dx, up)
            scrolled.append(abs(game.camera.x - before))
            sides.append(dx)
    assert abs(np.mean(sides)) < 0.2
    assert np.mean(scrolled) > 0.5


def test_the_zoo_is_recorded_without_a_simulator(tmp_path):
    options = RecordOptions(episodes=2, max_frames=12, seed=3, size="48x32")
    assert recorder.record("zoo", tmp_path, options)["frames"] == 24
    video = tmp_path / "zoo-0000300001.mp4"
    assert read_actions(video).actions == film(300_001, 12, (48, 32)).keys


def test_options_that_mean_nothing_to_the_zoo_are_refused():
    for options in (RecordOptions(mode="hard"), RecordOptions(themes="all")):
        with pytest.raises(InputError, match="look of its own"):
            recorder.check_game("zoo", options)


@pytest.mark.parametrize("size", [(64, 64), (160, 90)])
def test_the_view_of_a_platform_game_rises_and_falls_as_the_figure_does(size):
    jumps = 0
    for seed in range(12):
        game = Game(seed, size, platforms=True)
        assert game.kind == "side" and not np.isin(game.grid, [LADDER, WATER, BOUNCE]).any()
        while not game.body.grounded:  # some begin high in the air, above the highest view
            game.step(0, 0)
        keys = (pair for pair in game.player.keys() for _ in range(2))
        for dx, up in islice(keys, 200):
            body, camera = game.body, game.camera
            before = body.y, camera.y
            game.step(dx, up)
            assert body.y - before[0] == pytest.approx(camera.y - before[1])
            jumps += body.vy < -2 and up > 0
    assert jumps > 50


def test_a_jump_of_a_platform_game_is_no_faster_than_tokens_of_changes_can_say():
    for seed in range(60):
        how = Game(seed, (64, 64), platforms=True).mover.how
        assert how.gravity * how.rise <= FASTEST + 1e-9 and not how.again


def test_platform_games_are_recorded_as_the_zoo_is(tmp_path):
    options = RecordOptions(episodes=1, max_frames=12, seed=3, size="48x32")
    assert recorder.record("platforms", tmp_path, options)["frames"] == 12
    video = tmp_path / "platforms-0000300000.mp4"
    assert read_actions(video).actions == film(300_000, 12, (48, 32), platforms=True).keys
