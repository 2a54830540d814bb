"""How the view has risen and fallen, from its motions."""

import torch

from playworld.models.motion.flight import (
    HIGH,
    LANDED,
    LONG,
    STANDS,
    FlightEmbedding,
    flight_after,
    no_flight,
)


def flight(*down: int) -> list[int]:
    """The flight after these motions, in half pixels."""
    found = no_flight(1, torch.device("cpu"))
    for rows in down:
        found = flight_after(found, torch.tensor([[rows, 3]]))
    return found[0].tolist()


def test_a_motion_to_a_side_is_no_flight():
    assert flight(0) == [0, 1, 0]


def test_the_top_of_a_jump_is_not_standing():
    assert flight(-4, -2, 0, 0) == [-1, 2, 6]
    assert flight(0, 0, 0, 0) == [0, 4, 0]


def test_a_jump_comes_down_to_where_it_began():
    assert flight(-4, -2, 0, 2, 4) == [1, 0, 0]


def test_one_who_has_landed_higher_stands_there():
    before = flight(-8, 0, 2, *[0] * (LANDED - 1))
    assert before == [1, LANDED - 1, 6]
    assert flight(-8, 0, 2, *[0] * LANDED) == [1, LANDED, 0]


def test_a_view_that_has_gone_up_stands_after_a_while():
    assert flight(-8, *[0] * (STANDS - 1))[2] == 8
    assert flight(-8, *[0] * STANDS)[2] == 0


def test_numbers_stay_within_their_tables():
    assert flight(*[-16] * 9)[2] == 2 * HIGH and flight(*[16] * 9)[2] == -2 * HIGH
    assert flight(*[0] * 99)[1] == LONG
    ends = torch.tensor([[-1, 0, -2 * HIGH], [0, LONG, 0], [1, LONG, 2 * HIGH]])
    assert FlightEmbedding(6)(ends).shape == (3, 6)


def test_rows_are_independent():
    before = torch.tensor([[-1, 2, 6], [1, 1, 4]])
    motion = torch.tensor([[2, 0], [0, 0]])
    assert flight_after(before, motion).tolist() == [[1, 0, 4], [1, 2, 0]]
