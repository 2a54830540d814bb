"""The only training loop: any objective, resumable to the bit."""

import copy
import hashlib
import math
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from playworld.checkpoint import load_into
from playworld.config import InputError, to_dict
from playworld.models.quantizer import sum_over_ranks
from playworld.train.checkpoints import Saver, newest, read_parts
from playworld.train.distributed import (
    ALONE,
    Parallel,
    any_rank,
    chosen,
    first_rank_does,
    gather_ranks,
    placed_like,
    rank,
    ranks,
    recompute_blocks,
    shard,
    whole,
)
from playworld.train.log import RunLog
from playworld.train.objectives import Batch, Objective
from playworld.train.optim import (
    AveragedWeights,
    StageConfig,
    load_optimizers,
    make_optimizers,
    optimizer_tensors,
)


class Clips(NamedTuple):
    """This process's clips of one step."""

    ids: Int64[Tensor, "B 2"]
    """Scene and first frame of each."""
    video: UInt8[Tensor, "B T H W C"]
    """Frames."""
    tokens: Tensor | None
    """Their cached tokens (B, T, N), if there are any."""


Source = Callable[[int], Iterator[Clips]]
"""From a number of steps already taken, the clips of the steps after them."""
Progress = Callable[[int, int, str], None]


class Preempted(RuntimeError):
    """The run was asked to stop, and has saved; the same command goes on where it stopped."""


class NonFinite(RuntimeError):
    """Loss or gradients were not finite ten steps in a row; the weights are those before."""


class Trainer:
    """One stage: objective, optimizer, averaged weights, and how far they are."""

    def __init__(
        self,
        objective: Objective,
        config: StageConfig,
        run: Path,
        device: torch.device,
        parallel: Parallel = ALONE,
    ):
        self.config, self.run, self.device, self.parallel = config, run, device, parallel
        mode = chosen(parallel, objective)
        self.sharded = mode == "fsdp"
        if self.sharded:  # what the caller holds stays whole, and gets the weights at the end
            if config.muon_rate is not None:
                raise InputError("Muon needs whole matrices: use --parallel ddp, or no muon_rate")
            objective = copy.deepcopy(objective)
            shard(objective, device)
        self.objective: Objective = objective.to(device)
        recompute_blocks(objective, parallel.recompute)
        self.forward: nn.Module = objective
        if mode == "ddp":
            names = [name for name, _ in objective.named_parameters()]
            learned = any(name.endswith("codebook") for name in names)  # unused in a warm start
            with warnings.catch_warnings():  # its successor is unknown to the oldest torch of ours
                warnings.filterwarnings(
                    "ignore", message=".*broadcast_buffers", category=FutureWarning
                )
                self.forward = DistributedDataParallel(
                    objective, broadcast_buffers=False, find_unused_parameters=learned
                )
        self.optimizers = make_optimizers(objective, config)
        self.average = AveragedWeights(objective, config.ema_decay)
        self.done = 0
        self.rejected = 0

    def update(self, video: Tensor, tokens: Tensor | None) -> dict[str, float]:
        """One optimizer step on this process's clips; skipped, and counted, if not finite.

        The metrics are those of all clips of the step.
        """
        config, batch = self.config, self._batch(video, tokens)
        share = config.share(self.done)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = share * group["peak"]
        named = self._backward(batch)
        norm = nn.utils.clip_grad_norm_(self.objective.parameters(), config.clip_norm)
        named["gradient_norm"] = whole(norm)
        values = _numbers(named)
        # Both were summed over all processes, so all of them decide the same.
        finite = math.isfinite(values["loss"]) and math.isfinite(values["gradient_norm"])
        self.rejected = 0 if finite else self.rejected + 1
        if finite:
            for optimizer in self.optimizers:
                optimizer.step()
            self.average.update(self.objective, self.done)
            progress = (self.done + 1) / config.steps
            values |= _numbers(self.objective.learn(batch.generator, progress))
        else:
            self.objective.forget()
        self.objective.zero_grad(set_to_none=True)
        self.done += 1
        rate = share * config.learning_rate
        return values | {"learning_rate": rate, "skipped": float(not finite)}

    def _batch(self, video: Tensor, tokens: Tensor | None) -> Batch:
        first, seed = rank() * len(video), self.config.seed
        return Batch(
            video.to(self.device, non_blocking=True),
            None if tokens is None else tokens.to(self.device, non_blocking=True),
            self.done / self.config.steps,
            tuple(clip_seed(seed, self.done, first + row) for row in range(len(video))),
            torch.Generator().manual_seed(seed * 1_000_003 + self.done),
            len(video) * ranks(),
        )

    def _backward(self, batch: Batch) -> dict[str, Tensor]:
        """Gradients of the whole step; returns its loss and metrics."""
        self.objective.train()
        parts, totals = batch.split(self.parallel.accumulate), None
        if len(parts) * ranks() > 1:
            totals = sum_over_ranks(self.objective.totals(batch))
        sums: dict[str, Tensor] = {}
        for part in parts:
            hold: AbstractContextManager = nullcontext()
            if isinstance(self.forward, DistributedDataParallel) and part is not parts[-1]:
                hold = self.forward.no_sync()  # one exchange of gradients per step
            with hold:
                with torch.autocast("cuda", torch.bfloat16, enabled=self.device.type == "cuda"):
                    loss, metrics = self.forward(Batch(**vars(part) | {"totals": totals}))
                (ranks() * loss).backward()  # gradients are averaged over processes, not summed
            for key, value in ({"loss": loss.detach()} | metrics).items():
                sums[key] = sums[key] + value if key in sums else value
        added = sum_over_ranks(torch.stack([value.float() for value in sums.values()]))
        return dict(zip(sums, added, strict=True))

    def save(self, saver: Saver) -> None:
        """Start to write a checkpoint; the two newest are kept."""
        parts = {
            "model": self.objective.state_dict(),
            "average": self.average.tensors,
            "optimizer": optimizer_tensors(self.objective, self.optimizers),
        }
        saver.save(self.done, parts, to_dict(self.config))

    def restore(self) -> None:
        """Load the newest checkpoint that is whole; start from nothing where there is none."""
        folder = newest(self.run)
        if folder is None:
            return
        state = folder.json("state.json")
        if state["config"] != to_dict(self.config):
            raise InputError(
                f"{self.run} holds a run with other settings; "
                "choose another --run, or remove it to start again"
            )
        own, average = self.objective.state_dict(), self.average.tensors
        parts = read_parts(folder, own)
        model = {k: placed_like(t, own[k]) if k in own else t for k, t in parts["model"].items()}
        load_into(self.objective, model, str(folder.path))
        for name, tensor in average.items():
            average[name] = placed_like(parts["average"][name], tensor)
        load_optimizers(self.objective, self.optimizers, parts["optimizer"])
        self.done = state["step"]

    def finish(self, objective: nn.Module) -> None:
        """Give `objective`, which this trainer was made with, the averaged weights."""
        recompute_blocks(self.objective, False)
        if self.sharded:
            tensors = self.objective.state_dict() | self.average.tensors
            load_into(objective, {k: whole(t).cpu() for k, t in tensors.items()}, "training")
            objective.to(self.device)
        else:
            self.average.swap(objective)
        objective.eval()


