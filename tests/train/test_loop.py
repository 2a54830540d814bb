import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from playworld.config import InputError
from playworld.presets import preset
from playworld.train.loop import NonFinite, Preempted, Trainer, checkpoints, fit
from playworld.train.optim import StageConfig
from playworld.train.stages import TrainOptions, train_world

CPU = torch.device("cpu")
POISON = 255
CONFIG = StageConfig(12, 2, 2, 1e-2, warmup_steps=2, save_every=5, ema_decay=0.9)
FEW = {"tokenizer_steps": 6, "world_steps": 6}


class Line(torch.nn.Module):
    """The smallest real objective: a line fitted to noise drawn from the step's generator."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(1, 1)

    def forward(self, batch):
        x = torch.randn(8, 1, generator=batch.generator) + 0.1 * batch.video.float().mean()
        poison = float("nan") if int(batch.video.max()) == POISON else 1.0
        return poison * (self.layer(x) - 3 * x).square().mean(), {}

    def check(self, metrics, progress):
        if metrics["loss"] < 0:
            raise AssertionError


def source(start: int, poison: range = range(0)):
    for number in range(start, 10_000):
        value = POISON if number in poison else number % 7
        yield torch.full((2, 2, 1, 1, 3), value, dtype=torch.uint8), None


def run(path: Path, config: StageConfig = CONFIG, feed=source, **other) -> Line:
    line = Line()
    fit(line, feed, config, path, "line", CPU, **other)
    return line


def logged(path: Path) -> list[dict]:
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


def test_a_run_goes_down_and_ends_with_the_averaged_weights(tmp_path):
    line = run(tmp_path, replace(CONFIG, steps=300, learning_rate=0.05))
    assert [entry["step"] for entry in logged(tmp_path)] == list(range(1, 301))
    assert logged(tmp_path)[-1]["loss"] < 0.1 * logged(tmp_path)[0]["loss"]
    assert abs(line.layer.weight.item() - 3) < 0.3 and not line.training


def test_every_step_says_what_people_look_for(tmp_path):
    run(tmp_path)
    entry = logged(tmp_path)[3]
    assert float.fromhex(entry["loss_hex"]) == entry["loss"]
    assert {"step", "stage", "learning_rate", "gradient_norm", "frames_per_second"} <= set(entry)


def test_interrupted_and_resumed_is_the_same_to_the_bit(tmp_path):
    whole = run(tmp_path / "whole")

    def stop_after_7(step: int, total: int, note: str) -> None:
        if step == 7:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Preempted, match="step 7"):
        run(tmp_path / "cut", progress=stop_after_7)
    resumed = run(tmp_path / "cut")
    assert torch.equal(resumed.layer.weight, whole.layer.weight)
    pairs = zip(logged(tmp_path / "cut"), logged(tmp_path / "whole"), strict=True)
    assert all(a["loss_hex"] == b["loss_hex"] for a, b in pairs)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path, caplog):
    whole = run(tmp_path / "whole")
    run(tmp_path / "cut")
    newest = checkpoints(tmp_path / "cut")[-1] / "model.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1] + b"x")
    again = run(tmp_path / "cut")
    assert "falling back" in caplog.text
    assert torch.equal(again.layer.weight, whole.layer.weight)


def test_two_checkpoints_are_kept(tmp_path):
    run(tmp_path)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000010", "step-00000012"]


def test_a_step_that_is_not_finite_never_reaches_the_weights(tmp_path):
    trainer = Trainer(Line(), CONFIG, tmp_path, CPU)
    before = trainer.objective.layer.weight.clone()
    metrics = trainer.update(torch.full((2, 2, 1, 1, 3), POISON, dtype=torch.uint8), None)
    assert metrics["skipped"] == 1 and torch.equal(trainer.objective.layer.weight, before)


def test_ten_such_steps_in_a_row_stop_the_run(tmp_path):
    with pytest.raises(NonFinite, match="10 steps in a row"):
        run(tmp_path, feed=lambda start: source(start, range(1, 12)))


def test_other_settings_do_not_take_up_an_old_run(tmp_path):
    run(tmp_path)
    with pytest.raises(InputError, match="other settings"):
        run(tmp_path, replace(CONFIG, learning_rate=0.5))


def test_the_schedule_warms_up_stays_and_decays():
    config = StageConfig(100, 1, 2, 1.0, warmup_steps=10, decay_share=0.3, final_share=0.0)
    rates = [config.rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[10] == rates[60] == 1.0
    assert rates[99] < 0.05 and sorted(rates[70:], reverse=True) == rates[70:]
    cosine = replace(config, schedule="cosine", final_share=0.1)
    assert cosine.rate(55) == pytest.approx(0.55, abs=0.02) and cosine.rate(99) < 0.11


@pytest.mark.slow
def test_a_killed_training_gives_the_same_world_as_an_uninterrupted_one(clips, tmp_path):
    """Real SIGKILL, in both stages, through the command line's own function in another process."""
    recipe = preset("tiny")
    whole = train_world(recipe, clips, tmp_path / "a", TrainOptions(run=tmp_path / "ra", **FEW))
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from dataclasses import replace\nfrom playworld.presets import preset\n"
        "from playworld.train.stages import TrainOptions, train_world\n"
        "import torch; torch.set_num_threads(1)\n"
        "stage, step = sys.argv[1], int(sys.argv[2])\n"
        "tell = lambda name: lambda done, total, note: "
        "os.kill(os.getpid(), signal.SIGKILL) if (name, done) == (stage, step) else None\n"
        "clips, world, run = map(Path, sys.argv[3:])\n"
        "options = TrainOptions(run=run, tokenizer_steps=6, world_steps=6)\n"
        "train_world(preset('tiny'), clips, world, options, tell)\n"
    )
    for stage, step in (("tokenizer", 3), ("world", 4)):
        where = map(str, (clips, tmp_path / "b", tmp_path / "rb"))
        done = subprocess.run([sys.executable, "-c", code, stage, str(step), *where], timeout=120)
        assert done.returncode == -signal.SIGKILL
    again = train_world(recipe, clips, tmp_path / "b", TrainOptions(run=tmp_path / "rb", **FEW))
    for part in ("tokenizer", "actions", "dynamics"):
        ours, theirs = getattr(whole, part).state_dict(), getattr(again, part).state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
