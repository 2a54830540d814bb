import itertools
import json
import logging
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from playworld.config import InputError
from playworld.data.clips.dataset import ClipDataset, ClipId, batches
from playworld.data.clips.order import clip_order, clips_at
from playworld.data.clips.shards import ShardWriter

LENGTHS = (20, 9, 33)


@pytest.fixture
def folder(tmp_path):
    """Three training scenes of 20, 9 and 33 frames; a frame's colour is (scene, number, 0)."""
    for split, lengths in (("train", LENGTHS), ("valid", (10,))):
        with ShardWriter(tmp_path / split, 8, 8, 10.0) as writer:
            for scene, length in enumerate(lengths):
                frames = np.zeros((length, 8, 8, 3), np.uint8)
                frames[..., 0], frames[..., 1] = scene, np.arange(length)[:, None, None]
                writer.write(frames, f"{scene}.mp4", [k / 10 for k in range(length)])
    (tmp_path / "dataset.json").write_text(json.dumps({"videos": "/films"}))
    return tmp_path


def take(dataset, count, *args, **options):
    """The first clips that `batches` gives, as one list."""
    stream = batches(dataset, *args, **options)
    clips = [clip for ids, _ in itertools.islice(stream, count) for clip in ids]
    stream.close()
    return clips


def test_every_window_of_every_scene_is_a_clip(folder):
    dataset = ClipDataset(folder, "train", 16)
    clips = [dataset.clip(i) for i in range(dataset.num_clips)]
    assert clips == [(0, k) for k in range(5)] + [(2, k) for k in range(18)]


@pytest.mark.parametrize("length", [1, 2, 16, 17, 32, 33])
def test_no_clip_crosses_the_end_of_a_scene(length, folder):
    dataset = ClipDataset(folder, "train", length)
    for i in range(dataset.num_clips):
        clip = dataset.clip(i)
        pixels = dataset.read(clip)
        assert (pixels[..., 0] == clip.scene).all()
        assert pixels[:, 0, 0, 1].tolist() == list(range(clip.start, clip.start + length))


def test_a_dataset_tells_its_shape_and_its_videos(folder):
    dataset = ClipDataset(folder, "train", 16)
    assert (dataset.height, dataset.width, dataset.fps, dataset.num_frames) == (8, 8, 10.0, 62)
    assert str(dataset.videos) == "/films"


def test_a_clip_longer_than_every_scene_is_refused(folder):
    with pytest.raises(InputError, match="valid scene has 11 frames .* 10"):
        ClipDataset(folder, "valid", 11)


def test_a_folder_without_clips_is_refused(tmp_path):
    with pytest.raises(InputError, match="playworld ingest"):
        ClipDataset(tmp_path / "nothing", "train", 16)
    with pytest.raises(InputError, match=r"dataset\.json does not exist"):
        ClipDataset(tmp_path, "train", 16)


def test_an_index_other_than_the_one_ingested_is_refused(folder):
    splits = {"train": {"index_sha256": "0" * 64}}
    (folder / "dataset.json").write_text(json.dumps({"videos": "/films", "splits": splits}))
    with pytest.raises(InputError, match=r"index\.json was altered"):
        ClipDataset(folder, "train", 16)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 16, 17, 1000, 4097])
def test_an_order_is_a_permutation(count):
    order = clip_order(count, seed=3, epoch=1)(np.arange(count))
    assert sorted(order.tolist()) == list(range(count))


def test_orders_look_random_and_differ_by_seed_and_epoch():
    orders = [clip_order(5000, *key)(np.arange(5000)) for key in [(0, 0), (0, 1), (1, 0)]]
    steps = [np.diff(order) for order in orders]
    assert all(abs(np.corrcoef(order, np.arange(5000))[0, 1]) < 0.05 for order in orders)
    assert all(len(np.unique(step)) > 3000 for step in steps)
    assert max((a == b).mean() for a, b in itertools.combinations(orders, 2)) < 0.01


def test_part_of_an_order_of_a_billion_clips_costs_nothing():
    part = clip_order(10**9, 0, 0)(np.arange(123_456_789, 123_456_889))
    assert len(set(part.tolist())) == 100 and part.max() < 10**9


def test_an_epoch_sees_every_clip_once(folder):
    dataset = ClipDataset(folder, "train", 16)  # 23 clips, so that batches straddle epochs
    clips = take(dataset, 12, 4, 0)
    everything = sorted(dataset.clip(i) for i in range(23))
    assert sorted(clips[:23]) == everything == sorted(clips[23:46])
    assert clips[:23] != clips[23:46]


def test_ranks_share_an_epoch_without_overlap(folder):
    dataset = ClipDataset(folder, "train", 10)  # 35 clips
    clips = [take(dataset, 7, 1, 5, rank=rank, world_size=5) for rank in range(5)]
    assert sorted(itertools.chain(*clips)) == sorted(dataset.clip(i) for i in range(35))


