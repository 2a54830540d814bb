"""The only training loop: any objective, resumable to the bit."""

import logging
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from playworld.checkpoint import load_into, read_folder, write_folder
from playworld.config import InputError, to_dict
from playworld.train.log import RunLog
from playworld.train.objectives import Batch
from playworld.train.optim import (
    AveragedWeights,
    StageConfig,
    load_optimizer,
    make_optimizer,
    optimizer_tensors,
)

logger = logging.getLogger(__name__)

Source = Callable[[int], Iterator[tuple[Tensor, Tensor | None]]]
"""From a number of batches already taken, the batches after them: video and cached tokens."""
Progress = Callable[[int, int, str], None]


class Preempted(RuntimeError):
    """The run was asked to stop, and has saved; the same command goes on where it stopped."""


class NonFinite(RuntimeError):
    """Loss or gradients were not finite ten steps in a row; the weights are those before."""


class Trainer:
    """One stage: objective, optimizer, averaged weights, and how far they are."""

    def __init__(self, objective: nn.Module, config: StageConfig, run: Path, device: torch.device):
        self.objective, self.config = objective.to(device), config
        self.run, self.device = run, device
        self.optimizer = make_optimizer(objective, config)
        self.average = AveragedWeights(objective, config.ema_decay)
        self.done = 0
        self.rejected = 0

    def update(self, video: Tensor, tokens: Tensor | None) -> dict[str, float]:
        """One optimizer step on one batch; skipped, and counted, if anything is not finite."""
        config = self.config
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + self.done)
        batch = Batch(
            video.to(self.device, non_blocking=True),
            None if tokens is None else tokens.to(self.device, non_blocking=True),
            self.done / config.steps,
            generator,
        )
        rate = config.rate(self.done)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.objective.train()
        with torch.autocast("cuda", torch.bfloat16, enabled=self.device.type == "cuda"):
            loss, metrics = self.objective(batch)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.objective.parameters(), config.clip_norm)
        finite = bool(torch.isfinite(loss) & torch.isfinite(norm))
        if finite:
            self.optimizer.step()
            self.average.update(self.objective, self.done)
        self.optimizer.zero_grad(set_to_none=True)
        self.rejected = 0 if finite else self.rejected + 1
        self.done += 1
        named = {"loss": loss.detach(), "gradient_norm": norm, **metrics}
        values = {key: float(value) for key, value in named.items()}
        return values | {"learning_rate": rate, "skipped": float(not finite)}

    def save(self) -> None:
        """Write a checkpoint in one piece, then remove all but the two newest."""
        write_folder(
            self.run / f"step-{self.done:08d}",
            {
                "model.safetensors": self.objective.state_dict(),
                "average.safetensors": self.average.tensors,
                "optimizer.safetensors": optimizer_tensors(self.objective, self.optimizer),
            },
            {"state.json": {"step": self.done, "config": to_dict(self.config)}},
        )
        for old in checkpoints(self.run)[:-2]:
            shutil.rmtree(old)

    def restore(self) -> None:
        """Load the newest checkpoint that is whole; start from nothing where there is none."""
        for path in reversed(checkpoints(self.run)):
            try:
                folder = read_folder(path)
                state = folder.json("state.json")
                model = folder.tensors("model.safetensors")
                average = folder.tensors("average.safetensors")
                moments = folder.tensors("optimizer.safetensors")
            except InputError as error:
                logger.warning("%s; falling back to the checkpoint before", error)
                continue
            if state["config"] != to_dict(self.config):
                raise InputError(
                    f"{self.run} holds a run with other settings; "
                    "choose another --run, or remove it to start again"
                )
            load_into(self.objective, model, str(path))
            self.average.tensors = {k: average[k].to(self.device) for k in self.average.tensors}
            load_optimizer(self.objective, self.optimizer, moments)
            self.done = state["step"]
            return


def checkpoints(run: Path) -> list[Path]:
    """Checkpoint folders of a run, oldest first."""
    return sorted(p for p in run.glob("step-*") if p.is_dir() and p.name[5:].isdigit())


def fit(
    objective: nn.Module,
    source: Source,
    config: StageConfig,
    run: Path,
    stage: str,
    device: torch.device,
    progress: Progress | None = None,
    pictures: Callable[[], dict[str, np.ndarray]] | None = None,
) -> None:
    """Train until config.steps, from the newest checkpoint in `run` if there is one.

    At the end the objective holds the averaged weights.

    Raises:
        Preempted: after SIGINT or SIGTERM, once the step is finished and saved.
        NonFinite: after ten steps in a row without a finite loss and gradient.
        Collapsed: when the objective finds its codebook unused.
    """
    run.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(objective, config, run, device)
    trainer.restore()
    if trainer.done < config.steps:
        log = RunLog(run, stage, trainer.done)
        batches = source(trainer.done)
        try:
            with asked_to_stop() as stop:
                _steps(trainer, batches, log, stop, progress, pictures)
        finally:
            log.close()
            if hasattr(batches, "close"):
                batches.close()
    trainer.average.swap(objective)
    objective.eval()


def _steps(trainer, batches, log, stop, progress, pictures) -> None:
    config, begun, frames = trainer.config, time.perf_counter(), 0
    while trainer.done < config.steps:
        video, tokens = next(batches)
        metrics = trainer.update(video, tokens)
        step, frames = trainer.done, frames + video.shape[0] * video.shape[1]
        metrics["frames_per_second"] = frames / (time.perf_counter() - begun)
        metrics["clip_frames"] = video.shape[0] * video.shape[1]
        log.step(step, {**metrics, "loss_hex": metrics["loss"].hex()})
        if progress:
            progress(step, config.steps, note(metrics))
        if trainer.rejected >= 10:
            raise NonFinite(
                f"loss or gradient was not finite in 10 steps in a row, up to step {step}; "
                "lower the learning rate and start again from the last checkpoint"
            )
        trainer.objective.check(metrics, step / config.steps)
        if step % config.save_every == 0 or step == config.steps or stop.is_set():
            trainer.save()
        if pictures and (step % config.pictures_every == 0 or step == config.steps):
            trainer.average.swap(trainer.objective)
            trainer.objective.eval()
            log.pictures(step, pictures())
            trainer.average.swap(trainer.objective)
        if stop.is_set():
            raise Preempted(f"stopped and saved at step {step} of {config.steps}")


def note(metrics: dict[str, float]) -> str:
    """The few figures worth a look while a stage runs."""
    shown = ("psnr", "cross_entropy", "accuracy", "change_error", "perplexity")
    parts = [f"{key.replace('_', ' ')} {metrics[key]:.3g}" for key in shown if key in metrics]
    return ", ".join(
        [f"loss {metrics['loss']:.4g}", *parts, f"{metrics['frames_per_second']:.0f} frames/s"]
    )


class StopFlag:
    """Set by the first SIGINT or SIGTERM; later ones change nothing, so a save is never cut."""

    def __init__(self) -> None:
        self._set = False

    def set(self, *_: object) -> None:
        """Ask the loop to stop after this step."""
        self._set = True

    def is_set(self) -> bool:
        """Whether the loop was asked to stop."""
        return self._set


@contextmanager
def asked_to_stop() -> Iterator[StopFlag]:
    """Within the block, SIGINT and SIGTERM only set a flag; in other threads nothing changes."""
    flag, before = StopFlag(), {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, flag.set)
    except ValueError:
        before = {}
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
