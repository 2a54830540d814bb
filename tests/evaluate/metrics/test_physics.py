import pytest
import torch

from playworld.evaluate.metrics.physics import HELD, _sequences, comes_down, lands


def rises(*heights):
    """Movements that lead through these heights, pixels."""
    path = torch.tensor([0.0, *heights])
    return (path[1:] - path[:-1])[None]


def test_a_jump_that_falls_and_rests_has_landed():
    assert lands(rises(4, 7, 8, 6, 2, 0, 0, 0, 0), jump=3)


def test_a_jump_onto_a_platform_has_landed():
    assert lands(rises(4, 7, 8, 7, 5, 5, 5, 5), jump=3)


@pytest.mark.parametrize(
    "heights",
    [
        (4, 7, 8, 8, 8, 8, 8, 8),  # it hovers
        (4, 8, 12, 16, 20, 24, 28, 32),  # it rises for ever
        (4, 7, 8, 6, 2, -3, -9, -16),  # it falls for ever
    ],
)
def test_a_jump_that_hovers_rises_or_falls_for_ever_has_not_landed(heights):
    assert not lands(rises(*heights), jump=3)


def test_who_has_not_left_the_ground_stands_on_it():
    assert lands(rises(0, 0, 0, 0, 0, 0), jump=3)


def test_a_held_jump_that_lands_and_jumps_again_comes_down():
    assert comes_down(rises(4, 8, 4, 0, 4, 8, 4, 0))


def test_a_held_jump_that_never_falls_does_not_come_down():
    assert not comes_down(rises(4, 8, 12, 12, 12))


def test_without_a_button_that_jumps_right_alone_is_held():
    assert _sequences(right=2, jump=None, fps=10) == {"right": [2] * HELD}


def test_a_jump_has_as_many_seconds_to_land_whatever_a_press_lasts():
    slow, fast = (_sequences(right=2, jump=5, fps=fps)["run"] for fps in (10, 20))
    assert slow == [2] * 3 + [5] * 3 + [2] * 15
    assert fast == [2] * 6 + [5] * 6 + [2] * 30
