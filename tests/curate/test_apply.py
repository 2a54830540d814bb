"""What a filter keeps is a folder of clips like any other."""

import json
import shutil

import numpy as np
import pytest

from playworld.config import InputError
from playworld.curate.apply import (
    ApplyOptions,
    apply_filter,
    format_report,
    runs,
    together,
    write_runs,
)
from playworld.curate.stretches import Footage, LabelStretch
from playworld.data.clips.dataset import ClipDataset, batches
from playworld.data.clips.shards import ShardReader

from .conftest import damage, slide, write_clips

OPTIONS = ApplyOptions()


@pytest.fixture
def kept(mixture, filter_folder, tmp_path):
    report = apply_filter(mixture, filter_folder, tmp_path / "kept", OPTIONS)
    return tmp_path / "kept", report


def in_a_row(*lengths: int) -> list[LabelStretch]:
    starts = np.cumsum([0, *lengths[:-1]])
    return [LabelStretch("train", 0, int(at), n) for at, n in zip(starts, lengths, strict=True)]


def test_what_is_kept_is_what_was_wanted_and_all_of_it(kept):
    _, report = kept
    assert {entry["source"][:5] for entry in report["kept"]} == {"slide"}
    assert {entry["source"][:5] for entry in report["dropped"]} == {"noise", "still"}
    assert report["frames"] == {"kept": 11 * 96, "dropped": 11 * 96}
    assert report["videos_kept"] == 11 and report["videos"] == 22


def test_every_video_stays_on_its_side_of_the_split(mixture, kept):
    folder, report = kept
    assert json.loads((folder / "report.json").read_text()) == report
    for split in ("train", "valid"):
        before = {scene.source for scene in ShardReader(mixture / split).scenes}
        after = {scene.source for scene in ShardReader(folder / split).scenes}
        assert after == {source for source in before if source.startswith("slide")}


def test_training_reads_what_is_kept(kept):
    folder, report = kept
    dataset = ClipDataset(folder, "train", 16)
    stream = batches(dataset, 4, seed=0)
    _, video = next(stream)
    stream.close()
    assert video.shape == (4, 16, 32, 32, 3)
    assert dataset.num_frames == report["splits"]["train"]["frames"] == 8 * 96
    assert ClipDataset(folder, "valid", 16).num_frames == 3 * 96
    assert dataset.shards.verify() == []


def test_a_run_out_of_a_scene_is_copied_without_compressing_it_again(tmp_path):
    film = slide(0, 90)
    footage = Footage(write_clips(tmp_path / "clips", {"train": [("a.mp4", film)]}))
    stretches = footage.stretches(32)
    some, _ = runs(stretches, np.array([0.1, 0.9, 0.8]), np.array([False, True, True]), 16)
    write_runs(footage, some, tmp_path / "out")
    before, after = ShardReader(tmp_path / "clips/train"), ShardReader(tmp_path / "out/train")
    (scene,) = after.scenes
    np.testing.assert_array_equal(after.read(0, 0, 58), film[32:])
    np.testing.assert_allclose(scene.times, np.arange(32, 90) / 10)
    assert [after.chunk_bytes(0, k) for k in range(4)] == [
        before.chunk_bytes(0, k) for k in range(2, 6)
    ]


def test_neighbours_of_one_fate_become_one_scene():
    stretches = in_a_row(32, 32, 32, 32)
    chances = np.array([0.9, 0.7, 0.1, 0.9])
    kept, dropped = runs(stretches, chances, chances >= 0.5, min_frames=16)
    assert [(run.frames, run.chance) for run in kept] == [(64, pytest.approx(0.8)), (32, 0.9)]
    assert [run.frames for run in dropped] == [32]


def test_a_run_that_is_too_short_goes_too():
    chances = np.array([0.1, 0.9])
    kept, dropped = runs(in_a_row(32, 8), chances, chances >= 0.5, min_frames=16)
    assert kept == [] and [run.frames for run in dropped] == [32, 8]


def test_scenes_that_follow_each_other_are_never_joined():
    stretches = [
        LabelStretch("train", 0, 0, 32),
        LabelStretch("train", 1, 0, 32),
        LabelStretch("valid", 1, 0, 32),
    ]
    kept, _ = runs(stretches, np.ones(3), np.ones(3, dtype=bool), min_frames=16)
    assert [run.stretches for run in kept] == [(stretch,) for stretch in stretches]


def test_whole_scenes_are_kept_by_the_mean_of_their_stretches(mixture):
    footage = Footage(mixture)
    stretches = footage.stretches(32)[:6]  # of two videos
    chances = np.array([0.9, 0.3, 0.9, 0.0, 0.3, np.nan])
    assert together(footage, stretches, chances, "stretch") is chances
    for whole in ("scene", "video"):
        means = together(footage, stretches, chances, whole)
        np.testing.assert_allclose(means, [0.7, 0.7, 0.7, 0.15, 0.15, np.nan])


def test_a_damaged_stretch_is_dropped_and_counted(mixture, filter_folder, tmp_path):
    copy = shutil.copytree(mixture, tmp_path / "clips")
    damage(copy, "train")
    report = apply_filter(copy, filter_folder, tmp_path / "kept", OPTIONS)
    assert report["damaged_stretches"] == 1
    assert report["frames"]["kept"] == 11 * 96 - 32
    assert {"source": "slide-00.mp4", "chance": None}.items() <= report["dropped"][0].items()
    assert "1 damaged stretch dropped" in format_report(report)


def test_the_same_filter_writes_the_same_bytes(mixture, filter_folder, kept, tmp_path):
    folder, _ = kept
    apply_filter(mixture, filter_folder, tmp_path / "again", OPTIONS)
    files = sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    assert len(files) == 6
    assert all((folder / f).read_bytes() == (tmp_path / "again" / f).read_bytes() for f in files)


def test_the_report_shows_where_the_filter_was_sure(kept):
    _, report = kept
    assert sum(report["histogram"]) == 66
    text = format_report(report)
    assert "kept 1,056 of 2,112 frames (50.0%), from 11 of 22 videos" in text
    assert text.count("kept from here on") == 1


def test_too_much_to_ask_for_leaves_nothing_and_writes_nothing(mixture, filter_folder, tmp_path):
    with pytest.raises(InputError, match="ask for less"):
        apply_filter(mixture, filter_folder, tmp_path / "out", ApplyOptions(confidence=1.0))
    assert list(tmp_path.iterdir()) == []


def test_nothing_else_is_overwritten(mixture, filter_folder, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/cat.png").touch()
    for out in (tmp_path / "photos", mixture, mixture / "inside", tmp_path / "photos/cat.png"):
        with pytest.raises(InputError):
            apply_filter(mixture, filter_folder, out, OPTIONS)


@pytest.mark.parametrize("wrong", [{"keep": 1}, {"keep": 6}, {"confidence": 2}, {"min_frames": 0}])
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        ApplyOptions(**wrong)
