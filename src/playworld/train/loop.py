"""The only training loop, for any objective: batches, logs, signals, checkpoints.

One step is `TrainState.update` (`playworld.train.train_step`). Resuming is exact to the bit.
"""

import hashlib
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from playworld.atomic import folder_at
from playworld.progress import Progress, silent
from playworld.signals import STOPS, handling
from playworld.train.checkpoints import Saver
from playworld.train.deadline import Deadline
from playworld.train.distributed import (
    SINGLE_PROCESS,
    Parallel,
    any_rank,
    first_rank_does,
    gather_ranks,
    rank,
)
from playworld.train.log import RunLog
from playworld.train.objectives import Objective
from playworld.train.optim import StageConfig
from playworld.train.runs import only_training
from playworld.train.train_step import TrainState


class Clips(NamedTuple):
    """This process's clips of one step."""

    ids: Int64[Tensor, "B 2"]
    """Scene and first frame of each."""
    video: UInt8[Tensor, "B T H W C"]
    """Frames."""
    tokens: Tensor | None
    """Their cached tokens (B, T, N), if there are any."""
    labels: Tensor | None = None
    """Target of each clip (B,), where that is one number."""


Source = Callable[[int], Iterator[Clips]]
"""From a number of steps already taken, the clips of the steps after them."""


class Preempted(RuntimeError):
    """The run was asked to stop, and has saved; the same command goes on where it stopped."""


class NonFinite(RuntimeError):
    """Loss or gradients were not finite ten steps in a row; the weights are those before."""


def fit(
    objective: Objective,
    source: Source,
    config: StageConfig,
    run: Path,
    stage: str,
    device: torch.device,
    progress: Progress = silent,
    pictures: Callable[[], dict[str, np.ndarray]] | None = None,
    parallel: Parallel = SINGLE_PROCESS,
    wandb: str | None = None,
    deadline: Deadline | None = None,
) -> None:
    """Train until config.steps, from the newest checkpoint in `run` if there is one.

    With a deadline these are chosen anew on the way, and schedules follow them.

    At the end the objective holds the averaged weights. In a group of processes every one calls
    this, and gets the same weights; the first one logs and writes.

    Raises:
        Preempted: after SIGINT, SIGTERM or SIGHUP in any process, once the step is saved.
        NonFinite: after ten steps in a row without a finite loss and gradient.
        Collapsed: when the objective finds its codebook unused.
        OSError: when a checkpoint cannot be written; the older ones are as they were.
        InputError: when the batch does not divide, `run` belongs to other settings or is trained by
            another process, or none of its checkpoints is whole.
    """
    parallel.share(config.batch_size)
    with only_training(run):
        _fit(objective, source, config, run, stage, device, progress, pictures, parallel, wandb,
             deadline)  # fmt: skip


def _fit(
    objective, source, config, run, stage, device, progress, pictures, parallel, wandb, deadline
) -> None:
    folder_at(run)
    state = TrainState(objective, config, run, device, parallel)
    state.restore(keep_steps=deadline is not None)
    if state.step < state.config.steps:
        log = RunLog(run, stage, state.step, wandb) if rank() == 0 else None
        saver, batches = Saver(run, state.sharded), source(state.step)
        stop = StopFlag()
        try:
            with handling(stop.set, signal.SIGINT, *STOPS, keep_ignored=True):
                _steps(state, batches, log, saver, stop, progress, pictures, deadline)
        finally:
            saver.close()
            if log:
                log.close()
            if hasattr(batches, "close"):
                batches.close()
    state.finish(objective)


def _steps(state, batches, log, saver, stop, progress, pictures, deadline) -> None:
    parallel = state.parallel
    begun, frames = time.perf_counter(), 0
    while state.step < state.config.steps:
        ids, video, tokens, labels = next(batches)
        metrics = state.update(video, tokens, labels)
        step = state.step
        if deadline:
            chosen = first_rank_does(partial(deadline.steps, step, state.config.steps))
            state.config = replace(state.config, steps=chosen)
        config = state.config
        clip_frames = video.shape[0] * video.shape[1] * parallel.data_parallel_degree()
        frames += clip_frames
        metrics["frames_per_second"] = frames / (time.perf_counter() - begun)
        metrics["clip_frames"] = clip_frames
        every = gather_ranks(ids, parallel.tensor).numpy().astype("<i8")
        known = hashlib.sha256(every.tobytes()).hexdigest()
        if log:
            texts = {"loss_hex": metrics["loss"].hex(), "batch_ids_sha256": known}
            log.step(step, {**metrics, **texts})
            progress(step, config.steps, note(metrics))
        if state.skipped_in_a_row >= 10:
            raise NonFinite(
                f"loss or gradient was not finite in 10 steps in a row, up to step {step}; "
                "the same command with a lower --learning-rate goes on from the last checkpoint"
            )
        if not metrics["skipped"]:
            state.objective.check_collapse(metrics, step / config.steps)
        saver.check()
        asked = any_rank(stop.is_set())
        if step % config.save_every == 0 or step == config.steps or asked:
            state.save(saver)
        if pictures and (step % config.pictures_every == 0 or step == config.steps):
            _draw(state, log, step, pictures)
        if asked or step == config.steps:
            saver.wait()
            # All wait until it is written; a signal may have come meanwhile.
            asked = any_rank(asked or stop.is_set())
        if asked:
            raise Preempted(f"stopped and saved at step {step} of {config.steps}")


def _draw(state, log, step, pictures) -> None:
    """Pictures of the averaged weights, by process 0; shards of a model draw none."""
    if log and not state.sharded:
        state.average.swap(state.objective)
        state.objective.eval()
        log.pictures(step, pictures())
        state.average.swap(state.objective)


def note(metrics: dict[str, float]) -> str:
    """The metrics that the progress line shows."""
    shown = ("psnr", "cross_entropy", "accuracy", "change_error", "perplexity")
    parts = [f"{key.replace('_', ' ')} {metrics[key]:.3g}" for key in shown if key in metrics]
    return ", ".join(
        [f"loss {metrics['loss']:.4g}", *parts, f"{metrics['frames_per_second']:.0f} frames/s"]
    )


class StopFlag:
    """Set by the first signal to stop; later ones change nothing, so a save is never cut."""

    def __init__(self) -> None:
        self._set = False

    def set(self, *_: object) -> None:
        """Ask the loop to stop after this step."""
        self._set = True

    def is_set(self) -> bool:
        """Whether the loop was asked to stop."""
        return self._set
