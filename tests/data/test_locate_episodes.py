import pytest

from playworld.data.record.locate_episodes import Claim, Placement, place

FPS = 10
TIMES = [k / FPS for k in range(30)]


def claims(*starts, frames=10):
    return [Claim(i, start / FPS, frames) for i, start in enumerate(starts)]


def test_episodes_on_the_frames_lie_where_they_say():
    assert place(claims(0, 10, 20), TIMES) == {i: Placement(10 * i, 0.0) for i in range(3)}


@pytest.mark.parametrize("starts", [(0, 10.4, 20), (0, 7, 20), (0, 10, 23), (-1, 11, 20.6)])
def test_episodes_that_fill_the_video_follow_each_other(starts):
    assert [found.first for found in place(claims(*starts), TIMES).values()] == [0, 10, 20]


def test_episodes_may_lie_in_another_order():
    found = place(claims(20, 0, 10), TIMES)
    assert [found[index].first for index in range(3)] == [20, 0, 10]


def test_episodes_in_another_order_are_not_guessed():
    found = place(claims(20, 0.6, 10), TIMES)
    assert all("contradicts" in reason for reason in found.values())


def test_one_missing_frame_spoils_a_whole_video():
    found = place(claims(0, 10, 20), TIMES[:-1])
    assert set(found.values()) == {"its video has 29 frames where 30 were expected"}


def test_a_gap_that_the_clock_shows_spoils_its_own_episode_alone():
    found = place(claims(0, 10, 20), TIMES[:14] + TIMES[15:])
    assert found[0] == Placement(0, 0.0) and found[2] == Placement(19, 0.0)
    assert found[1] == "frames of it are missing in its video"


@pytest.mark.parametrize(
    ("starts", "wrong"),
    [
        ((0, 10.4), {1: "0.40 of a frame beside"}),
        ((0, 21), {1: "beyond the end"}),
        ((0, 9), {0: "overlaps with episode 1", 1: "overlaps with episode 0"}),
    ],
)
def test_where_frames_are_left_over_a_start_must_lie_on_one(starts, wrong):
    found = place(claims(*starts), TIMES)
    said = {index: reason for index, reason in found.items() if isinstance(reason, str)}
    assert said.keys() == wrong.keys()
    assert all(wrong[index] in said[index] for index in wrong)


def test_a_clock_of_milliseconds_and_of_single_precision_is_near_enough():
    times = [round(k / 30, 3) for k in range(40)]
    found = place([Claim(0, 0.0, 10), Claim(1, 10 / 30 + 1e-4, 10)], times)
    assert found == {0: Placement(0, 0.0), 1: Placement(10, 0.0)}
