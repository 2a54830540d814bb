"""Every button has its place, and every arrow the button that it should."""

import itertools

import pytest

from playworld.play.layout import ARROWS, RING, held_together, layout
from playworld.world import Button


def places(*names: str):
    return layout([Button(*name.rsplit(" ", 1)) if " " in name else Button(name) for name in names])


def test_an_arrow_presses_the_strongest_button_with_that_arrow():
    found = places("right →", "jump 2 ↑", "stay •", "jump ↑", "down ↓", "left ←")
    assert found.cross == {"→": 0, "↑": 3, "↓": 4, "←": 5} and found.large == "↑"
    assert found.more == (1, 2) and found.actions == ()


def test_two_arrows_press_the_diagonal_and_else_the_newer():
    with_diagonal = places("left ←", "right →", "jump ↑", "jump right ↗")
    assert with_diagonal.ways["→↑"] == with_diagonal.ways["↑→"] == 3
    assert with_diagonal.ways["←↑"] == 2 and with_diagonal.ways["↑←"] == 0


def test_an_arrow_without_a_button_takes_the_nearest_beside_it():
    found = places("left ←", "jump right ↗")
    assert found.ways["→"] == found.ways["↑"] == found.ways["→↑"] == 1
    assert found.large == "↑" and "↓" not in found.ways
    assert found.nowhere == {"↓": "No button of this world leads down."}


def test_what_goes_up_without_a_jump_needs_no_large_button():
    assert places("up ↑", "down ↓").large is None
    assert places("up ↑", "down ↓", "fire", "shield").large == 2
    assert places("up ↑", "down ↓", "fire", "shield").actions == (3,)


@pytest.mark.parametrize("count", range(2, 17))
def test_a_world_without_arrows_is_a_row_of_numbers(count):
    found = layout([Button(str(n + 1)) for n in range(count)])
    assert found.actions == tuple(range(count)) and not found.cross and found.large is None
    assert len(set(found.keys)) == count and "have no directions" in found.nowhere["→"]


def test_a_world_in_which_nothing_moves_shows_all_its_buttons():
    assert places("stay •", "stay 2 •").actions == (0, 1)


def test_every_button_has_one_place_and_every_arrow_an_answer():
    for arrows in itertools.product((*RING, "•", ""), repeat=3):
        found = layout([Button("go", arrow) for arrow in arrows])
        large = [found.large] if isinstance(found.large, int) else []
        assert sorted([*found.cross.values(), *found.actions, *found.more, *large]) == [0, 1, 2]
        assert all(arrows[button] == arrow for arrow, button in found.cross.items())
        assert all((arrow in found.ways) != (arrow in found.nowhere) for arrow in ARROWS)


def test_opposite_arrows_are_not_held_together():
    assert held_together("→", "↑") == "→↑" and held_together("→↑", "←") == "↑←"
    assert held_together("→↑", "↑") == "→↑" and held_together("", "↓") == "↓"
