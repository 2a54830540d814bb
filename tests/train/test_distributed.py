"""Real processes against one."""

import json
import os
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from playworld.config import InputError
from playworld.manifest import params_sha256, read_folder
from playworld.models.actions import LatentActionConfig, LatentActionModel
from playworld.models.dynamics import Dynamics, DynamicsConfig
from playworld.models.quantizer import QuantizerConfig
from playworld.models.st_transformer import TransformerConfig
from playworld.models.tokenizer import TokenizerConfig, VideoTokenizer
from playworld.train.checkpoints import checkpoints, newest, played_weights, read_parts
from playworld.train.distributed import SINGLE_PROCESS, Parallel, footprint, processes, rank
from playworld.train.loop import Clips, NonFinite, Preempted, fit
from playworld.train.objectives import (
    Objective,
    TokenizerLoss,
    TokenizerObjective,
    WorldLoss,
    WorldObjective,
)
from playworld.train.optim import StageConfig
from playworld.train.train_step import TrainState
from tests.processes import run_group

CPU = torch.device("cpu")
SHAPE = TransformerConfig(16, 2, 2, 8, mlp_ratio=2, window=4)
STEPS, POISONED = 6, 3
CONFIG = StageConfig(STEPS, 4, 4, 1e-2, warmup_steps=2, ema_decay=0.9)


class Poisoned(TokenizerObjective):
    """A clip whose first sample is 255 makes the loss NaN."""

    def forward(self, batch):
        loss, metrics = super().forward(batch)
        return loss * (float("nan") if (batch.video[:, 0, 0, 0, 0] == 255).any() else 1), metrics


def tokenizer() -> VideoTokenizer:
    torch.manual_seed(0)
    return VideoTokenizer(TokenizerConfig(16, 16, 8, SHAPE, SHAPE, QuantizerConfig(16, 4)))


def make(stage: str) -> Objective:
    if stage == "tokenizer":
        return Poisoned(tokenizer(), TokenizerLoss())
    torch.manual_seed(1)
    shapes = {"patch": 8, "encoder": SHAPE, "decoder": SHAPE}
    actions = LatentActionModel(LatentActionConfig(16, 16, QuantizerConfig(4, 4), **shapes))
    dynamics = Dynamics(DynamicsConfig(4, 16, 4, SHAPE))
    return WorldObjective(actions, dynamics, tokenizer(), WorldLoss(warmup_fraction=0.4))


def source(start: int, parallel: Parallel = SINGLE_PROCESS):
    """Clips in one order, whoever reads them; the last clip of step POISONED is poison."""
    share = parallel.share(CONFIG.batch_size)
    for step in range(start, STEPS):
        first = step * CONFIG.batch_size + parallel.data_parallel_rank() * share
        numbers = [first + i for i in range(share)]
        draws = [torch.Generator().manual_seed(number) for number in numbers]
        shape = (4, 16, 16, 3)
        video = torch.stack([torch.randint(255, shape, generator=g) for g in draws])
        poison = CONFIG.batch_size * (POISONED + 1) - 1
        video[[number == poison for number in numbers], 0, 0, 0, 0] = 255
        yield Clips(torch.tensor([(0, n) for n in numbers]), video.to(torch.uint8), None)


def train(
    folder: Path, stage: str, parallel: Parallel = SINGLE_PROCESS, stop: str = ""
) -> Objective:
    """One stage; `stop` is "rank:step", where that process gets a SIGTERM."""

    def stopping(start: int):
        for step, clips in enumerate(source(start, parallel), start=start + 1):
            if stop == f"{rank()}:{step}":
                os.kill(os.getpid(), signal.SIGTERM)
            yield clips

    objective = make(stage)
    config = replace(CONFIG, muon_rate=5e-3) if stage == "world" else CONFIG
    fit(objective, stopping, config, folder / stage, stage, CPU, parallel=parallel)
    return objective


def main(folder: Path, stage: str, parallel: Parallel, stop: str) -> int:
    """What each process runs; it leaves its own hash of what was learned.

    With "again" for `stop` it trains once without a break, and once with one.
    """
    torch.set_num_threads(1)
    try:
        with processes(CPU):
            if stop == "again":
                train(folder / "whole", stage, parallel)
                with suppress(Preempted):
                    train(folder, stage, parallel, "3:2")
            objective = train(folder, stage, parallel, stop)
            (folder / f"{stage}-{rank()}").write_text(params_sha256(objective.state_dict()))
    except Preempted:
        return 75
    except NonFinite:
        return 3
    return 0


def start(
    folder: Path,
    stage: str,
    mode: str,
    gradient_accumulation_steps: int = 1,
    stop: str = "-",
    count: int = 2,
    tensor: int = 1,
) -> list[int]:
    """Run some processes and return their exit codes."""
    return run_group(
        count,
        main,
        folder,
        stage,
        Parallel(mode, gradient_accumulation_steps, gradient_accumulation_steps > 1, tensor),
        stop,
    )


