import json
import os
import resource
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch

from playworld.config import InputError
from playworld.export.train_world import train_world
from playworld.manifest import params_sha256, read_folder
from playworld.models.dynamics import Dynamics
from playworld.presets import preset
from playworld.train.checkpoints import Saver, checkpoints
from playworld.train.loop import Clips, NonFinite, Preempted, fit
from playworld.train.objectives import Objective
from playworld.train.optim import StageConfig, make_optimizers
from playworld.train.options import TrainOptions
from playworld.train.train_step import TrainState
from tests.processes import CONTEXT, start

CPU = torch.device("cpu")
POISON = 255
CONFIG = StageConfig(12, 2, 2, 1e-2, warmup_steps=2, save_every=5, ema_decay=0.9)
FEW = {"tokenizer_steps": 6, "world_steps": 6}


class Line(Objective):
    """The smallest real objective: a line fitted to noise drawn from the step's generator."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(1, 1)

    def forward(self, batch):
        x = torch.randn(8, 1, generator=batch.generator) + 0.1 * batch.video.float().mean()
        poison = float("nan") if int(batch.video.max()) == POISON else 1.0
        return poison * (self.layer(x) - 3 * x).square().mean(), {}


class Blocks(Line):
    """The same with a matrix where transformers have theirs."""

    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Module()
        self.inner.blocks = torch.nn.ModuleList([torch.nn.Linear(1, 4, bias=False)])

    def forward(self, batch):
        x = torch.randn(8, 1, generator=batch.generator)
        return (self.inner.blocks[0](x) - x).square().mean(), {}


def source(start: int, poison: range = range(0)):
    for number in range(start, 10_000):
        value = POISON if number in poison else number % 7
        ids = torch.tensor([[0, number], [1, number]])
        yield Clips(ids, torch.full((2, 2, 1, 1, 3), value, dtype=torch.uint8), None)


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


@pytest.mark.parametrize("began", ["fp32", "bf16"])
def test_a_run_keeps_the_precision_that_it_began_with(began, tmp_path):
    whole = run(tmp_path / "whole", replace(CONFIG, precision=began))
    with pytest.raises(InputError, match="precision"):
        other = {"fp32": "bf16", "bf16": "fp32"}[began]
        run(tmp_path / "whole", replace(CONFIG, precision=other))
    again = run(tmp_path / "whole", replace(CONFIG, precision="auto"))
    assert torch.equal(again.layer.weight, whole.layer.weight)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path, caplog):
    whole = run(tmp_path / "whole")
    run(tmp_path / "cut")
    newest = checkpoints(tmp_path / "cut")[-1] / "model.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1] + b"x")
    again = run(tmp_path / "cut")
    assert "falling back" in caplog.text
    assert torch.equal(again.layer.weight, whole.layer.weight)


def test_muon_trains_the_matrices_inside_transformers_and_adamw_the_rest():
    model = Dynamics(preset("tiny").dynamics)
    adamw, muon = make_optimizers(model, replace(CONFIG, muon_rate=0.1))
    inner = {id(p) for n, p in model.named_parameters() if ".blocks." in n and p.ndim == 2}
    assert inner == {id(p) for p in muon.param_groups[0]["params"]}
    rest = {id(p) for group in adamw.param_groups for p in group["params"]}
    assert not rest & inner and len(rest | inner) == len(list(model.parameters()))
    assert {group["peak"] for group in muon.param_groups} == {0.1}


def test_muons_momentum_is_saved_and_taken_up(tmp_path):
    config = replace(CONFIG, muon_rate=0.02, steps=8, save_every=4)
    objectives = [Blocks() for _ in range(3)]
    fit(objectives[0], source, config, tmp_path / "whole", "blocks", CPU)

    def stop_after_5(step: int, total: int, note: str) -> None:
        if step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Preempted):
        fit(objectives[1], source, config, tmp_path / "cut", "blocks", CPU, stop_after_5)
    fit(objectives[2], source, config, tmp_path / "cut", "blocks", CPU)
    assert logged(tmp_path / "cut")[-1]["loss_hex"] == logged(tmp_path / "whole")[-1]["loss_hex"]


def test_a_checkpoint_is_not_lost_to_damaged_ones_of_later_steps(tmp_path):
    run(tmp_path)
    (checkpoints(tmp_path)[-1] / "model.safetensors").write_bytes(b"damaged")

    def stop_after_11(step: int, total: int, note: str) -> None:
        if step == 11:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Preempted, match="saved at step 11"):
        run(tmp_path, progress=stop_after_11)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000010", "step-00000011"]


def test_training_does_not_begin_again_where_every_checkpoint_is_damaged(tmp_path):
    run(tmp_path)
    before, after = checkpoints(tmp_path)
    (before / "manifest.json").unlink()
    (after / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match="no checkpoint in .* is whole .*remove .* to begin again"):
        run(tmp_path)
    assert len(logged(tmp_path)) == 12


def test_notes_in_a_checkpoint_outlast_it_and_are_taken_for_none(tmp_path):
    run(tmp_path)
    first = checkpoints(tmp_path)[0]
    (first / "notes.txt").write_text("the best one")
    run(tmp_path, replace(CONFIG, steps=12))
    for later in ("step-00000020", "step-00000021"):
        state, saver = TrainState(Line(), CONFIG, tmp_path, CPU), Saver(tmp_path, sharded=False)
        state.step = int(later[5:])
        state.save(saver)
        saver.close()
    assert (first / "notes.txt").read_text() == "the best one"
    assert os.listdir(first) == ["notes.txt"]
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000020", "step-00000021"]


def test_a_second_training_of_the_same_run_is_refused(tmp_path):
    seen = []

    def again(step: int, total: int, note: str) -> None:
        if step == 2:
            with pytest.raises(InputError, match="is being trained by another process"):
                run(tmp_path / "run")
            seen.append(step)

    run(tmp_path / "run", progress=again)
    assert seen == [2] and os.listdir(tmp_path) == ["run"]


def test_how_often_it_saves_can_be_said():
    made = TrainOptions(save_every=7).applied_to(preset("tiny"))
    assert made.tokenizer_stage.save_every == made.world_stage.save_every == 7
    with pytest.raises(InputError, match="save_every must be at least 1"):
        TrainOptions(save_every=0)


def test_two_checkpoints_are_kept(tmp_path):
    run(tmp_path)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000010", "step-00000012"]


def test_a_step_that_is_not_finite_never_reaches_the_weights(tmp_path):
    state = TrainState(Line(), CONFIG, tmp_path, CPU)
    before = state.objective.layer.weight.clone()
    metrics = state.update(torch.full((2, 2, 1, 1, 3), POISON, dtype=torch.uint8), None)
    assert metrics["skipped"] == 1 and torch.equal(state.objective.layer.weight, before)


def test_ten_such_steps_in_a_row_stop_the_run(tmp_path):
    with pytest.raises(NonFinite, match="10 steps in a row"):
        run(tmp_path, feed=lambda start: source(start, range(1, 12)))


def test_the_advice_after_such_a_stop_works(tmp_path, caplog):
    """The same command with a lower learning rate goes on from the last checkpoint."""
    with pytest.raises(NonFinite, match="a lower --learning-rate goes on from the last checkpoint"):
        run(tmp_path, replace(CONFIG, steps=20), lambda start: source(start, range(6, 30)))
    run(tmp_path, replace(CONFIG, steps=20, learning_rate=1e-3))
    assert "after step 15 with learning_rate 0.001 instead of 0.01" in caplog.text
    rates = [entry["learning_rate"] for entry in logged(tmp_path)]
    assert len(rates) == 20 and rates[5] == 1e-2 and rates[15] <= 1e-3


def test_other_settings_do_not_take_up_an_old_run(tmp_path):
    run(tmp_path)
    with pytest.raises(InputError, match=r"other settings \(ema_decay 0.5 instead of 0.9\)"):
        run(tmp_path, replace(CONFIG, ema_decay=0.5))
    with pytest.raises(InputError, match="other settings"):
        run(tmp_path, replace(CONFIG, muon_rate=0.1))


def test_the_schedule_warms_up_stays_and_decays():
    config = StageConfig(100, 1, 2, 1.0, warmup_steps=10, decay_share=0.3, final_share=0.0)
    rates = [config.learning_rate_scale(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[10] == rates[60] == 1.0
    assert rates[99] < 0.05 and sorted(rates[70:], reverse=True) == rates[70:]
    cosine = replace(config, schedule="cosine", final_share=0.1)
    assert (
        cosine.learning_rate_scale(55) == pytest.approx(0.55, abs=0.02)
        and cosine.learning_rate_scale(99) < 0.11
    )


def test_a_second_signal_during_the_save_does_no_harm(tmp_path, monkeypatch):
    """The first asks to stop; the second comes while the checkpoint is being written."""
    first = [True]

    def signals(step: int, total: int, note: str) -> None:
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    write = Path.write_bytes

    def signalled(path: Path, content: bytes) -> int:
        if first.pop() if first else False:
            os.kill(os.getpid(), signal.SIGTERM)
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", signalled)
    with pytest.raises(Preempted, match="step 3"):
        run(tmp_path, progress=signals)
    assert not first and [path.name for path in checkpoints(tmp_path)] == ["step-00000003"]
    assert read_folder(checkpoints(tmp_path)[0]).json("state.json")["step"] == 3


def test_a_signal_while_the_last_checkpoint_is_written_stops_the_run(tmp_path, monkeypatch):
    """Nothing may follow, such as another stage; the same call then finds all steps done."""
    write = Path.write_bytes

    def signalled(path: Path, content: bytes) -> int:
        if "step-00000012" in str(path):
            os.kill(os.getpid(), signal.SIGTERM)
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", signalled)
    with pytest.raises(Preempted, match="saved at step 12 of 12"):
        run(tmp_path / "cut")
    monkeypatch.undo()
    whole, again = run(tmp_path / "whole"), run(tmp_path / "cut")
    assert torch.equal(again.layer.weight, whole.layer.weight)


def test_a_full_disk_is_named_and_the_older_checkpoint_is_intact(tmp_path):
    """Files of more than 10,000 bytes cannot be written any more, as on a disk without room."""
    with pytest.raises(Preempted):
        run(tmp_path, progress=lambda step, *_: step == 4 and os.kill(os.getpid(), signal.SIGINT))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    class Wide(Line):
        def __init__(self):
            super().__init__()
            self.register_buffer("ballast", torch.zeros(100_000))

    with pytest.raises(OSError, match=r"cannot save .*step-00000005 \(\d{6,} bytes needed\): File"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        try:
            state, saver = TrainState(Wide(), CONFIG, tmp_path, CPU), Saver(tmp_path, sharded=False)
            state.step = 5
            state.save(saver)
            saver.wait()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000004"]
    assert read_folder(checkpoints(tmp_path)[0]).json("state.json")["step"] == 4
    assert not list(tmp_path.glob(".step*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_really_full_disk_stops_the_run_at_the_next_step(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this machine does not let a small disk be mounted")
    try:
        with pytest.raises(OSError, match=r"step-00000010 \(\d+ bytes needed\): No space left"):

            def fill(step: int, total: int, note: str) -> None:
                if step == 9:
                    while not checkpoints(disk / "run"):  # that of step 5 is written beside
                        time.sleep(0.01)
                    with suppress(OSError), (disk / "full").open("wb", buffering=0) as file:
                        while file.write(bytes(4096)):
                            pass
                    with (disk / "full").open("r+b") as file:  # room for the log, not for a save
                        file.truncate((disk / "full").stat().st_size - 4096)

            run(disk / "run", progress=fill)
        assert [path.name for path in checkpoints(disk / "run")] == ["step-00000005"]
        assert read_folder(checkpoints(disk / "run")[0]).json("state.json")["step"] == 5
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_training_goes_on_while_a_checkpoint_is_written(tmp_path, monkeypatch):
    """The writer is held until two more steps are done, and still writes what was true then."""
    gate, before = threading.Event(), {}
    write = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", lambda p, c: (gate.wait(60), write(p, c))[1])
    state, saver = TrainState(Line(), CONFIG, tmp_path, CPU), Saver(tmp_path, sharded=False)
    state.update(next(source(0)).video, None)
    before = {name: tensor.clone() for name, tensor in state.objective.state_dict().items()}
    state.save(saver)
    for step in (1, 2):
        state.update(next(source(step)).video, None)
        saver.check()
    assert not checkpoints(tmp_path)
    gate.set()
    saver.close()
    saved = read_folder(checkpoints(tmp_path)[0])
    assert saved.json("state.json")["params_sha256"] == params_sha256(before)
    assert params_sha256(saved.tensors("model.safetensors")) == params_sha256(before)


def save_for_ever(folder: Path, said: Connection) -> None:
    config = replace(CONFIG, steps=9_000, save_every=1)
    run(folder, config, progress=lambda step, *_: said.send(step))


@pytest.mark.slow
def test_kills_at_any_moment_lose_no_checkpoint_and_leave_nothing_behind(tmp_path):
    """Every step saves, in the thread beside the training: a kill nearly always hits a save."""
    reached = 0
    for attempt in range(3):
        heard, said = CONTEXT.Pipe(duplex=False)
        killed = start(save_for_ever, tmp_path, said)
        said.close()
        steps = [heard.recv() for _ in range(4 + attempt)]
        killed.kill()
        with suppress(EOFError, OSError):  # what it had sent, the last of it perhaps in part
            while True:
                steps.append(heard.recv())
        killed.join()
        newest = checkpoints(tmp_path)[-1]
        step = read_folder(newest).json("state.json")["step"]
        assert step >= max(reached, steps[-1] - 2)
        reached = step
    state, saver = TrainState(Line(), CONFIG, tmp_path, CPU), Saver(tmp_path, sharded=False)
    state.step = reached + 1
    state.save(saver)
    saver.close()
    assert not list(tmp_path.glob(".*")) and len(checkpoints(tmp_path)) == 2


def train_until(stage: str, step: int, clips: Path, world: Path, run: Path) -> None:
    """What a process of its own trains, until it kills itself."""
    torch.set_num_threads(1)

    def tell(name: str):
        def kill(done: int, total: int, note: str) -> None:
            if (name, done) == (stage, step):
                os.kill(os.getpid(), signal.SIGKILL)

        return kill

    train_world(preset("tiny"), clips, world, TrainOptions(run=run, **FEW), tell)


@pytest.mark.slow
def test_a_killed_training_gives_the_same_world_as_an_uninterrupted_one(clips, tmp_path):
    """Real SIGKILL, in both stages, through the command line's own function in another process."""
    recipe = preset("tiny")
    whole = train_world(recipe, clips, tmp_path / "a", TrainOptions(run=tmp_path / "ra", **FEW))
    for stage, step in (("tokenizer", 3), ("world", 4)):
        killed = start(train_until, stage, step, clips, tmp_path / "b", tmp_path / "rb")
        killed.join(timeout=120)
        assert killed.exitcode == -signal.SIGKILL
    again = train_world(recipe, clips, tmp_path / "b", TrainOptions(run=tmp_path / "rb", **FEW))
    for part in ("tokenizer", "actions", "dynamics"):
        ours, theirs = getattr(whole, part).state_dict(), getattr(again, part).state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