def clip_seed(seed: int, step: int, row: int) -> int:
    """The seed of a clip's masks and noise; it knows no process, so their number is free."""
    digest = hashlib.sha256(f"{seed} {step} {row}".encode()).digest()
    return int.from_bytes(digest[:4])


def _numbers(named: dict[str, Tensor]) -> dict[str, float]:
    """Tensors as numbers, fetched from the device together."""
    if not named:
        return {}
    values = torch.stack([value.float() for value in named.values()]).tolist()
    return dict(zip(named, values, strict=True))


def fit(
    objective: Objective,
    source: Source,
    config: StageConfig,
    run: Path,
    stage: str,
    device: torch.device,
    progress: Progress | None = None,
    pictures: Callable[[], dict[str, np.ndarray]] | None = None,
    parallel: Parallel = ALONE,
    wandb: str | None = None,
) -> None:
    """Train until config.steps, from the newest checkpoint in `run` if there is one.

    At the end the objective holds the averaged weights. In a group of processes every one calls
    this, and gets the same weights; the first one logs and writes.

    Raises:
        Preempted: after SIGINT or SIGTERM in any process, once the step is finished and saved.
        NonFinite: after ten steps in a row without a finite loss and gradient.
        Collapsed: when the objective finds its codebook unused.
        OSError: when a checkpoint cannot be written; the older ones are as they were.
        InputError: when the batch does not divide, or `run` belongs to other settings.
    """
    run.mkdir(parents=True, exist_ok=True)
    parallel.share(config.batch_size)
    trainer = Trainer(objective, config, run, device, parallel)
    trainer.restore()
    if trainer.done < config.steps:
        log = RunLog(run, stage, trainer.done, wandb) if rank() == 0 else None
        saver, batches = Saver(run, trainer.sharded), source(trainer.done)
        try:
            with asked_to_stop() as stop:
                _steps(trainer, batches, log, saver, stop, progress, pictures)
        finally:
            saver.close()
            if log:
                log.close()
            if hasattr(batches, "close"):
                batches.close()
    trainer.finish(objective)


def _steps(trainer, batches, log, saver, stop, progress, pictures) -> None:
    config, begun, frames = trainer.config, time.perf_counter(), 0
    while trainer.done < config.steps:
        ids, video, tokens = next(batches)
        metrics = trainer.update(video, tokens)
        step, seen = trainer.done, video.shape[0] * video.shape[1] * ranks()
        frames += seen
        metrics["frames_per_second"] = frames / (time.perf_counter() - begun)
        metrics["clip_frames"] = seen
        known = hashlib.sha256(gather_ranks(ids).numpy().astype("<i8").tobytes()).hexdigest()
        if log:
            texts = {"loss_hex": metrics["loss"].hex(), "batch_ids_sha256": known}
            log.step(step, {**metrics, **texts})
            if progress:
                progress(step, config.steps, note(metrics))
        if trainer.rejected >= 10:
            raise NonFinite(
                f"loss or gradient was not finite in 10 steps in a row, up to step {step}; "
                "lower the learning rate and start again from the last checkpoint"
            )
        if not metrics["skipped"]:
            trainer.objective.check(metrics, step / config.steps)
        saver.check()
        asked = any_rank(stop.is_set())
        if step % config.save_every == 0 or step == config.steps or asked:
            trainer.save(saver)
        if pictures and (step % config.pictures_every == 0 or step == config.steps):
            _draw(trainer, log, step, pictures)
        if asked or step == config.steps:
            saver.wait()
            first_rank_does(lambda: None)  # nobody leaves before it is written
        if asked:
            raise Preempted(f"stopped and saved at step {step} of {config.steps}")


def _draw(trainer, log, step, pictures) -> None:
    """Pictures of the averaged weights, by process 0; shards of a model draw none."""
    if log and not trainer.sharded:
        trainer.average.swap(trainer.objective)
        trainer.objective.eval()
        log.pictures(step, pictures())
        trainer.average.swap(trainer.objective)


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