def test_another_number_of_ranks_sees_the_same_clips_in_each_step(folder):
    dataset = ClipDataset(folder, "train", 10)
    alone = take(dataset, 6, 4, 5, start=2)
    pair = [take(dataset, 6, 2, 5, rank=rank, world_size=2, start=2) for rank in range(2)]
    for step in range(6):
        both = pair[0][2 * step : 2 * step + 2] + pair[1][2 * step : 2 * step + 2]
        assert alone[4 * step : 4 * step + 4] == both


@pytest.mark.parametrize("stop", [1, 4, 9])
def test_a_run_that_goes_on_with_other_ranks_sees_each_clip_of_the_epoch_once(stop, folder):
    dataset = ClipDataset(folder, "train", 10)  # 35 clips: less than 6 steps of 6
    counts = {2: (0, stop), 3: (stop, 12), 1: (12, 18)}  # of ranks: the steps that they take
    seen = []
    for ranks, (first, last) in counts.items():
        share = 6 // ranks
        streams = [batches(dataset, share, 5, rank, ranks, first) for rank in range(ranks)]
        seen += [clip for _ in range(first, last) for s in streams for clip in next(s)[0]]
        for stream in streams:
            stream.close()
    everything = sorted(dataset.clip(i) for i in range(35))
    assert sorted(seen[:35]) == sorted(seen[35:70]) == sorted(seen[70:105]) == everything


@pytest.mark.parametrize("threads", [1, 3, 8])
def test_the_number_of_threads_changes_nothing(threads, folder):
    dataset = ClipDataset(folder, "train", 5)
    streams = [batches(dataset, 6, 0, threads=n) for n in (2, threads)]
    for _ in range(5):
        (ids, video), (same_ids, same_video) = map(next, streams)
        assert ids == same_ids and video.equal(same_video)
    for stream in streams:
        stream.close()


def test_a_run_resumes_where_it_stopped(folder):
    dataset = ClipDataset(folder, "train", 16)
    whole = take(dataset, 20, 3, 7)
    assert take(dataset, 9, 3, 7, start=11) == whole[33:]


def test_pixels_belong_to_their_clip_ids(folder):
    dataset = ClipDataset(folder, "train", 5)
    stream = batches(dataset, 6, 0)
    ids, pixels = next(stream)
    stream.close()
    assert pixels.shape == (6, 5, 8, 8, 3) and pixels.dtype == torch.uint8
    for clip, frames in zip(ids, pixels, strict=True):
        np.testing.assert_array_equal(frames.numpy(), dataset.read(clip))


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 0}, {"rank": 2}, {"rank": -1}, {"world_size": 0}, {"start": -1}]
)
def test_batches_that_cannot_be_are_refused_at_once(wrong, folder):
    options = {"batch_size": 1, "seed": 0, "world_size": 2} | wrong
    with pytest.raises(InputError, match="batch_size"):
        batches(ClipDataset(folder, "train", 5), **options)


def damage_first_chunk(folder):
    path = folder / "train" / "shard-00000.bin"
    data = bytearray(path.read_bytes())
    data[20] ^= 255
    path.write_bytes(data)


def test_damaged_clips_are_replaced_counted_and_logged_once(folder, caplog):
    damage_first_chunk(folder)  # frames 0 to 15 of scene 0
    dataset = ClipDataset(folder, "train", 5)
    with caplog.at_level(logging.WARNING):
        clips = take(dataset, 20, 8, 0)
    assert len(clips) == 160 and not any(c.scene == 0 and c.start < 16 for c in clips)
    assert dataset.damaged == {(0, 0)}
    assert len(caplog.records) == 1 and "shard-00000.bin" in caplog.text


def test_replacements_for_damaged_clips_resume_too(folder):
    damage_first_chunk(folder)
    dataset = ClipDataset(folder, "train", 5)
    assert take(dataset, 5, 8, 0, start=4) == take(dataset, 9, 8, 0)[32:]


def test_a_set_of_nothing_but_damage_stops_with_an_error(folder):
    path = folder / "train" / "shard-00000.bin"
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(InputError, match="damaged"):
        take(ClipDataset(folder, "train", 5), 1, 2, 0)


def test_closing_the_batches_ends_their_threads(folder):
    before = set(threading.enumerate())
    stream = batches(ClipDataset(folder, "train", 5), 2, 0)
    next(stream)
    assert set(threading.enumerate()) > before
    stream.close()
    assert set(threading.enumerate()) == before


@pytest.mark.slow
def test_the_interpreter_exits_cleanly_with_batches_still_open(folder):
    program = (
        "import sys; from pathlib import Path\n"
        "from playworld.data.clips.dataset import ClipDataset, batches\n"
        "stream = batches(ClipDataset(Path(sys.argv[1]), 'train', 5), 2, 0); next(stream)\n"
    )
    command = [sys.executable, "-W", "error", "-c", program, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_positions_run_through_one_epoch_after_the_other():
    whole = clips_at(10, 0, 30, seed=4)
    assert clips_at(10, 7, 9, seed=4).tolist() == whole[7:16].tolist()
    assert isinstance(ClipId(0, 1).start, int)
