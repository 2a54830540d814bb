import pytest
import torch

from playworld.evaluate.agreement import UNKNOWN
from playworld.evaluate.metrics.information import mutual_information, resampled_information

CLIPS, S, KINDS = 20, 30, 4


def test_codes_that_are_the_labels_under_other_names_tell_all_their_bits(labels):
    found = mutual_information(3 - labels, labels, KINDS, KINDS)
    assert found["bits"] == pytest.approx(found["label_bits"])
    assert found["label_bits"] == pytest.approx(2, abs=0.01)
    assert found["share"] > 0.97


def test_codes_that_merge_two_labels_of_four_tell_one_bit_and_a_half(labels):
    found = mutual_information(labels.clamp(max=2), labels, KINDS, KINDS)
    assert found["bits"] == pytest.approx(1.5, abs=0.05)
    assert found["bits_interval"]["low"] < 1.5 < found["bits_interval"]["high"] + 0.05


def test_codes_drawn_at_random_tell_no_more_than_chance(labels, noise):
    found = mutual_information(noise, labels, KINDS, KINDS)
    assert found["bits"] == pytest.approx(found["chance"], abs=0.01)
    assert found["share"] < 0.01


def test_codes_that_tell_more_are_surely_better_and_equal_ones_are_not(labels, noise):
    full, none = (resampled_information(codes, labels, KINDS, KINDS) for codes in (labels, noise))
    better = full.change(none)
    assert better["mean"] == pytest.approx(full.value - none.value)
    assert better["low"] > 1.5
    same = resampled_information(3 - noise, labels, KINDS, KINDS).change(none)
    assert same == pytest.approx({"mean": 0, "low": 0, "high": 0, "sure": False}, abs=1e-9)


def test_clips_without_a_label_are_not_counted(labels):
    few = torch.where(torch.arange(CLIPS)[:, None] < 2, labels, UNKNOWN)
    assert resampled_information(labels, few, KINDS, KINDS).clips == 2


def test_transitions_without_a_label_do_not_count(labels, noise):
    some = torch.where(torch.arange(S) % 2 == 0, labels, UNKNOWN)
    codes = torch.where(torch.arange(S) % 2 == 0, labels, noise)
    assert mutual_information(codes, some, KINDS, KINDS)["bits"] > 1.9


def test_one_label_or_one_clip_tells_nothing(labels):
    assert mutual_information(labels, torch.zeros_like(labels), KINDS, KINDS) is None
    assert mutual_information(labels[:1], labels[:1], KINDS, KINDS) is None
