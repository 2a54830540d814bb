"""How the view has risen and fallen, from its motions."""

import pytest
import torch

from playworld.models.motion.flight import (
    FASTEST,
    HIGH,
    LANDED,
    LONG,
    OLDEST,
    STANDS,
    FlightEmbedding,
    expected_motion,
    flight_after,
    no_flight,
)


def after(*down: int) -> torch.Tensor:
    """The flight after these motions down and three to the right, in half pixels."""
    found = no_flight(1, torch.device("cpu"))
    for rows in down:
        found = flight_after(found, torch.tensor([[rows, 3]]))
    return found


def flight(*down: int) -> list[int]:
    """All of it but the last number."""
    return after(*down)[0, :-1].tolist()


def expected(*down: int) -> float | None:
    """The next motion that is expected, in half pixels."""
    number = int(FlightEmbedding(2).expected(after(*down)))
    return None if number > 4 * FASTEST else (number - 2 * FASTEST) / 2


def test_a_motion_to_a_side_is_no_flight():
    assert flight(0) == [0, 1, 0, 0, 0, 0]


def test_the_top_of_a_jump_is_not_standing():
    assert flight(-4, -2, 0, 0) == [-1, 2, 6, -4, 3, 0]
    assert flight(0, 0, 0, 0) == [0, 4, 0, 0, 0, 0]


def test_a_jump_comes_down_to_where_it_began():
    assert flight(-4, -2, 0, 2, 4) == [1, 0, 0, -4, 4, 4]


def test_one_who_has_landed_higher_stands_there():
    before = flight(-8, 0, 2, *[0] * (LANDED - 1))
    assert before[:3] == [1, LANDED - 1, 6]
    assert flight(-8, 0, 2, *[0] * LANDED) == [1, LANDED, 0, 0, 0, 0]
    assert flight(-8, 0, 2, -8) == [-1, 0, 8, -8, 0, -8]  # and jumps again at once


def test_a_view_that_has_gone_up_stands_after_a_while():
    assert flight(-8, *[0] * (STANDS - 1))[2] == 8
    assert flight(-8, *[0] * STANDS)[2] == 0


def test_gravity_is_the_mean_change_of_speed():
    assert expected(-9, -8, -8, -7) == pytest.approx(-6.5, abs=0.26)
    assert expected(-3, -2, -1, 0) == 1  # past its top
    assert expected(2, 4, 6) == 8  # over an edge


def test_a_key_that_is_let_go_says_nothing_of_gravity():
    assert expected(-14, -13, -12, -5) is None
    assert expected(-14, -13, -12, -5, -4) == -3


def test_nothing_is_expected_of_one_who_stands():
    assert expected(0) is None and expected(-8) is None
    assert expected(-4, -2, 0, 2, 4, 0, 0) is None


def test_numbers_stay_within_their_tables():
    assert flight(*[-16] * 9)[2] == HIGH and flight(*[16] * 9)[2] == -HIGH
    assert flight(*[0] * 99)[1] == LONG and flight(*[-1] * 99)[4] == OLDEST
    assert abs(expected(-16, -16) + 16) < 1 and expected(12, 16) == FASTEST
    ends = torch.tensor(
        [[-1, 0, -HIGH, 0, 1, 16, 0], [0, LONG, 0, 0, 0, 0, 0], [1, LONG, HIGH, 0, 0, 0, 0]]
    )
    assert FlightEmbedding(6)(ends).shape == (3, 6)


def test_rows_are_independent():
    before = torch.tensor([[-1, 2, 6, -4, 3, 0, 5], [1, 1, 4, -6, 7, 0, 0]])
    motion = torch.tensor([[2, 0], [0, -1]])
    found = flight_after(before, motion).tolist()
    assert found == [[1, 0, 4, -4, 4, 2, 0], [1, 2, 0, 0, 0, 0, -1]]


def test_gravity_and_the_speed_across_go_on():
    assert expected_motion(after(-9, -7, -5)).tolist() == [[-3, 3]]
    assert expected_motion(after(4)).tolist() == [[4, 3]]  # of gravity nothing is known
    assert expected_motion(after(0, 0)).tolist() == [[0, 3]]
