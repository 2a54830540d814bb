import json
import stat
from collections import Counter
from contextlib import closing
from dataclasses import replace
from itertools import islice

import av
import numpy as np
import pytest

from playworld.agents.arena import Arena, ArenaOptions
from playworld.cli import main
from playworld.config import InputError
from playworld.data.record import games, recorder
from playworld.data.record.actions import read_actions
from playworld.data.record.procgen import expert
from playworld.data.record.recorder import RecordOptions

OPTIONS = RecordOptions(episodes=6, seed=5, backgrounds=False, player="expert")


@pytest.fixture(scope="module", params=["easy", "hard"])
def mode(request):
    return request.param


@pytest.fixture(scope="module")
def shown(python, mode):
    return list(recorder.play(python, "coinrun", replace(OPTIONS, mode=mode)))


def held(actions):
    """The presses of an episode: each is held for two frames, the last until the coin."""
    presses = actions[::2]
    assert actions[1::2] == presses[: len(actions) // 2]
    return presses


def test_only_coinrun_has_an_expert(tmp_path):
    with pytest.raises(InputError, match="only coinrun has an expert"):
        recorder.record("maze", tmp_path / "videos", OPTIONS)
    assert not (tmp_path / "videos").exists()


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_of_blunders_is_a_share(share):
    with pytest.raises(InputError, match="blunders must be a share"):
        RecordOptions(blunders=share)


def test_a_jump_begins_where_there_is_most_room_to_both_sides():
    assert expert.from_the_middle([3, 4, 5, 6, 7]) == [5, 6, 4, 7, 3]
    assert expert.from_the_middle([1, 4, 5, 6]) == [5, 6, 4, 1]
    assert expert.from_the_middle([]) == []


def test_most_levels_are_solved_in_the_order_of_the_seed(shown):
    solved = [episode for episode in shown if episode.solved]
    assert len(solved) == 6 and len(shown) <= 8
    assert [episode.level_seed for episode in shown] == list(games.levels(5))[: len(shown)]
    assert all(len(one.frames) == len(one.actions) <= 600 for one in solved)


def test_its_presses_reach_the_coin_in_the_real_game_from_the_first_picture(shown, mode):
    games = len(shown)
    with closing(Arena(ArenaOptions(difficulty=mode, seed=5, games=games))) as arena:
        frames, rewards = [arena.reset()], np.zeros(games)
        plans = [held(episode.actions) for episode in shown]
        for t in range(max(map(len, plans))):
            step = arena.step([plan[t] if t < len(plan) else 4 for plan in plans])
            frames.append(step.frames)
            rewards += step.rewards
    for k, episode in enumerate(shown):
        assert rewards[k] == (10 if episode.solved else 0)
        seen = np.stack([frame[k] for frame in frames[: len(plans[k])]])
        np.testing.assert_array_equal(episode.frames[::2], seen)


def test_it_mostly_runs_to_the_right_and_jumps(shown):
    pressed = Counter(action for episode in shown for action in episode.actions)
    assert pressed[7] > pressed[8] > 0
    assert pressed[7] + pressed[8] > 0.9 * pressed.total()


def test_the_same_level_is_played_in_the_same_way(shown, mode, python):
    again = recorder.play(python, "coinrun", replace(OPTIONS, mode=mode, episodes=1))
    for one, other in zip(shown, islice(again, 1), strict=False):
        assert one.actions == other.actions
        np.testing.assert_array_equal(one.frames, other.frames)


def test_after_a_blunder_it_begins_elsewhere_and_still_reaches_the_coin(python, shown, mode):
    options = replace(OPTIONS, mode=mode, blunders=1, episodes=3)
    for plain, other in zip(shown, recorder.play(python, "coinrun", options), strict=False):
        assert (plain.level_seed, other.solved) == (other.level_seed, True)
        assert (plain.frames[0] != other.frames[0]).any()


def test_films_that_begin_from_a_blunder_have_a_useful_length(python, mode):
    options = replace(OPTIONS, mode=mode, blunders=1, episodes=12)
    solved = [film for film in recorder.play(python, "coinrun", options) if film.solved]
    assert min(len(held(film.actions)) for film in solved) >= expert.SHORTEST


def test_recording_says_who_played_and_that_the_coin_was_reached(python, tmp_path, capsys):
    out = tmp_path / "videos"
    words = ["--player", "expert", "--episodes", "2", "--no-backgrounds", "--seed", "5"]
    assert main(["record", "coinrun", str(out), *words]) == 0
    assert "2 levels solved, 0 left out" in capsys.readouterr().out
    for video in sorted(out.glob("*.mp4")):
        about = json.loads(video.with_suffix(".actions.json").read_text())
        assert (about["player"], about["solved"]) == ("expert", True)
        with av.open(str(video)) as container:
            assert container.streams.video[0].frames == len(read_actions(video).actions)


def test_a_level_that_is_not_solved_is_left_out_and_counted(tmp_path, monkeypatch):
    frames = np.zeros((4, 64, 64, 3), dtype=np.uint8)
    played = [
        recorder.Episode(1, frames[:0], (), solved=False),
        recorder.Episode(2, frames, (7,) * 4, solved=True),
    ]
    monkeypatch.setattr(recorder, "procgen_python", lambda: tmp_path)
    monkeypatch.setattr(recorder, "play", lambda *_: iter(played))
    counts = recorder.record("coinrun", tmp_path, OPTIONS)
    assert (counts["episodes"], counts["unsolved"], counts["frames"]) == (1, 1, 4)
    assert [path.name for path in tmp_path.glob("*.mp4")] == ["coinrun-0000000002.mp4"]


def test_too_few_frames_for_any_level_are_said_to_be_too_few(tmp_path):
    head = json.dumps({"frames": 0, "level_seed": 1, "actions": [], "solved": False})
    hopeless = tmp_path / "python"
    hopeless.write_text(f"#!/bin/sh\nyes '{head}'\n")
    hopeless.chmod(hopeless.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(InputError, match="solved none of 100 levels within max_frames=4"):
        list(recorder.play(hopeless, "coinrun", replace(OPTIONS, max_frames=4)))
