import pytest
import torch

from playworld.evaluate.image_stats import RealImageStats
from playworld.evaluate.metrics.long_play import (
    LongPlay,
    held_buttons,
    play_long,
    real_sideways,
    recorded_buttons,
    score_long_play,
)
from playworld.evaluate.rollouts import press

SIDES = {"left": 0, "right": 2}
ANYTHING = RealImageStats(torch.zeros(4), torch.full((4,), 1e6), scenes=5, passing_scenes=4)


@pytest.fixture
def starts(scroll):
    return torch.stack([scroll([(2, 0)] * 3, seed=seed, size=16) for seed in range(3)])


def test_buttons_are_held_for_2_to_8_frames_and_all_come_up():
    drawn = held_buttons(50, 200, 8, seed=0)
    changes = (drawn[:, 1:] != drawn[:, :-1]).sum().item()
    # A mean of 5 frames each; one in eight is drawn twice in a row.
    assert changes / (50 * 200) == pytest.approx(7 / 8 / 5, abs=0.01)
    assert torch.bincount(drawn.flatten()).min() > 1000
    assert torch.equal(drawn, held_buttons(50, 200, 8, seed=0))


def test_recorded_moves_are_those_of_true_clips_one_after_the_other():
    codes = torch.arange(20).reshape(4, 5)
    drawn = recorded_buttons(codes, 30, 12, seed=0)
    assert drawn.shape == (30, 12)
    clips = {tuple(clip) for clip in codes.tolist()}
    assert {tuple(row[at : at + 5]) for row in drawn.tolist() for at in (0, 5)} == clips
    assert all(tuple(row[10:]) in {clip[:2] for clip in clips} for row in drawn.tolist())


def test_long_play_is_the_play_of_its_buttons(world, starts):
    buttons = held_buttons(3, 12, 3, seed=1)
    played = play_long(world, starts, buttons, SIDES, seed=1)
    _, state = world.start(starts, [3, 4, 5])
    assert torch.equal(played.video, press(world, state, buttons))
    assert {side: len(moved) for side, moved in played.moved.items()} == {"left": 3, "right": 3}


def test_the_size_of_batches_changes_nothing(world, starts):
    buttons = held_buttons(3, 9, 3, seed=0)
    one, all_ = (play_long(world, starts, buttons, SIDES, batch_size=size) for size in (1, 3))
    assert torch.equal(one.video, all_.video)


def test_a_single_frame_can_be_played(world, starts):
    buttons = torch.zeros(3, 1, dtype=torch.long)
    assert play_long(world, starts, buttons, SIDES).video.shape == (3, 1, 16, 16, 3)


def test_real_movement_is_that_of_the_side_in_true_video():
    codes = torch.tensor([[0, 0, 2, 1]])
    player = torch.tensor([[(-3.0, 0.0), (-1.0, 0.0), (4.0, 0.0), (-9.0, 0.0)]])
    assert real_sideways(SIDES, codes, player) == {"left": 2.0, "right": 4.0}
    assert real_sideways({"left": 7}, codes, player) == {"left": None}


def played(left: list[float], right: list[float]) -> LongPlay:
    video = torch.full((len(left), 4, 16, 16, 3), 100, dtype=torch.uint8)
    return LongPlay(video, {"left": torch.tensor(left), "right": torch.tensor(right)})


def test_a_rollout_moves_if_both_sides_keep_half_of_the_real_movement():
    found = score_long_play(
        played([1.1, 1.1, 0.9, -3.0], [1.6, 1.4, 1.6, 1.6]), ANYTHING, {"left": 2.0, "right": 3.0}
    )
    assert found["moves"] == 1
    assert found["looks_real"] == found["rollouts"] == 4


def test_without_movement_in_true_video_there_is_none_to_keep():
    found = score_long_play(played([1.0], [1.0]), ANYTHING, {"left": None, "right": 3.0})
    assert found["moves"] is None
    found = score_long_play(played([1.0], [1.0]), ANYTHING, {"left": -0.1, "right": 3.0})
    assert found["moves"] is None


def test_one_frame_in_ten_that_looks_wrong_fails_a_rollout():
    range_ = RealImageStats(
        torch.tensor([0.0, 0.3, 0.3, 0.3]), torch.ones(4), scenes=5, passing_scenes=4
    )
    film = torch.full((2, 20, 16, 16, 3), 100, dtype=torch.uint8)
    film[0, :2], film[1, :1] = 0, 0
    sides = {"left": torch.ones(2), "right": torch.ones(2)}
    found = score_long_play(LongPlay(film, sides), range_, {"left": 1.0, "right": 1.0})
    assert found["looks_real"] == 1
    assert found["worst_share_of_frames"] == pytest.approx(0.9)
