"""Precision, recall and how sure they are."""

import numpy as np
import pytest

from playworld.curate.measure import FilterScore, format_measured, measure, plain, wilson


def test_precision_counts_what_is_kept_and_recall_what_is_good():
    labels = np.array([5, 5, 4, 1, 1])
    chances = np.array([0.9, 0.6, 0.2, 0.7, 0.1])[:, None].repeat(4, axis=1)
    rows = {(row.keep, row.confidence): row for row in measure(chances, labels)}
    assert rows[2, 0.5] == FilterScore(keep=2, confidence=0.5, good=3, kept=3, right=2)
    assert rows[5, 0.5] == FilterScore(keep=5, confidence=0.5, good=2, kept=3, right=2)
    assert rows[5, 0.8] == FilterScore(keep=5, confidence=0.8, good=2, kept=1, right=1)


def test_labels_that_part_the_stretches_alike_are_one_row_each():
    chances = np.full((4, 4), 0.6)
    assert {row.keep for row in measure(chances, np.array([1, 5, 5, 1]))} == {2}
    assert {row.keep for row in measure(chances, np.array([1, 5, 3, 1]))} == {2, 4}
    assert measure(chances, np.array([5, 5, 5, 5])) == ()


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [(0, 0, 0.0, 1.0), (10, 10, 0.722, 1.0), (0, 10, 0.0, 0.278), (81, 263, 0.255, 0.366)],
)
def test_an_interval_is_the_one_of_the_textbook(right, of, low, high):
    assert wilson(right, of) == pytest.approx((low, high), abs=5e-4)


def test_the_table_says_how_many_labels_stand_behind_it():
    counts = {"held_out": 4, "held_out_videos": 2, "trained_on": 8, "trained_on_videos": 5}
    rows = (
        FilterScore(4, 0.5, good=2, kept=2, right=1),
        FilterScore(4, 0.95, good=2, kept=0, right=0),
    )
    text = format_measured({"labels": counts, "measured": plain(rows)})
    first, _, one, two = text.splitlines()
    assert first == "4 held-out labels of 2 videos; trained on 8 of 5 others"
    assert one.split() == "4 or above 0.5 50.0% [9%, 91%] 50.0% [9%, 91%] 50%".split()
    assert two.split() == "4 or above 0.95 none 0.0% [0%, 66%] 0%".split()


def test_labels_that_are_all_alike_measure_nothing():
    counts = {"held_out": 4, "held_out_videos": 2, "trained_on": 8, "trained_on_videos": 5}
    assert "label more" in format_measured({"labels": counts, "measured": []})
