import pytest
import torch

from playworld.evaluate.button_names import describe_buttons, measure_buttons, name_effects
from playworld.evaluate.buttons import decides, player_shifts, press_each

STEPS = {
    "right": (3, 0),
    "stay": (0, 0),
    "left": (-2, 0),
    "jump": (0, -4),
    "right 2": (1, 0),
    "jump right": (2, -2),
    "down left": (-3, 2),
}


@pytest.fixture
def played(scroll):
    """Four presses of each button of STEPS from six starts, as a camera that follows shows it."""
    return torch.stack(
        [
            torch.stack([scroll([step] * 4, "tiles", seed) for seed in range(6)])
            for step in STEPS.values()
        ]
    )


def test_buttons_are_named_after_the_way_the_player_goes(played):
    effects = name_effects(player_shifts(played))
    assert [effect.button.label for effect in effects] == list(STEPS)
    assert [effect.button.arrow for effect in effects] == list("→•←↑→↗↙")


def test_the_shift_of_a_button_is_in_pixels_per_press(played):
    effects = name_effects(player_shifts(played))
    for effect, step in zip(effects, STEPS.values(), strict=True):
        assert effect.shift == pytest.approx(step, abs=0.3)


def test_with_a_fixed_camera_the_picture_moves_as_the_player_does(played):
    effects = name_effects(player_shifts(played, "fixed"))
    assert effects[0].button.label == "left"


def test_a_button_moves_the_view_from_some_starts_and_something_before_it_from_others(played):
    still = torch.randint(0, 256, (6, 1, 64, 64, 3), generator=torch.Generator().manual_seed(0))
    before = still.to(torch.uint8).repeat(1, 5, 1, 1, 1)
    for k in range(5):
        before[:, k, 20:36, 10 + 3 * k : 26 + 3 * k] = 200
    right = torch.cat([played[0], before])[None]
    (effect,) = name_effects(player_shifts(right, "mixed"), "mixed")
    assert (effect.button.label, effect.consistency) == ("right", 1.0)
    assert effect.shift == pytest.approx((3, 0), abs=0.3)


def test_what_goes_up_is_a_jump_where_there_is_gravity():
    shifts = torch.tensor([[0.0, -2.0]]).repeat(10, 1)[None]
    names = [name_effects(shifts, "mixed", gravity=gravity)[0].button for gravity in (False, True)]
    assert [(button.label, button.arrow) for button in names] == [("up", "↑"), ("jump", "↑")]


def test_a_button_that_pulls_either_way_is_called_stay_and_not_consistent():
    shifts = torch.tensor([[3.0, 0.0], [-3.0, 0.0]]).repeat(10, 1)[None]
    (effect,) = name_effects(shifts)
    assert effect.button.label == "stay"
    assert effect.consistency == 0.0


def test_consistency_is_the_share_of_starts_that_go_as_labelled():
    shifts = torch.tensor([[3.0, 0.0]]).repeat(20, 1)
    shifts[:4] = 0
    (effect,) = name_effects(shifts[None])
    assert effect.button.label == "right"
    assert effect.consistency == pytest.approx(0.8)


def test_a_jump_that_drifts_a_little_is_called_a_jump():
    jump, aside = torch.tensor([[0.9, -7.0], [2.0, -7.0]])[:, None].repeat(1, 8, 1)
    (effect,) = name_effects(jump[None])
    assert (effect.button.label, effect.button.arrow) == ("jump", "↑")
    (effect,) = name_effects(aside[None])
    assert effect.button.label == "jump right"


def test_of_two_buttons_that_stay_the_stiller_one_goes_without_a_number():
    shifts = torch.tensor([[0.3, 0.0], [0.0, 0.0]])[:, None].repeat(1, 8, 1)
    assert [effect.button.label for effect in name_effects(shifts)] == ["stay 2", "stay"]
    codes = torch.tensor([[0, 1], [0, 0]])
    found = name_effects(shifts, codes=codes)
    assert [effect.button.label for effect in found] == ["stay", "stay 2"], "the usual one"


def test_each_button_is_pressed_from_the_same_starts(world, scroll):
    prompts = torch.stack([scroll([], seed=seed, size=16) for seed in range(4)])
    played = press_each(world, prompts, presses=2)
    assert played.shape == (3, 4, 3, 16, 16, 3)
    assert torch.equal(played[0, :, 0], played[2, :, 0])


def test_starts_keep_their_noise_whatever_the_size_of_batches(world, scroll, monkeypatch):
    prompts = torch.stack([scroll([], seed=seed, size=16) for seed in range(5)])
    together = press_each(world, prompts, presses=2)
    monkeypatch.setattr("playworld.evaluate.buttons.BATCH_SIZE", 2)
    assert torch.equal(press_each(world, prompts, presses=2), together)


def test_a_world_that_cannot_hear_gives_every_button_the_same_meaning(deaf_world, scroll):
    prompts = torch.stack([scroll([], seed=seed, size=16) for seed in range(4)])
    arrows = {button.arrow for button in measure_buttons(deaf_world, prompts)}
    assert len(arrows) == 1


def test_measured_buttons_can_be_stored_in_the_world(world, scroll):
    prompts = torch.stack([scroll([], seed=seed, size=16) for seed in range(4)])
    buttons = measure_buttons(world, prompts)
    assert len(buttons) == world.num_actions
    assert len({button.label for button in buttons}) == world.num_actions


def test_the_report_tells_what_a_code_stands_for_in_true_video(played, world):
    codes = torch.tensor([[0, 0, 2, 2]])
    player = torch.tensor([[[2.0, 0.0], [4.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]]])
    rows = describe_buttons(player_shifts(played[:3]), world.buttons, codes, player)
    assert [row["shift_in_video"] for row in rows] == [[3.0, 0.0], None, [-1.0, 0.0]]
    assert [row["share_in_video"] for row in rows] == [0.5, 0.0, 0.5]


def test_a_button_decides_all_where_it_does_the_same_from_every_start():
    right, left = torch.tensor([3.0, 0.0]), torch.tensor([-3.0, 0.0])
    assert decides(torch.stack([right.expand(5, 2), left.expand(5, 2)])) == 1


def test_a_button_decides_nothing_where_the_start_does_or_nothing_moves():
    starts = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    assert decides(starts.expand(4, 5, 2)) == pytest.approx(0, abs=1e-6)
    assert decides(torch.zeros(2, 3, 2)) is None
