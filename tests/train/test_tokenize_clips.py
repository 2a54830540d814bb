"""One process and two make the same tokens."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from playworld.config import InputError
from playworld.data.clips import token_store
from playworld.data.clips.dataset import ClipDataset
from playworld.models.pixels import to_float
from playworld.models.tokenizer import VideoTokenizer
from playworld.presets import preset
from playworld.train.distributed import processes, rank
from playworld.train.tokenize_clips import tokenize_clips
from tests.processes import run_group

CPU = torch.device("cpu")
LEAST_FRAMES = 30
"""Frames of a shard, so that the clips of the tests make several."""


def tokenizer(seed: int = 0) -> VideoTokenizer:
    torch.manual_seed(seed)
    return VideoTokenizer(preset("tiny").tokenizer).eval()


def contents(folder: Path) -> dict[str, str]:
    """The files of the only cache in a folder, by name."""
    (cache,) = folder.iterdir()
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(cache.iterdir())}


@pytest.fixture
def dataset(clips, monkeypatch) -> ClipDataset:
    monkeypatch.setattr(token_store, "LEAST_FRAMES", LEAST_FRAMES)
    return ClipDataset(clips, "train", 5)


def test_an_interrupted_cache_goes_on_with_what_is_missing(dataset, tmp_path, monkeypatch):
    tokenize_clips(dataset, tokenizer(), tmp_path / "whole", CPU)
    seen = []

    def interrupt(done: int, total: int, note: str) -> None:
        seen.append(done)
        if done > 2 * LEAST_FRAMES:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tokenize_clips(dataset, tokenizer(), tmp_path / "cut", CPU, interrupt)
    (cache,) = (tmp_path / "cut").iterdir()
    finished = {path: path.stat().st_mtime_ns for path in cache.glob("*.u16")}
    assert finished and not (cache / "index.json").exists()
    tokenize_clips(dataset, tokenizer(), tmp_path / "cut", CPU)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert {path: path.stat().st_mtime_ns for path in finished} == finished


def test_a_finished_cache_is_not_made_again_but_a_removed_shard_is(dataset, tmp_path):
    def refuse(*_: object) -> None:
        raise AssertionError("a frame was tokenized")

    tokenize_clips(dataset, tokenizer(), tmp_path, CPU)
    before = contents(tmp_path)
    tokenize_clips(dataset, tokenizer(), tmp_path, CPU, refuse)
    (cache,) = tmp_path.iterdir()
    (cache / "tokens-00001.u16").unlink()
    counted: list[int] = []
    tokenize_clips(
        dataset, tokenizer(), tmp_path, CPU, lambda done, total, _: counted.append(total)
    )
    assert contents(tmp_path) == before and set(counted) < {*range(dataset.num_frames)}


def test_each_tokenizer_has_a_cache_of_its_own(dataset, tmp_path):
    stores = [tokenize_clips(dataset, tokenizer(seed), tmp_path, CPU) for seed in (0, 1)]
    assert len(list(tmp_path.iterdir())) == 2
    one, other = (torch.from_numpy(store.read(0, 0, 16)) for store in stores)
    assert not one.equal(other)
    with pytest.raises(InputError, match="another tokenizer"):
        token_store.TokenStore(stores[0].folder, stores[1]._layout.tokenizer_sha256)


def test_a_setting_that_is_no_weight_makes_another_cache(dataset, tmp_path):
    config = preset("tiny").tokenizer
    further = replace(config, decoder=replace(config.decoder, window=5))
    for shape in (config, further):
        torch.manual_seed(0)
        tokenize_clips(dataset, VideoTokenizer(shape).eval(), tmp_path, CPU)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_chunk_of_video_does_not_stop_it(clips, tmp_path, monkeypatch):
    monkeypatch.setattr(token_store, "LEAST_FRAMES", LEAST_FRAMES)
    shutil.copytree(clips, tmp_path / "clips")
    path = tmp_path / "clips" / "train" / "shard-00000.bin"
    data = bytearray(path.read_bytes())
    data[20] ^= 255
    path.write_bytes(data)
    dataset = ClipDataset(tmp_path / "clips", "train", 5)
    store = tokenize_clips(dataset, tokenizer(), tmp_path / "tokens", CPU)
    assert dataset.damaged == {(0, 0)}
    frames = torch.from_numpy(dataset.shards.read(0, 16, 5))[None]
    assert torch.from_numpy(store.read(0, 16, 5)).equal(tokenizer().encode(to_float(frames))[0])


def main(clips: Path, folder: Path) -> None:
    """What each of two processes runs; it leaves the number of frames that it tokenized."""
    torch.set_num_threads(1)
    token_store.LEAST_FRAMES = LEAST_FRAMES
    counted = [0]
    with processes(CPU):
        dataset = ClipDataset(clips, "train", 5)
        store = tokenize_clips(
            dataset, tokenizer(), folder / "tokens", CPU, lambda done, *_: counted.append(done)
        )
        store.read(0, 0, 16)
        (folder / f"frames-{rank()}").write_text(str(counted[-1]))


@pytest.mark.slow
def test_two_processes_share_the_work_and_write_what_one_does(dataset, clips, tmp_path):
    assert run_group(2, main, clips, tmp_path) == [0, 0]
    tokenize_clips(dataset, tokenizer(), tmp_path / "alone", CPU)
    assert contents(tmp_path / "tokens") == contents(tmp_path / "alone")
    counts = [int((tmp_path / f"frames-{r}").read_text()) for r in (0, 1)]
    assert min(counts) > 0 and sum(counts) == dataset.num_frames
