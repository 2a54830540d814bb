import pytest
import torch

from playworld.evaluate.button_names import Effect
from playworld.evaluate.metrics.returns import (
    RoundTrip,
    opposite_pairs,
    play_round_trips,
    score_reversibility,
)
from playworld.world import Button


def effect(label, arrow, consistency=1.0):
    return Effect(Button(label, arrow), (0.0, 0.0), consistency)


def test_pairs_are_the_strongest_buttons_that_go_opposite_ways():
    effects = [effect("right 2", "→"), effect("left", "←"), effect("right", "→")]
    effects += [effect("jump", "↑"), effect("stay", "•"), effect("down", "↓", 0.25)]
    assert opposite_pairs(effects) == [(1, 2, (-1, 0)), (2, 1, (1, 0))]


def test_a_world_without_opposites_has_no_pairs_and_makes_no_trips(world, scroll):
    assert opposite_pairs([effect("jump", "↑"), effect("right", "→")]) == []
    assert play_round_trips(world, scroll([], size=16)[None], [], away=4) == []


def test_trips_press_one_button_and_then_the_other_as_often(world, scroll):
    starts = torch.stack([scroll([], size=16, seed=seed) for seed in range(3)])
    short, long = play_round_trips(world, starts, [(0, 1, (1, 0))], away=6, seed=5)
    _, state = world.start(starts, [5, 6, 7])
    for button in [0] * 6 + [1] * 6:
        frames, state = world.step(state, [button] * 3)
    assert torch.equal(long.video[:, -1], frames)
    assert (short.presses, short.video.shape[1], long.video.shape[1]) == (4, 9, 13)


def trip(scroll, steps, presses):
    """A camera that follows: the player's way to the right is the camera's."""
    video = torch.stack([scroll(steps, "tiles", seed=seed) for seed in range(3)])
    return RoundTrip(0, 1, (1, 0), presses, video)


def test_who_comes_back_is_home_and_recognised(scroll):
    (row,) = score_reversibility([trip(scroll, [(3, 0)] * 4 + [(-3, 0)] * 4, 4)], ["right", "left"])
    assert row["returns"] == row["recognised"] == 1
    assert row["out"] == pytest.approx(12, abs=0.5)
    assert row["back"] == pytest.approx(12, abs=0.5)
    assert row["start_psnr"]["mean"] == 100
    assert row["other_psnr"] < 30


def test_who_goes_on_is_not_home(scroll):
    (row,) = score_reversibility([trip(scroll, [(3, 0)] * 8, 4)], ["right", "left"])
    assert row["returns"] == 0
    assert row["back"] == pytest.approx(-12, abs=0.5)


def test_every_start_has_a_figure_of_its_own_for_comparing_worlds(scroll):
    home, on, stays = (
        scroll(steps, "tiles")[None]
        for steps in ([(3, 0)] * 4 + [(-3, 0)] * 4, [(3, 0)] * 8, [(0, 0)] * 8)
    )
    mixed = RoundTrip(0, 1, (1, 0), 4, torch.cat([home, on, stays]))
    (row,) = score_reversibility([mixed], ["right", "left"])
    assert row["home"] == [True, False, None]
    assert (row["returns"], row["left"], row["way"]) == (0.5, 2, "→ x4, ← x4")


def test_who_never_left_is_not_counted(scroll):
    (row,) = score_reversibility([trip(scroll, [(0, 0)] * 8, 4)], ["right", "left"])
    assert row["left"] == 0
    assert row["returns"] is None
