"""Processes that share every ST block, against one that has them whole."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from playworld.config import InputError
from playworld.export.train_world import train_world
from playworld.manifest import read_folder
from playworld.models.attention import SpatialAttention
from playworld.presets import preset
from playworld.train.checkpoints import checkpoints, read_parts
from playworld.train.distributed import Parallel
from playworld.train.loop import Preempted
from playworld.train.options import TrainOptions
from playworld.train.train_step import TrainState
from tests.train.test_distributed import (
    CONFIG,
    CPU,
    POISONED,
    STEPS,
    assert_same_course,
    logged,
    make,
    start,
    train,
)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both stages by one process."""
    folder = tmp_path_factory.mktemp("one")
    for stage in ("tokenizer", "world"):
        train(folder, stage)
    return folder


def moments(run: Path) -> dict[str, torch.Tensor]:
    """Moving averages of the gradients in the newest checkpoint."""
    tensors = read_parts(read_folder(checkpoints(run)[-1]))["optimizer"]
    return {name: t for name, t in tensors.items() if name.endswith(("exp_avg", "buffer"))}


def test_halves_of_the_heads_add_up_to_the_whole():
    """Neighbouring rows of the projection are whole heads."""
    whole, x = SpatialAttention(16, 4, 8), torch.randn(2, 3, 5, 16)
    halves = [SpatialAttention(16, 2, 8) for _ in range(2)]
    for i, half in enumerate(halves):
        half.qkv.weight.data = whole.qkv.weight.data.chunk(2)[i]
        half.out.weight.data = whole.out.weight.data.chunk(2, dim=1)[i]
    torch.testing.assert_close(sum(half(x) for half in halves), whole(x))


@pytest.mark.slow
def test_two_that_share_the_blocks_take_the_course_of_one_and_skip_what_is_nan(one, tmp_path):
    assert start(tmp_path, "tokenizer", "fsdp", tensor=2) == [0, 0]
    assert_same_course(tmp_path / "tokenizer", one / "tokenizer")
    skipped = [entry["skipped"] for entry in logged(tmp_path / "tokenizer")]
    assert skipped == [float(step == POISONED) for step in range(STEPS)]
    assert (tmp_path / "tokenizer-0").read_text() == (tmp_path / "tokenizer-1").read_text()


@pytest.mark.slow
def test_two_groups_of_two_stopped_by_a_signal_to_one_are_taken_up_by_one(one, tmp_path):
    assert start(tmp_path, "world", "fsdp", stop="3:4", count=4, tensor=2) == [75] * 4
    assert [path.name for path in checkpoints(tmp_path / "world")] == ["step-00000004"]
    train(tmp_path, "world")
    assert_same_course(tmp_path / "world", one / "world")


@pytest.mark.slow
def test_what_one_began_two_share_in_parts_and_recomputed(one, tmp_path):
    with pytest.raises(Preempted, match="step 2"):
        train(tmp_path, "world", stop="0:2")
    assert start(tmp_path, "world", "fsdp", gradient_accumulation_steps=2, tensor=2) == [0, 0]
    assert_same_course(tmp_path / "world", one / "world")
    ours, theirs = moments(tmp_path / "world"), moments(one / "world")
    for name, wanted in theirs.items():  # of every gradient, those of parts of a sum too
        assert (ours[name] - wanted).abs().max() < 0.05 * wanted.abs().max(), name


def test_heads_that_do_not_divide_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("playworld.train.distributed.ranks", lambda: 3)
    with pytest.raises(InputError, match="3 does not divide the 2 heads and 32 hidden features"):
        TrainState(make("world"), CONFIG, tmp_path, CPU, Parallel(tensor=3))


def test_one_process_has_nobody_to_share_with_and_says_so_at_once(clips, tmp_path):
    options = TrainOptions(run=tmp_path / "run", tensor_parallel=2)
    with pytest.raises(InputError, match="number of processes that divides by 2, got 1"):
        train_world(preset("tiny"), clips, tmp_path / "world", options)
    assert not (tmp_path / "run").exists()


def test_whole_copies_cannot_be_shared():
    with pytest.raises(InputError, match="needs --parallel fsdp"):
        replace(TrainOptions(), parallel="ddp", tensor_parallel=2).spread()