def logged(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def assert_same_course(found: Path, wanted: Path) -> None:
    """The same clips in every step, and the same losses but for rounding."""
    ours, theirs = logged(found), logged(wanted)
    assert [e["batch_ids_sha256"] for e in ours] == [e["batch_ids_sha256"] for e in theirs]
    assert len({e["batch_ids_sha256"] for e in ours}) == len(ours) == STEPS
    known = [e["loss"] for e in theirs if not e["skipped"]]
    assert [e["loss"] for e in ours if not e["skipped"]] == pytest.approx(known, rel=1e-4)
    assert [e.get("codes_used") for e in ours] == [e.get("codes_used") for e in theirs]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both stages by one process."""
    folder = tmp_path_factory.mktemp("alone")
    for stage in ("tokenizer", "world"):
        train(folder, stage)
    return folder


@pytest.mark.slow
def test_two_processes_take_the_course_of_one_and_skip_a_step_that_is_nan_in_one(alone, tmp_path):
    """The NaN is in the clips of the second process alone, and so is known to it alone."""
    assert start(tmp_path, "tokenizer", "ddp") == [0, 0]
    assert_same_course(tmp_path / "tokenizer", alone / "tokenizer")
    skipped = [entry["skipped"] for entry in logged(tmp_path / "tokenizer")]
    assert skipped == [float(step == POISONED) for step in range(STEPS)]
    weights = [(tmp_path / f"tokenizer-{r}").read_text() for r in (0, 1)]
    assert weights[0] == weights[1]  # and the codebook is part of them


@pytest.mark.slow
def test_shards_stopped_by_a_signal_to_one_of_two_are_taken_up_by_one(alone, tmp_path):
    """From two processes to one: each clip of the epoch is seen once, and the losses go on."""
    assert start(tmp_path, "world", "fsdp", stop="1:4") == [75, 75]
    assert [path.name for path in checkpoints(tmp_path / "world")] == ["step-00000004"]
    shards = newest(tmp_path / "world")
    parts = read_parts(shards)
    played = parts["model"] | parts["average"]
    assert params_sha256(played_weights(shards)) == params_sha256(played)
    train(tmp_path, "world")
    assert_same_course(tmp_path / "world", alone / "world")


@pytest.mark.slow
def test_what_one_began_two_go_on_with_in_shards_parts_and_recomputed(alone, tmp_path):
    with pytest.raises(Preempted, match="step 2"):
        train(tmp_path, "world", stop="0:2")
    assert start(tmp_path, "world", "fsdp", gradient_accumulation_steps=2) == [0, 0]
    assert_same_course(tmp_path / "world", alone / "world")
    assert (tmp_path / "world-0").read_text() == (tmp_path / "world-1").read_text()


@pytest.mark.slow
def test_four_copies_resume_to_the_bit(tmp_path):
    """Sums of more than two numbers depend on the order in which processes exchange gradients."""
    assert start(tmp_path, "tokenizer", "ddp", stop="again", count=4) == [0] * 4
    found = [checkpoints(f / "tokenizer")[-1] for f in (tmp_path, tmp_path / "whole")]
    states = [read_folder(path).json("state.json") for path in found]
    assert states[0] == states[1] and states[0]["step"] == STEPS and "params_sha256" in states[0]


def test_parts_and_recomputing_change_nothing_but_rounding(alone, tmp_path):
    train(tmp_path, "world", Parallel(gradient_accumulation_steps=2, activation_checkpointing=True))
    assert_same_course(tmp_path / "world", alone / "world")


def test_a_batch_that_does_not_divide_is_refused_with_the_number_that_would(tmp_path):
    with pytest.raises(InputError, match="a --batch-size that divides by 3"):
        fit(
            make("world"),
            source,
            CONFIG,
            tmp_path,
            "world",
            CPU,
            parallel=Parallel(gradient_accumulation_steps=3),
        )


def test_a_sharded_model_needs_no_memory_to_know_what_it_will_need():
    """In real life: 10.1 billion parameters over 256 GPUs (docs/train.md)."""
    config = DynamicsConfig(4, 16, 4, SHAPE)
    count = sum(p.numel() for p in Dynamics(config).parameters())
    found = footprint(lambda: Dynamics(config), 8)
    assert found.parameters == count
    assert 20 * count / 8 <= found.state <= 1.6 * 20 * count / 8  # shards are padded
    block = 16 * 48 + 16 * 16 + 2 * 16 * 32
    assert 2 * 2 * 2 * block > found.gathered > 2 * 2 * block


def test_the_trainer_takes_a_step_in_parts_of_one_clip(tmp_path):
    state = TrainState(
        make("world"), CONFIG, tmp_path, CPU, Parallel(gradient_accumulation_steps=4)
    )
    metrics = state.update(next(source(0)).video, None)
    assert metrics["skipped"] == 0 and metrics["codes_used"] >= 1
