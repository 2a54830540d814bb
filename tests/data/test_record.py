import json
import random
import stat
from dataclasses import replace
from itertools import pairwise

import av
import numpy as np
import pytest

from playworld.config import InputError
from playworld.data.record import games, recorder, recordings
from playworld.data.record.actions import read_actions
from playworld.data.record.procgen import install, player
from playworld.data.record.recorder import Episode, RecordOptions
from playworld.data.record.scroller import scroll


def decode(path):
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        return np.stack(frames)


def sprites(length, seed=0):
    """Sharp coloured blocks on a moving ground: what chroma subsampling ruins."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(0, 256, (32, 64, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
    return np.stack([ground[20:84, 2 * k : 2 * k + 64] for k in range(length)])


def episode(length=30):
    return Episode(
        level_seed=7, frames=sprites(length), actions=tuple(k % 9 for k in range(length))
    )


def test_an_unknown_game_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(InputError, match="unknown game 'coinrn', did you mean 'coinrun'"):
        recorder.record("coinrn", tmp_path / "videos", RecordOptions())
    assert not (tmp_path / "videos").exists()


def test_a_mode_that_a_game_does_not_have_is_refused(tmp_path):
    with pytest.raises(InputError, match="coinrun has no mode 'memory'"):
        recorder.record("coinrun", tmp_path / "videos", RecordOptions(mode="memory"))
    assert not (tmp_path / "videos").exists()


def test_a_file_where_the_folder_should_be_is_refused(tmp_path):
    (tmp_path / "videos").write_text("not a folder")
    with pytest.raises(InputError, match="is a file"):
        recorder.record("coinrun", tmp_path / "videos", RecordOptions())


def test_only_a_game_of_procgen_can_be_played_by_holding_keys(tmp_path):
    with pytest.raises(InputError, match="zoo has a player of its own"):
        recorder.record("zoo", tmp_path / "videos", RecordOptions(player="holder"))
    assert not (tmp_path / "videos").exists()


def test_the_experts_episodes_are_not_drawn_smoothly(tmp_path):
    options = RecordOptions(player="expert", smooth=True)
    with pytest.raises(InputError, match="without --smooth"):
        recorder.record("coinrun", tmp_path / "videos", options)


def test_a_smooth_picture_is_the_mean_of_the_large_one():
    class Simulator:
        large = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)

        def get_info(self):
            return [{"rgb": self.large}]

    picture = player.shown(Simulator())
    assert picture.shape == (64, 64, 3)
    assert picture[3, 5, 1] == round(Simulator.large[24:32, 40:48, 1].mean())


def test_a_holder_holds_any_key_and_prefers_none_of_those_that_it_survives():
    holder = player.HoldingPlayer(random.Random(0), [1, 4, 7])
    plans = [holder.propose() for _ in range(60)]
    assert all(len(set(plan)) == 1 and 4 <= len(plan) <= 40 for plan in plans)
    assert {plan[0] for plan in plans} == {1, 4, 7}
    still, wild = np.zeros((2, 3, 64, 64, 3), dtype=np.uint8)
    wild[1:] = 255
    scores = np.array([[holder.judge(list(seen))[0] for seen in (still, wild)] for _ in range(60)])
    assert (scores > player.STOPPED).all() and 15 < (scores[:, 0] > scores[:, 1]).sum() < 45


@pytest.mark.parametrize(
    "wrong",
    [{"episodes": 0}, {"seed": -1}, {"seed": 10**9}, {"max_frames": 0}, {"min_frames": -1}],
)
def test_an_option_out_of_range_is_refused_by_name(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        RecordOptions(**wrong)


def test_no_two_seeds_share_a_level_and_all_levels_fit_procgen():
    seeds = [0, 1, 2, games.MAX_SEED - 1, games.MAX_SEED]
    ranges = [games.levels(seed) for seed in seeds]
    assert all(first.stop <= second.start for first, second in pairwise(ranges))
    assert ranges[-1].stop <= 2**31 - 1


def test_a_video_decodes_to_the_very_frames_that_were_recorded(tmp_path):
    frames = sprites(40)
    recordings.write_video(tmp_path / "a.mp4", frames)
    np.testing.assert_array_equal(decode(tmp_path / "a.mp4"), frames)


def test_a_video_is_h264_in_mp4_at_twenty_frames_per_second(tmp_path):
    recordings.write_video(tmp_path / "a.mp4", sprites(40))
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        times = [frame.time for frame in container.decode(stream)]
        assert (stream.codec_context.name, stream.average_rate) == ("h264", 20)
    np.testing.assert_allclose(times, np.arange(40) / 20, atol=1e-6)


def test_the_actions_beside_a_video_are_read_back(tmp_path):
    recorder.write_episode(tmp_path, "a", "coinrun", episode(30), RecordOptions())
    found = read_actions(tmp_path / "a.mp4")
    assert found.actions == episode(30).actions
    assert found.times == tuple(k / 20 for k in range(30))
    assert found.names[7] == "right" and len(found.names) == 15


def test_an_episode_that_cannot_be_put_in_place_leaves_nothing_unfinished(tmp_path):
    (tmp_path / "a.mp4").mkdir()  # a rename onto it fails
    with pytest.raises(OSError):
        recorder.write_episode(tmp_path, "a", "coinrun", episode(4), RecordOptions())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.actions.json", "a.mp4"]


def test_what_a_killed_recorder_left_is_removed_but_a_running_one_is_left_alone(tmp_path):
    (tmp_path / ".episode.playworld-tmp-00000000").mkdir()
    with recordings.unfinished(tmp_path, "one") as (text, video):
        text.write_text("{}")
        with recordings.unfinished(tmp_path, "two") as (_, other):
            other.write_bytes(b"x")
        video.write_bytes(b"x")
    found = sorted(path.name for path in tmp_path.iterdir())
    assert found == ["one.actions.json", "one.mp4", "two.mp4"]


def test_a_simulator_that_stops_is_reported_with_its_last_words(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'no such level' >&2\nexit 3\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(RuntimeError, match=r"exit status 3\): no such level"):
        list(recorder.play(python, "coinrun", RecordOptions(episodes=1)))


@pytest.mark.parametrize(
    "here",
    [((3, 13), "linux", "x86_64"), ((3, 11), "darwin", "arm64"), ((3, 12), "linux", "aarch64")],
)
def test_a_machine_without_a_wheel_is_told_so_in_one_sentence(here):
    with pytest.raises(InputError) as refused:
        install.check_wheel(*here)
    assert "Python 3.11 and 3.12 on Linux x86-64" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_an_installation_that_fails_is_bad_input_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(InputError, match="could not be installed .*procgen-mirror"):
        install.build(tmp_path / "cache" / "procgen")
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_movement_of_the_view_is_measured_to_the_pixel():
    rng = np.random.default_rng(1)
    world = rng.integers(0, 256, (12, 40, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    places = [(200, 60), (205, 66), (205, 55), (202, 55), (208, 48)]
    frames = [world[y : y + 64, x : x + 64] for x, y in places for _ in range(2)]
    assert player.steps_right(frames).tolist() == [5, 0, -3, 6]


OPTIONS = RecordOptions(episodes=8, seed=3, max_frames=300)


def test_a_film_of_two_layers_is_recorded_without_a_simulator(tmp_path):
    options = RecordOptions(episodes=2, max_frames=30, seed=3)
    counts = recorder.record("scroller", tmp_path, options)
    assert counts["frames"] == 60
    video = tmp_path / "scroller-0000300001.mp4"
    film, keys = scroll(300_001, 30)
    assert np.array_equal(decode(video), film)
    assert read_actions(video).actions == keys


@pytest.fixture(scope="session")
def recorded(python, tmp_path_factory):
    out = tmp_path_factory.mktemp("coinrun")
    seen = []
    report = recorder.record("coinrun", out, OPTIONS, progress=lambda *step: seen.append(step))
    return out, report, seen


@pytest.fixture(scope="session")
def played(recorded):
    """Frames and actions of every recorded file, in order."""
    paths = sorted(recorded[0].glob("*.mp4"))
    return [(decode(path), read_actions(path).actions) for path in paths]


@pytest.fixture(scope="session")
def steps(played):
    return [player.steps_right(list(frames)) for frames, _ in played]


@pytest.mark.slow
def test_every_episode_is_a_video_of_a_level_of_its_own(recorded):
    out, report, seen = recorded
    truths = [json.loads(path.read_text()) for path in sorted(out.glob("*.actions.json"))]
    assert [truth["level_seed"] for truth in truths] == list(games.levels(3))[:8]
    assert len(list(out.glob("*.mp4"))) == 8 == report["episodes"]
    assert [step[:2] for step in seen] == [(k, 8) for k in range(1, 9)]
    assert len(list(out.iterdir())) == 16


@pytest.mark.slow
def test_every_frame_has_its_action(recorded, played):
    report = recorded[1]
    assert all(len(frames) == len(actions) for frames, actions in played)
    assert sum(len(frames) for frames, _ in played) == report["frames"]
    assert max(len(frames) for frames, _ in played) == report["longest"] <= 300


@pytest.mark.slow
def test_the_same_seed_gives_the_same_frames_and_actions(played, python):
    options = replace(OPTIONS, episodes=2)
    for (frames, actions), again in zip(
        played, recorder.play(python, "coinrun", options), strict=False
    ):
        np.testing.assert_array_equal(frames, again.frames)
        assert actions == again.actions


@pytest.mark.slow
def test_another_seed_gives_other_episodes(played, python):
    other = next(recorder.play(python, "coinrun", replace(OPTIONS, episodes=1, seed=4)))
    assert played[0][1] != other.actions


@pytest.mark.slow
def test_left_is_shown_as_often_as_right(steps):
    right = sum(step[step > 0].sum() for step in steps)
    left = -sum(step[step < 0].sum() for step in steps)
    assert 0.42 < right / (right + left) < 0.58


@pytest.mark.slow
def test_the_player_covers_ground_and_uses_every_key(played, steps):
    actions = np.concatenate([actions for _, actions in played])
    shares = np.bincount(actions, minlength=15) / len(actions)
    assert shares[[1, 2, 7, 8]].min() > 0.08 and shares[[4, 5]].min() > 0.005
    spans = [np.ptp(np.cumsum(step)) for step in steps]
    assert np.median(spans) > 35  # pixels: more than half a screen


@pytest.mark.slow
def test_an_episode_never_shows_the_next_one(python):
    # Leaper begins where this player begins to record, and a level begins again as it began.
    options = RecordOptions(episodes=8, max_frames=400, min_frames=0)
    played = list(recorder.play(python, "leaper", options))
    assert any(len(one.actions) < 400 for one in played)
    assert all((one.frames[-1] != one.frames[0]).any() for one in played)


@pytest.mark.slow
@pytest.mark.parametrize("game", ["climber", "fruitbot", "maze", "starpilot"])
def test_another_game_is_recorded_by_its_name(python, tmp_path, game):
    options = RecordOptions(episodes=1, max_frames=40, backgrounds=False)
    report = recorder.record(game, tmp_path, options)
    (video,) = tmp_path.glob("*.mp4")
    assert 20 <= report["frames"] == len(decode(video)) <= 40
    assert set(read_actions(video).actions) <= set(games.GAMES[game])
