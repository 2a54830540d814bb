import json
import shutil

import numpy as np
import pytest
import torch

from playworld.agents.demonstrations import read_demonstrations
from playworld.agents.moves import MOVES, NAMES, UNKNOWN, move_of
from playworld.config import InputError
from playworld.world import World


@pytest.fixture
def without_keys(expert, tmp_path):
    """The same clips, the videos gone."""
    shutil.copytree(expert, tmp_path / "clips")
    path = tmp_path / "clips/dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"videos": str(tmp_path / "gone")}))
    return tmp_path / "clips"


def test_a_window_ends_where_its_transition_begins_and_repeats_a_films_first_frame(expert):
    shown = read_demonstrations(expert, "train")
    rows = np.flatnonzero((shown.transitions[:, 0] == 3) & (shown.transitions[:, 1] < 5))
    first, *_, last = shown.windows(rows, 4)
    frames = shown.films[3].frames
    assert torch.equal(first, frames[[0, 0, 0, 0]]) and torch.equal(last, frames[1:5])


def test_the_move_of_a_transition_is_the_one_pressed_from_its_first_frame_on(expert):
    shown = read_demonstrations(expert, "valid")
    seen = shown.windows(np.arange(len(shown.transitions)), 1)[:, 0].float().mean(dim=-1)
    bright = [seen[:, 8 + 32 * (m // 3) : 24 + 32 * (m // 3), 4 + 20 * (m % 3) : 18 + 20 * (m % 3)]
              for m in range(len(MOVES))]  # fmt: skip
    stored = torch.stack([part.mean(dim=(1, 2)) for part in bright]).argmax(dim=0)
    assert shown.true_moves().tolist() == stored.tolist()


def test_moves_that_coinrun_does_not_tell_apart_are_one():
    assert [move_of(name) for name in NAMES] == list(range(len(MOVES)))
    same = {"left-down": "left", "right-down": "right", "down": "none", "D": "none", "E": "none"}
    assert all(move_of(name) == move_of(other) for name, other in same.items())
    with pytest.raises(InputError, match="'grip' is none of Procgen's"):
        move_of("grip")


def test_latent_actions_are_those_the_world_infers_film_by_film(expert, tiny_world):
    world, shown = World.load(tiny_world), read_demonstrations(expert, "valid")
    inferred = [world.infer_actions(film.frames[None])[0] for film in shown.films]
    assert shown.latent_actions(world).tolist() == torch.cat(inferred).tolist()


def test_without_action_files_only_latent_actions_are_known(without_keys, tiny_world):
    shown = read_demonstrations(without_keys, "train")
    assert len(shown.latent_actions(World.load(tiny_world))) == len(shown.transitions)
    with pytest.raises(InputError, match="no action files beside the videos"):
        shown.true_moves()


def test_the_numbers_of_a_robot_are_named_as_such(expert, tmp_path):
    shutil.copytree(expert.parent, tmp_path / "robot")
    for path in (tmp_path / "robot/videos").glob("*.actions.json"):
        stored = json.loads(path.read_text())
        stored |= {"actions": [[0.5, -0.5] for _ in stored["times"]], "action_names": ["x", "y"]}
        path.write_text(json.dumps(stored))
    path = tmp_path / "robot/clips/dataset.json"
    stored = json.loads(path.read_text()) | {"videos": str(tmp_path / "robot/videos")}
    path.write_text(json.dumps(stored))
    with pytest.raises(InputError, match="has 2 numbers per frame, as of a robot"):
        read_demonstrations(tmp_path / "robot/clips", "train").true_moves()


def test_a_film_without_its_own_action_file_is_unknown_the_others_stay(expert, tmp_path):
    shutil.copytree(expert.parent, tmp_path / "some")
    (tmp_path / "some/videos/valid-1.actions.json").unlink()
    path = tmp_path / "some/clips/dataset.json"
    stored = json.loads(path.read_text()) | {"videos": str(tmp_path / "some/videos")}
    path.write_text(json.dumps(stored))
    shown = read_demonstrations(tmp_path / "some/clips", "valid")
    unknown = shown.true_moves() == UNKNOWN
    assert unknown.tolist() == (shown.transitions[:, 0] == 1).tolist()


def test_so_many_minutes_are_read_in_whole_films(expert):
    shown = read_demonstrations(expert, "train", minutes=60 / 600)
    assert len(shown.films) == 3  # of 2.5 seconds each: the third one passes 6 seconds


def test_clips_of_another_speed_than_the_worlds_are_refused(expert, tiny_world):
    world, shown = World.load(tiny_world), read_demonstrations(expert, "valid")
    object.__setattr__(shown, "fps", 20.0)
    with pytest.raises(InputError, match="ingest again with --fps 10"):
        shown.latent_actions(world)
