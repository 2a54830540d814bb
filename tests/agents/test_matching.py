"""What does not go together is refused, in words that say what to do."""

from dataclasses import replace

import numpy as np
import pytest

from playworld.agents.arena import ArenaOptions
from playworld.agents.matching import hold_of, refuse_games, refuse_other_films
from playworld.config import InputError
from playworld.data.clips.shards import ShardWriter, write_json
from playworld.world import World

NEW = ArenaOptions(seed=7)


@pytest.fixture
def world(tiny_world):
    return World.load(tiny_world)


def clips_of(folder, fps, side=64):
    """One film of so many frames per second."""
    with ShardWriter(folder / "train", side, side, fps) as writer:
        writer.write(np.zeros((5, side, side, 3), np.uint8), "a.mp4", [k / fps for k in range(5)])
    write_json(folder / "dataset.json", {"videos": "", "splits": {}})
    return folder


def test_a_level_that_was_recorded_is_never_played(expert):
    first = ArenaOptions(seed=0, games=100)  # the films are of levels 0, 100, 200 ...
    refuse_games(expert, [NEW])
    with pytest.raises(InputError, match="level 0 is among the recordings"):
        refuse_games(expert, [NEW, first])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "hard"}, "show hard levels, the games are easy: pass --difficulty hard"),
        ({"backgrounds": True}, "record with --no-backgrounds"),
        ({"themes": "all"}, "record with --themes one"),
    ],
)
def test_recordings_that_look_otherwise_than_the_games_are_refused(options, message, recorded):
    like = {"mode": "easy", "backgrounds": False, "themes": "one"}
    with pytest.raises(InputError, match=message):
        refuse_games(recorded(**like | options), [NEW])


def test_recordings_that_look_like_the_games_are_taken(recorded):
    clips = recorded(mode="hard", backgrounds=False, themes="one", seed=3)
    refuse_games(clips, [replace(NEW, difficulty="hard")])


@pytest.mark.parametrize(("fps", "hold"), [(20.0, 1), (10.0, 2), (5.0, 4)])
def test_a_press_is_held_for_as_many_game_steps_as_a_frame_of_the_clips(fps, hold, world, tmp_path):
    world.config = replace(world.config, fps=fps)
    assert hold_of(world, clips_of(tmp_path, fps)) == hold


@pytest.mark.parametrize("fps", [15.0, 40.0])
def test_frames_that_do_not_divide_the_steps_of_the_game_are_refused(fps, world, tmp_path):
    world.config = replace(world.config, fps=fps)
    with pytest.raises(InputError, match=f"which {fps:g} frames do not divide: choose"):
        hold_of(world, clips_of(tmp_path, fps))


def test_clips_of_another_size_or_speed_than_the_worlds_are_refused(world, tmp_path):
    with pytest.raises(InputError, match="are 32x32: ingest again with --size 64x64"):
        hold_of(world, clips_of(tmp_path / "small", 10.0, side=32))
    with pytest.raises(InputError, match="have 20: ingest again with --fps 10"):
        hold_of(world, clips_of(tmp_path / "fast", 20.0))
    with pytest.raises(InputError, match="are 160x90: ingest again with --size 64x64"):
        refuse_other_films(world, 90, 160, 10.0)


def test_a_world_of_another_size_than_the_games_is_refused(world, expert, monkeypatch):
    monkeypatch.setattr(World, "height", 32)
    with pytest.raises(InputError, match="the game is 64x64, this world 64x32: choose a world"):
        hold_of(world, expert)
