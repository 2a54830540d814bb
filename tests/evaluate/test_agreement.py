import pytest
import torch

from playworld.evaluate.agreement import (
    MIN_COUNT,
    UNKNOWN,
    agreement,
    assign,
    resampled_agreement,
)

NAMES = ("left", "none", "right")


def draw(high: int, shape: tuple[int, int] = (40, 20), seed: int = 0) -> torch.Tensor:
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(seed))


def test_codes_that_rename_the_labels_agree_fully():
    labels = draw(3)
    found = agreement(5 - labels, labels, NAMES, num_codes=8)
    assert found["balanced"] == 1.0
    assert found["assignment"]["5"] == "left"
    assert found["assignment"]["0"] is None


def test_two_codes_may_share_a_label():
    labels, halves = draw(3), draw(2, seed=1)
    assert agreement(labels * 2 + halves, labels, NAMES, num_codes=6)["balanced"] == 1.0


def test_codes_that_know_nothing_score_as_the_majority_does():
    found = agreement(draw(8), draw(3, seed=1), NAMES, num_codes=8)
    assert found["majority"] == pytest.approx(1 / 3)
    assert found["balanced_interval"]["low"] < 1 / 3 + 0.02
    assert found["balanced"] < 0.42


def test_always_saying_the_commonest_label_gains_nothing_from_being_common():
    labels = (draw(10) == 0).long()
    found = agreement(torch.zeros_like(labels), labels, NAMES, num_codes=8)
    assert found["majority_accuracy"] > 0.85
    assert found["balanced"] == found["majority"] == 0.5


def test_worlds_whose_codes_know_equally_little_are_seldom_surely_different():
    sure = 0
    for trial in range(40):
        labels = draw(8, (16, 19), seed=trial)
        little = draw(5, (16, 19), seed=100 + trial) == 0
        worlds = (
            torch.where(little, labels, draw(8, (16, 19), seed=200 + 2 * trial + world))
            for world in (0, 1)
        )
        first, second = (resampled_agreement(codes, labels, num_codes=8) for codes in worlds)
        band = second.change(first)
        sure += not band["low"] <= 0 <= band["high"]
    assert sure <= 6  # 1 in 20 in the mean; 1 in 4 where the assignment is held fixed


def test_a_world_whose_codes_know_more_is_surely_better():
    labels = draw(3)
    codes = torch.where(draw(10, seed=4) < 3, labels, draw(3, seed=5))
    band = resampled_agreement(labels, labels, 3).change(resampled_agreement(codes, labels, 3))
    whole = agreement(codes, labels, NAMES, num_codes=3)
    assert band["mean"] == pytest.approx(1 - whole["balanced"])
    assert band["low"] > 0.3


def test_clips_without_a_label_change_nothing():
    labels, codes = draw(3), draw(3, seed=5)
    codes[:, :8] = labels[:, :8]
    apart = torch.full((80, 20), UNKNOWN), draw(3, (80, 20), seed=6)
    apart[0][::2], apart[1][::2] = labels, codes
    assert agreement(apart[1], apart[0], NAMES, 3) == agreement(codes, labels, NAMES, 3)
    again, alone = resampled_agreement(apart[1], apart[0], 3), resampled_agreement(codes, labels, 3)
    assert again.clips == 40 and torch.equal(again.values, alone.values)


def test_halves_of_a_single_clip_have_a_figure_and_no_interval():
    labels = draw(2, (3, 20))
    assert agreement(labels, labels, NAMES, 8)["balanced_interval"] == {
        "mean": 1.0,
        "low": None,
        "high": None,
    }
    assert resampled_agreement(labels, labels, 8) is None


def test_a_rare_label_is_left_out_and_named():
    labels = draw(2)
    labels[0, : MIN_COUNT - 1] = 2
    found = agreement(labels, labels, NAMES, num_codes=8)
    assert found["left_out"] == {"right": MIN_COUNT - 1}
    assert found["majority"] == 0.5


def test_transitions_of_unknown_label_do_not_count():
    labels = draw(3)
    hidden = labels.clone()
    hidden[:, 10:] = UNKNOWN
    noise = torch.cat([labels[:, :10], draw(3, seed=2)[:, 10:]], dim=1)
    assert agreement(noise, hidden, NAMES, num_codes=3)["balanced"] == 1.0


def test_one_label_alone_gives_no_figure_rather_than_a_perfect_one():
    found = agreement(draw(8), torch.ones(40, 20, dtype=torch.long), NAMES, num_codes=8)
    assert found["balanced"] is None
    assert found["counts"] == {"none": 800}


def test_a_code_is_assigned_the_label_whose_largest_share_it_holds():
    table = torch.tensor([[90.0, 9.0], [10.0, 1.0], [0.0, 0.0]])
    assert assign(table).tolist() == [0, 0, UNKNOWN]
    assert assign(torch.tensor([[90.0, 9.0], [810.0, 1.0]])).tolist() == [1, 0]
