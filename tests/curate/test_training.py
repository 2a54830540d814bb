"""From labels to a filter, and what is measured of it."""

import json
import shutil

import numpy as np
import pytest
import torch

from playworld.config import InputError
from playworld.curate.filter import Filter
from playworld.curate.labels import Labels
from playworld.curate.quality_models import QualityModel
from playworld.curate.stretches import Footage
from playworld.curate.training import (
    Examples,
    FilterObjective,
    FilterOptions,
    examples_source,
    split,
    train_filter,
)
from playworld.train.objectives import Batch
from playworld.train.optim import StageConfig

from .conftest import damage, label_by_name


@pytest.fixture(scope="module")
def examples(mixture, tmp_path_factory):
    path = label_by_name(mixture, tmp_path_factory.mktemp("labels") / "labels.json")
    given = Labels(path, Footage(mixture)).given
    return Examples([*given], np.array([*given.values()]))


def test_a_quick_filter_keeps_what_it_should(mixture, labelled, tmp_path):
    report = train_filter(mixture, labelled, tmp_path / "filter", FilterOptions()).report
    rows = [row for row in report["measured"] if row["confidence"] == 0.5]
    assert [(row["precision"], row["recall"]) for row in rows] == [(1.0, 1.0)]
    assert rows[0]["good"] >= 6


def test_videos_are_on_one_side_and_each_kind_is_on_both(mixture, examples):
    footage = Footage(mixture)
    train, test = split(footage, examples, FilterOptions())
    sources = [{footage.source(s) for s in part.stretches} for part in (train, test)]
    assert not sources[0] & sources[1]
    assert set(train.labels) == set(test.labels) == {1, 5}
    assert len(train.labels) + len(test.labels) == len(examples.labels)


def test_extremes_leave_the_labels_between_to_the_measuring(mixture, examples):
    labels = np.where(np.arange(len(examples.labels)) % 3 == 1, 3, examples.labels)
    some = Examples(examples.stretches, labels)
    train, test = split(Footage(mixture), some, FilterOptions(extremes=True))
    assert set(train.labels) == {1, 5} and 3 in test.labels


def test_labels_that_are_all_alike_teach_nothing(mixture, examples):
    alike = Examples(examples.stretches, np.full_like(examples.labels, 5))
    with pytest.raises(InputError, match="label more"):
        split(Footage(mixture), alike, FilterOptions())


def test_labels_of_a_single_video_teach_nothing(mixture, examples):
    few = Examples(examples.stretches[:3], np.array([1, 5, 1]))
    with pytest.raises(InputError, match="3 labels of 1 video:"):
        split(Footage(mixture), few, FilterOptions())


def test_a_filter_says_the_same_once_it_is_loaded(mixture, filter_folder, examples):
    footage, cpu = Footage(mixture), torch.device("cpu")
    filter = Filter.load(filter_folder)
    chances = filter.predict(footage, examples.stretches, cpu)
    known = json.loads((filter_folder / "report.json").read_text())["labels"]
    assert known["given"] == {"1": 33, "2": 0, "3": 0, "4": 0, "5": 33}
    assert ((chances[:, 2] > 0.5) == (examples.labels == 5)).all()


