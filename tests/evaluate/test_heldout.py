import json
import logging

import numpy as np
import pytest

from playworld.config import InputError
from playworld.evaluate.agreement import UNKNOWN
from playworld.evaluate.heldout import held_longest, pressed_keys, read_held_out


def test_clips_do_not_overlap_and_take_turns_between_scenes(clips):
    held = read_held_out(clips, num_clips=4, length=13, seed=3)
    assert sorted(held.sources[:2]) == sorted(held.sources[2:]) == ["left.mp4", "right.mp4"]
    for name in ("left.mp4", "right.mp4"):
        first, second = sorted(
            t[0] for t, source in zip(held.times, held.sources, strict=True) if source == name
        )
        assert second - first >= 1.3 - 1e-9


def test_the_same_seed_chooses_the_same_clips_and_another_seed_others(clips):
    starts = [
        [t[0] for t in read_held_out(clips, num_clips=3, length=9, seed=seed).times]
        for seed in (0, 0, 1)
    ]
    assert starts[0] == starts[1] != starts[2]


def test_no_more_clips_are_claimed_than_there_are(clips):
    assert len(read_held_out(clips, num_clips=100, length=20, seed=0).video) == 4


def test_scenes_shorter_than_a_rollout_are_an_error_that_says_how_long_they_are(clips):
    with pytest.raises(InputError, match="41 frames .*40"):
        read_held_out(clips, num_clips=1, length=41, seed=0)


def test_the_key_of_a_transition_is_the_one_held_longest_within_it():
    times, actions = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25], [1, 1, 2, 3, 3, 1]
    frames = np.array([0.0, 0.1, 0.2])
    assert held_longest(times, actions, frames) == [1, 2]
    assert held_longest(times, actions, np.array([0.0, 0.2, 0.3])) == [1, 3]


def test_a_key_pressed_when_the_second_frame_shows_belongs_to_the_next_transition():
    # Clocks that a container has rounded: 0.0999 and 0.1 are the same moment.
    frames = np.array([0.0, 0.1, 0.2])
    assert held_longest([0.0, 0.0999, 0.2001], [5, 6, 7], frames) == [5, 6]


def test_time_without_a_key_is_not_known():
    assert held_longest([0.0], [4], np.array([0.0, 0.1, 0.2])) == [4, None]


def test_the_first_part_of_more_clips_is_what_fewer_would_have_been(clips):
    first, rest = read_held_out(clips, num_clips=6, length=9, seed=2).part(4)
    alone = read_held_out(clips, num_clips=4, length=9, seed=2)
    assert (first.video == alone.video).all()
    assert first.sources == alone.sources
    assert len(rest.video) == len(rest.sources) == len(rest.times) == 2


def test_keys_of_a_clip_come_from_the_file_beside_its_own_video(clips):
    held = read_held_out(clips, num_clips=2, length=9, seed=0)
    keys, names = pressed_keys(held)
    assert [{names[k] + ".mp4" for k in row} for row in keys.tolist()] == [
        {source} for source in held.sources
    ]


def test_a_video_without_action_file_has_unknown_keys(clips):
    (clips.parent / "videos" / "left.actions.json").unlink()
    held = read_held_out(clips, num_clips=2, length=9, seed=0)
    keys, names = pressed_keys(held)
    assert names == ("left", "right")
    assert (keys[held.sources.index("left.mp4")] == UNKNOWN).all()


def test_without_any_action_file_there_are_no_keys(clips):
    for path in (clips.parent / "videos").iterdir():
        path.unlink()
    assert pressed_keys(read_held_out(clips, num_clips=2, length=9, seed=0)) is None


def test_actions_that_are_numbers_are_no_keys_and_the_log_says_so(clips, caplog):
    for path in (clips.parent / "videos").glob("*.actions.json"):
        said = json.loads(path.read_text())
        said |= {"actions": [[0.5, -1.0]] * len(said["times"]), "action_names": ["x", "grip"]}
        path.write_text(json.dumps(said))
    with caplog.at_level(logging.INFO):
        assert pressed_keys(read_held_out(clips, num_clips=2, length=9, seed=0)) is None
    assert caplog.text.count("2 numbers per frame") == 1
