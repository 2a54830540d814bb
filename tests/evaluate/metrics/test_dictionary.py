import pytest

from playworld.evaluate.agreement import UNKNOWN
from playworld.evaluate.metrics.dictionary import dictionary_accuracy
from playworld.evaluate.metrics.information import mutual_information

KINDS = 4


def test_a_dictionary_of_perfect_codes_is_right_once_it_has_seen_every_code(labels):
    found = dictionary_accuracy(3 - labels, labels, "abcd", KINDS)
    assert found["chance"] == 0.25
    assert 0.6 < found["10"]["balanced"] < 1
    assert found["50"]["balanced"] > 0.99
    assert found["200"]["accuracy"] == 1


def test_a_dictionary_of_codes_that_mean_nothing_is_no_better_than_chance(labels, noise):
    found = dictionary_accuracy(noise, labels, "abcd", KINDS)
    assert found["200"]["balanced"] == pytest.approx(0.25, abs=0.05)


def test_more_labels_than_there_are_give_no_figure(labels):
    found = dictionary_accuracy(labels[:8], labels[:8], "abcd", KINDS)
    assert found["50"] is not None and found["200"] is None


def test_labels_in_every_other_clip_only_leave_figures_out_but_never_nan(labels):
    labels[1::2] = UNKNOWN
    assert dictionary_accuracy(labels.clamp(min=0), labels, "abcd", KINDS)["10"] is None
    assert mutual_information(labels[:2].clamp(min=0), labels[:2], KINDS, KINDS) is None
    found = mutual_information(labels[:4].clamp(min=0), labels[:4], KINDS, KINDS)
    assert found["bits_interval"]["low"] >= 0
