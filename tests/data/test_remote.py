import errno
import json
import logging
import os
import shutil

import fsspec
import numpy as np
import pytest

from playworld.cli.parser import parse
from playworld.config import InputError
from playworld.data.clips.dataset import ClipDataset, batches
from playworld.data.clips.remote import at_hand
from playworld.data.clips.shards import ShardReader, ShardWriter, sha256_of, storage


@pytest.fixture
def clips(tmp_path, game):
    """Three training scenes and one for validation, in a folder."""
    splits = {}
    for split, seeds in (("train", (0, 1, 2)), ("valid", (3,))):
        with ShardWriter(tmp_path / "clips" / split, 64, 64, 10.0) as writer:
            for seed in seeds:
                writer.write(game(40, seed), f"{seed}.mp4", [k / 10 for k in range(40)])
        splits[split] = {"index_sha256": sha256_of(tmp_path / "clips" / split / "index.json")}
    described = json.dumps({"videos": "/films", "splits": splits})
    (tmp_path / "clips" / "dataset.json").write_text(described)
    return tmp_path / "clips"


@pytest.fixture(params=["memory", "local"])
def url(request, clips, tmp_path):
    """The same clips in storage that fsspec reaches."""
    address = f"memory://{tmp_path.name}/clips"
    if request.param == "local":
        address = f"file://{tmp_path}/elsewhere"
    files, root = fsspec.url_to_fs(address)
    files.put(str(clips), root, recursive=True)
    return address


@pytest.fixture
def remote(url, tmp_path):
    """A folder that stands for them, and the URL."""
    return at_hand(url, tmp_path / "cache"), url


def shard(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    files, root = fsspec.url_to_fs(url)
    return files, f"{root}/train/shard-00000.bin"


def everything(folder):
    reader = ShardReader(folder / "train")
    return np.stack([reader.read(scene, 0, 40) for scene in range(3)])


def test_a_path_names_itself(clips, tmp_path):
    assert at_hand(clips) == at_hand(str(clips)) == clips
    assert at_hand("C:/clips") == at_hand("C:/clips/") and not at_hand("nowhere").exists()


@pytest.mark.slow  # for what it imports
@pytest.mark.parametrize("verb", ["train tiny {} world", "evaluate world {}"])
def test_the_command_line_hands_an_address_on_as_it_is(verb):
    command = parse(verb.split()[0], verb.format("s3://bucket/clips").split()[1:])
    assert "s3://bucket/clips" in (getattr(command, "clips", None), *getattr(command, "paths", ()))


def test_clips_in_storage_give_the_batches_of_local_ones(remote, clips):
    streams = [batches(ClipDataset(f, "train", 16), 8, 3) for f in (remote[0], clips)]
    for _ in range(6):
        (ids, video), (local_ids, local_video) = map(next, streams)
        assert ids == local_ids and video.equal(local_video)
    for stream in streams:
        stream.close()


def test_nothing_is_fetched_before_it_is_read_nor_twice(remote, clips):
    folder, url = remote
    reader = ShardReader(folder / "train")
    assert not (folder / "train" / "shard-00000.bin").exists()
    first = reader.read(1, 0, 32)
    files, path = shard(url)
    files.rm(path)
    np.testing.assert_array_equal(ShardReader(folder / "train").read(1, 5, 20), first[5:25])
    with pytest.raises(FileNotFoundError, match=r"train/shard-00000\.bin is missing"):
        reader.read(2, 0, 16)


def test_no_more_is_kept_than_asked_for(url, clips, tmp_path):
    truth, size = everything(clips), (clips / "train" / "shard-00000.bin").stat().st_size
    valid = (clips / "valid" / "shard-00000.bin").stat().st_size
    folder = at_hand(url, tmp_path / "cache", keep_bytes=valid + size // 2)
    for _ in range(2):
        np.testing.assert_array_equal(everything(folder), truth)
    assert 0 < (folder / "train" / "shard-00000.bin").stat().st_size <= size // 2


def test_what_is_kept_heals_where_it_was_damaged(remote, clips):
    folder, truth = remote[0], everything(clips)
    np.testing.assert_array_equal(everything(folder), truth)
    kept = folder / "train" / "shard-00000.bin"
    kept.write_bytes(bytes(kept.stat().st_size // 2))
    np.testing.assert_array_equal(everything(folder), truth)
    assert kept.read_bytes() == (clips / "train" / "shard-00000.bin").read_bytes()


def test_damage_in_the_storage_is_skipped_and_counted(remote):
    folder, url = remote
    files, path = shard(url)
    data = bytearray(files.cat_file(path))
    data[20] ^= 255
    files.pipe_file(path, bytes(data))
    dataset = ClipDataset(folder, "train", 16)
    stream = batches(dataset, 8, 0)
    clips = [clip for _ in range(12) for clip in next(stream)[0]]
    stream.close()
    assert dataset.damaged == {(0, 0)}
    assert not any(clip.scene == 0 and clip.start < 16 for clip in clips)


class Flaky:
    """A file system that fails so many times before it answers."""

    def __init__(self, files, failures: int):
        self.files, self.failures = files, failures

    def cat_file(self, *args, **options):
        if self.failures:
            self.failures -= 1
            raise TimeoutError("no answer")
        return self.files.cat_file(*args, **options)


@pytest.mark.parametrize("failures", [2, 3])
def test_storage_that_does_not_answer_is_asked_again(failures, remote, clips, monkeypatch):
    monkeypatch.setattr(storage, "PAUSES", (0.0, 0.0))
    reader = ShardReader(remote[0] / "train")
    reader._storage._files = Flaky(reader._storage._files, failures)
    if failures == 3:
        with pytest.raises(TimeoutError):
            reader.read(0, 0, 16)
    else:
        np.testing.assert_array_equal(
            reader.read(0, 0, 16), ShardReader(clips / "train").read(0, 0, 16)
        )


def test_a_full_disk_keeps_nothing_but_stops_nothing(remote, clips, monkeypatch, caplog):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(everything(remote[0]), everything(clips))
    assert "No space left" in caplog.text and len(caplog.records) == 1


def test_shards_in_storage_can_be_verified_whole(remote):
    folder, url = remote
    assert ShardReader(folder / "train").verify() == []
    files, path = shard(url)
    files.pipe_file(path, b"something else")
    (problem,) = ShardReader(folder / "train").verify()
    assert "not the file that was written" in problem


def test_other_clips_at_the_same_address_get_another_folder(remote, clips, tmp_path):
    folder, url = remote
    assert at_hand(url, tmp_path / "cache") == folder
    files, root = fsspec.url_to_fs(url)
    files.pipe_file(f"{root}/dataset.json", b'{"videos": "/other"}')
    assert at_hand(url, tmp_path / "cache") != folder


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("memory://nothing/here", r"holds no clips: dataset\.json is missing"),
        ("nonsense://bucket/clips", "Protocol not known: nonsense"),
        ("file:///proc/self/nothing", r"dataset\.json is missing"),
    ],
)
def test_an_address_without_clips_is_refused(address, said, tmp_path):
    with pytest.raises(InputError, match=said):
        at_hand(address, tmp_path)


def test_a_folder_made_from_a_broken_index_is_never_left_behind(url, tmp_path):
    files, root = fsspec.url_to_fs(url)
    files.pipe_file(f"{root}/train/index.json", b"{}")
    with pytest.raises(InputError, match=r"index\.json"):
        at_hand(url, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
    shutil.rmtree(tmp_path / "cache")
