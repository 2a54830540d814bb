import os
import sys
from contextlib import closing
from itertools import islice

import numpy as np
import pytest

from playworld.config import InputError
from playworld.data.record import recorder
from playworld.data.record.actions import ContinuousActions, read_actions
from playworld.data.record.fetch.film import films
from playworld.data.record.fetch.motions import HIGH, LOW, PRESS, Hand
from playworld.data.record.fetch.scene import COMMANDS, REACH, TABLE_TOP, Simulation
from playworld.data.record.recorder import RecordOptions
from tests.data.films import read_frames
from tests.parts import missing

if reason := missing("robot"):
    pytest.skip(reason, allow_module_level=True)
os.environ.setdefault("MUJOCO_GL", "osmesa")  # mujoco reads it when it is imported
import mujoco  # noqa: E402


@pytest.fixture(scope="module")
def scene():
    """A cube and fingers that can grasp it."""
    with closing(Simulation("pick", 32, 32)) as scene:
        yield scene


def hold(scene, command, frames=4):
    before = scene.hand
    for _ in range(frames):
        scene.act(np.array(command))
    return scene.hand - before


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_command_moves_the_hand_that_way_as_far_as_it_says(scene, axis):
    scene.reset(1)
    for sign in (1, -1):
        moved = hold(scene, [sign * 0.5 * (k == axis) for k in range(3)] + [1.0])
        assert moved[axis] == pytest.approx(sign * 0.5 * REACH * 4, rel=0.1)
        assert abs(np.delete(moved, axis)).max() < 0.004


def test_a_press_is_seen_to_move_the_hand_and_no_command_leaves_the_picture_alone(scene):
    scene.reset(1)
    hold(scene, [0, 0, 0, 1.0])
    still = scene.picture().astype(int)
    hold(scene, [0, 0, 0, 1.0])
    assert (abs(scene.picture() - still).max(axis=2) > 30).mean() < 0.002
    hold(scene, [0, 0.5, 0, 1.0], PRESS)
    assert (abs(scene.picture() - still).max(axis=2) > 30).mean() > 0.02


def test_the_seed_chooses_where_the_cube_lies(scene):
    places = []
    for seed in (1, 2, 1):
        scene.reset(seed)
        places.append(scene.thing)
    assert (places[0] == places[2]).all()
    assert abs(places[0] - places[1])[:2].max() > 0.01


def test_a_hand_that_picks_lifts_the_cube_and_puts_it_elsewhere(scene):
    scene.reset(2)
    begun, heights = scene.thing, []
    for command in Hand(scene, np.random.default_rng(0)).pick():
        scene.act(command)
        heights.append(scene.thing[2])
    assert max(heights) > TABLE_TOP + 0.08
    assert heights[-1] < TABLE_TOP + 0.05
    assert abs(scene.thing - begun)[:2].max() > 0.05


def test_every_button_is_held_for_whole_presses_within_reach_and_both_ways_alike(scene):
    scene.reset(3)
    hand, told, seen = Hand(scene, np.random.default_rng(3)), [], []
    for command in islice(hand.live(), 400):
        told.append(command[:3])
        seen.append(scene.hand)
        scene.act(command)
    first, second = np.array(told)[::PRESS], np.array(told)[1::PRESS]
    assert abs(first - second).max() < 0.25  # the noise; another button would be another 0.4
    assert (np.array(seen) > LOW - 0.02).all() and (np.array(seen) < HIGH + 0.02).all()
    ways = np.where(abs(first) > 0.2, np.sign(first), 0)
    assert (abs(ways.mean(axis=0)) < 0.1).all() and (abs(ways).mean(axis=0) > 0.05).all()


@pytest.mark.parametrize(("task", "skill"), [("push", "push"), ("door", "swing")])
def test_the_hand_moves_what_is_on_the_table(task, skill):
    with closing(Simulation(task, 16, 16)) as scene:
        scene.reset(5)
        begun = scene.thing
        for command in getattr(Hand(scene, np.random.default_rng(0)), skill)():
            scene.act(command)
        assert abs(scene.thing - begun)[:2].max() > 0.05


def test_an_episode_depends_on_its_seed_and_task_alone():
    both = list(films(["push", "pick"], range(7, 9), 12, (24, 16)))
    alone = next(films(["pick"], range(8, 9), 12, (24, 16)))
    assert [film.task for film in both] == ["push", "pick"]
    assert both[1].frames.shape == (12, 16, 24, 3)
    assert (both[1].frames == alone.frames).all()
    assert both[1].commands == alone.commands and both[1].thing == alone.thing
    assert np.ptp(alone.frames.astype(int), axis=0).max() > 50


def test_videos_have_their_commands_and_positions_beside_them(tmp_path):
    options = RecordOptions(episodes=2, max_frames=4, seed=3, size="40x24")
    counts = recorder.record("fetch", tmp_path, options)
    assert (counts["episodes"], counts["frames"]) == (2, 8)
    for video in sorted(tmp_path.glob("*.mp4")):
        truth = read_actions(video)
        assert isinstance(truth, ContinuousActions) and truth.names == COMMANDS
        assert truth.times == tuple(k / 20 for k in range(4))
        frames = [frame for _, frame in read_frames(video, 20.0, (40, 24))]
        assert len(frames) == 4


def test_a_game_has_one_size(tmp_path):
    with pytest.raises(InputError, match="coinrun is 64x64 pixels"):
        recorder.record("coinrun", tmp_path, RecordOptions(size="160x90"))


def test_without_the_extra_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium_robotics", None)
    with pytest.raises(InputError, match=r"pip install 'playworld\[robots\]'.*libosmesa6"):
        Simulation("push")


def test_a_machine_that_cannot_draw_is_told_so(monkeypatch):
    def broken(*size):
        raise RuntimeError("no library")

    monkeypatch.setattr(mujoco, "Renderer", broken)
    with pytest.raises(InputError, match="cannot draw here .no library.: apt-get install"):
        Simulation("push")
