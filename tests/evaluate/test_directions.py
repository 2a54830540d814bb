import pytest
import torch

from playworld.evaluate.directions import (
    RealPresses,
    best_buttons,
    goes,
    measure_directions,
)
from playworld.world import Button

BUTTONS = tuple(Button(name) for name in ("right", "stay", "left", "jump", "right 2"))
STEPS = torch.tensor([(3.0, 0.0), (0.0, 0.0), (-2.0, 0.0), (0.0, -4.0), (1.0, 0.0)])
NOTHING = torch.zeros(2, 6, dtype=torch.long)


def shifts(starts: int = 20) -> torch.Tensor:
    return STEPS[:, None].repeat(1, starts, 1)


def measure(played, codes=NOTHING, keys=None, player=None):
    player = torch.zeros(*codes.shape, 2) if player is None else player
    return measure_directions(played, BUTTONS, RealPresses(codes, keys, player), presses=4)


def test_each_direction_gets_the_button_that_goes_there_from_most_starts():
    assert best_buttons(shifts()) == {"left": 2, "right": 0, "jump": 3, "stay": 1}


def test_a_sure_button_comes_before_a_strong_one():
    played = shifts()
    played[0, :5] = 0
    assert best_buttons(played)["right"] == 4


def test_a_walk_beside_a_wall_comes_before_a_jump_over_it():
    played = shifts()
    played[0, :5] = 0
    played[4] = torch.tensor([3.0, -4.0])
    assert best_buttons(played) == {"left": 2, "right": 0, "jump": 3, "stay": 1}


def test_a_start_where_a_wall_stops_the_player_counts_as_a_failure():
    played = shifts()
    played[2, :5] = 0
    row = measure(played)["left"]
    assert (row["button"], row["label"]) == (2, "left")
    assert row["share"] == pytest.approx(0.75)
    assert row["share_interval"]["low"] < 0.75 < row["share_interval"]["high"]


def test_half_a_pixel_divides_going_from_staying():
    step = torch.tensor([[0.4, 0.0], [0.6, 0.0], [0.0, -0.6], [0.0, 0.6]])
    assert goes(step, "right").tolist() == [False, True, False, False]
    assert goes(step, "jump").tolist() == [False, False, True, False]
    assert goes(step, "stay").tolist() == [True, False, False, False]


def test_the_real_game_is_judged_by_presses_that_begin_on_level_ground():
    codes = torch.ones(20, 8, dtype=torch.long)
    codes[:, 4:6] = 0  # pressed for two transitions, from standing
    player = torch.zeros(20, 8, 2)
    player[:15, 4:6, 0] = 3.0  # in 15 of 20 clips the player goes right
    rows = measure(shifts(), codes, player=player)
    assert rows["right"]["in_video"] == pytest.approx(0.75)
    assert rows["left"]["in_video"] is None


def test_presses_in_the_air_do_not_count():
    codes = torch.ones(20, 8, dtype=torch.long)
    codes[:, 4:] = 0
    player = torch.zeros(20, 8, 2)
    player[..., 1] = -4.0
    assert measure(shifts(), codes, player=player)["right"]["in_video"] is None


def test_what_the_true_keys_do_is_told_beside_it():
    keys = torch.zeros(20, 8, dtype=torch.long)
    keys[:10, 4:], keys[10:, 4:] = 1, 2
    player = torch.zeros(20, 8, 2)
    player[:10, 4:] = torch.tensor([2.0, -5.0])  # right-up: right and up
    names = ("none", "right-up", "right")  # and right, against a wall
    rows = measure(shifts(), torch.ones(20, 8, dtype=torch.long), (keys, names), player)
    assert rows["right"]["key_in_video"] == pytest.approx(0.5)
    assert rows["jump"]["key_in_video"] == pytest.approx(1.0)
    assert rows["left"]["key_in_video"] is None
