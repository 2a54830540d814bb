"""Labels are kept beside the clips, bound to them, and never lost."""

import json
import os

import pytest

from playworld.config import InputError
from playworld.curate.labels import Labels, labels_path
from playworld.curate.stretches import Footage

from .conftest import slide, write_clips


@pytest.fixture
def labels(mixture, tmp_path):
    labels = Labels(tmp_path / "labels.json", Footage(mixture), 32)
    for stretch, label in zip(labels.stretches, [5, 1, None, 3], strict=False):
        labels.give(stretch, label)
    labels.save()
    return labels


def opened(labels, length=None):
    return Labels(labels.path, labels.footage, length)


def altered(its, **changes):
    document = json.loads(its.path.read_text()) | changes
    its.path.write_text(json.dumps(document))


def test_labels_come_back_in_the_order_in_which_they_were_given(labels):
    assert list(opened(labels).given.items()) == list(labels.given.items())
    assert opened(labels).counts() == {5: 1, 1: 1, None: 1, 3: 1}


def test_a_label_that_is_given_again_is_the_latest(labels):
    first = labels.stretches[0]
    labels.give(first, 2)
    assert labels.given[first] == 2
    assert labels.take_back() == first
    assert first not in labels.given and len(labels.given) == 3


def test_nothing_to_take_back_is_no_error(mixture, tmp_path):
    assert Labels(tmp_path / "new.json", Footage(mixture), 32).take_back() is None


def test_a_save_that_fails_leaves_the_labels_before(labels, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    before = labels.path.read_bytes()
    monkeypatch.setattr(os, "fsync", fail)
    labels.give(labels.stretches[7], 5)
    with pytest.raises(OSError):
        labels.save()
    assert labels.path.read_bytes() == before


def test_labels_of_other_clips_are_refused(labels, tmp_path):
    other = write_clips(tmp_path / "other", {"train": [("slide-00.mp4", slide(9, 96))]})
    with pytest.raises(InputError, match="labels other clips"):
        Labels(labels.path, Footage(other))


def test_labels_of_other_stretches_are_refused(labels):
    assert opened(labels, 32).length == 32
    with pytest.raises(InputError, match="--length 32"):
        opened(labels, 48)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"label": 6}, "label should be 1 to 5"),
        ({"label": "5"}, "label"),
        ({"start": 16}, "no stretch"),
        ({"source": "noise-01.mp4"}, "no stretch"),
        ({"split": "test"}, "split"),
        ({"mood": "good"}, "unknown field"),
    ],
)
def test_a_label_that_makes_no_sense_is_refused(labels, entry, message):
    known = json.loads(labels.path.read_text())["labels"]
    altered(labels, labels=[known[0] | entry])
    with pytest.raises(InputError, match=message):
        opened(labels)


def test_a_newer_format_is_refused(labels):
    altered(labels, format=2)
    with pytest.raises(InputError, match="newer"):
        opened(labels)


def test_a_file_that_is_missing_is_refused_where_labels_are_needed(mixture, tmp_path):
    with pytest.raises(InputError, match="playworld curate label"):
        Labels(tmp_path / "none.json", Footage(mixture))


def test_labels_lie_beside_the_clips(tmp_path):
    assert labels_path(tmp_path / "clips") == tmp_path / "clips.labels.json"