def test_a_folder_with_something_else_in_it_is_refused_before_training(mixture, labelled, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/cat.png").touch()
    with pytest.raises(InputError, match="did not write"):
        train_filter(mixture, labelled, tmp_path / "photos", FilterOptions())


def test_an_altered_filter_is_refused(filter_folder, tmp_path):
    copy = shutil.copytree(filter_folder, tmp_path / "filter")
    weights = bytearray((copy / "filter.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "filter.safetensors").write_bytes(weights)
    with pytest.raises(InputError, match="altered"):
        Filter.load(copy)


def test_a_filter_for_frames_of_another_size_is_refused(filter_folder, clips):
    with pytest.raises(InputError, match="32x32 at 10 .* 64x64"):
        Filter.load(filter_folder).check(Footage(clips))


def test_a_damaged_stretch_is_left_out_and_said(mixture, tmp_path, caplog):
    copy = shutil.copytree(mixture, tmp_path / "clips")
    labels = label_by_name(copy, tmp_path / "labels.json")
    damage(copy, "train")
    with caplog.at_level("WARNING"):
        counts = train_filter(copy, labels, tmp_path / "filter", FilterOptions()).report["labels"]
    assert counts["trained_on"] + counts["held_out"] == 65
    assert "its label is not used" in caplog.text


def test_a_source_goes_on_where_it_stopped(mixture, examples):
    stage = StageConfig(steps=5, batch_size=4, clip_length=2, learning_rate=1e-3)
    source = examples_source(Footage(mixture), examples, stage)
    stream = source(0)
    fourth = [next(stream) for _ in range(4)][-1]
    again = next(source(3))
    assert torch.equal(fourth.video, again.video) and torch.equal(fourth.labels, again.labels)


def test_each_clip_of_a_batch_comes_with_its_own_label(mixture, examples):
    stage = StageConfig(steps=5, batch_size=8, clip_length=2, learning_rate=1e-3)
    batch = next(examples_source(Footage(mixture), examples, stage)(0))
    video = batch.video.float()
    changes = (video[:, 1::2] - video[:, 0::2]).abs().mean(dim=(1, 2, 3, 4))
    slides = (changes > 0) & (changes < 60)  # stills do not change, noise by 85
    assert torch.equal(slides, batch.labels == 5)


def test_the_objective_of_two_halves_adds_up_to_that_of_the_whole():
    class Bright(QualityModel):
        def score(self, video):
            return video.float().mean(dim=(1, 2, 3, 4))

    video = torch.randint(0, 3, (4, 8, 4, 4, 3), dtype=torch.uint8)
    labels = torch.tensor([1, 3, 4, 5])
    generator = torch.Generator().manual_seed(0)
    batch = Batch(video, None, 0.0, (1, 2, 3, 4), generator, clips=4, labels=labels)
    whole, metrics = FilterObjective(Bright())(batch)
    halves = [FilterObjective(Bright())(half) for half in batch.split(2)]
    torch.testing.assert_close(whole, halves[0][0] + halves[1][0])
    torch.testing.assert_close(metrics["accuracy"], sum(h[1]["accuracy"] for h in halves))


@pytest.mark.slow
def test_a_network_can_be_trained_again_on_more_labels_and_leaves_nothing_behind(
    mixture, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    options = FilterOptions(kind="resnet18", steps=1, batch_size=2)
    labels = label_by_name(mixture, tmp_path / "labels.json")
    first = train_filter(mixture, labels, tmp_path / "filter", options)
    more = Labels(labels, Footage(mixture))
    for stretch in more.stretches[::2]:
        more.give(stretch, 3)
    more.save()
    second = train_filter(mixture, labels, tmp_path / "filter", options)
    assert Filter.load(tmp_path / "filter").sha256 == second.sha256 != first.sha256
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


@pytest.mark.slow
def test_the_network_learns_to_tell_apart_what_is_labelled(mixture, labelled, examples, tmp_path):
    options = FilterOptions(kind="resnet18", steps=30, batch_size=16, run=tmp_path / "run")
    made = train_filter(mixture, labelled, tmp_path / "filter", options)
    chances = made.predict(Footage(mixture), examples.stretches, torch.device("cpu"))[:, 2]
    good = examples.labels == 5
    assert chances[good].mean() > chances[~good].mean() + 0.2
    assert Filter.load(tmp_path / "filter").sha256 == made.sha256
    other = FilterOptions(kind="resnet18", steps=20, batch_size=16, run=tmp_path / "run")
    with pytest.raises(InputError, match="other settings"):
        train_filter(mixture, labelled, tmp_path / "filter", other)
