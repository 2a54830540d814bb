"""State of a stage in training: model, optimizers and step; `update` takes a step, `save` stores.

The loop around it (batches, signals, logs) is `playworld.train.loop`.
"""

import copy
import hashlib
import logging
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from playworld.config import InputError, to_dict
from playworld.manifest import load_into
from playworld.models.quantizer import sum_over_ranks
from playworld.train.checkpoints import Saver, newest, read_parts
from playworld.train.distributed import (
    SINGLE_PROCESS,
    Parallel,
    average_gradients,
    copy_from_first,
    full_tensor,
    placed_like,
    resolve_mode,
    set_activation_checkpointing,
    shard,
)
from playworld.train.objectives import Batch, Objective
from playworld.train.optim import (
    AveragedWeights,
    StageConfig,
    load_optimizers,
    make_optimizers,
    optimizer_tensors,
)
from playworld.train.precision import choose_precision
from playworld.train.tensor_parallel import (
    average_over_group,
    clip_gradients,
    make_mesh,
    refuse_uneven,
    split_blocks,
)

logger = logging.getLogger(__name__)

MAY_CHANGE = ("learning_rate", "muon_rate", "clip_norm", "save_every", "pictures_every")
"""Settings that may change when a run is resumed; the result is then another run's."""

RENAMED = {"stash": "latent_buffer", "stashed": "latents_stored", "warm": "in_warmup"}
"""Buffers that older checkpoints stored by another name."""


class TrainState:
    """Objective, optimizers, averaged weights and number of steps of one stage."""

    def __init__(
        self,
        objective: Objective,
        config: StageConfig,
        run: Path,
        device: torch.device,
        parallel: Parallel = SINGLE_PROCESS,
    ):
        refuse_uneven(objective, parallel)
        self.requested, self.run, self.device, self.parallel = config, run, device, parallel
        self.config = replace(config, precision=choose_precision(config.precision, device))
        mode = resolve_mode(parallel, objective)
        self.sharded, self.replicated = mode == "fsdp", mode == "ddp"
        self.mesh = make_mesh(parallel, device) if parallel.tensor > 1 else None
        if self.sharded:  # the caller's stays whole; `finish` gives it the weights
            objective = copy.deepcopy(objective)
            if self.mesh:
                split_blocks(objective, self.mesh["tensor"])
            shard(objective, device, self.mesh["data"] if self.mesh else None)
        self.objective: Objective = objective.to(device)
        set_activation_checkpointing(objective, parallel.activation_checkpointing)
        if self.replicated:
            copy_from_first(objective)
        self.optimizers = make_optimizers(objective, config)
        self.average = AveragedWeights(objective, config.ema_decay)
        self.step = 0
        self.skipped_in_a_row = 0

    def update(
        self, video: Tensor, tokens: Tensor | None, labels: Tensor | None = None
    ) -> dict[str, float]:
        """One optimizer step on this process's clips; skipped, and counted, if not finite.

        The metrics are those of all clips of the step.
        """
        config, batch = self.config, self._batch(video, tokens, labels)
        share = config.learning_rate_scale(self.step)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = share * group["peak"]
        named = self._backward(batch)
        named["gradient_norm"] = self._clip()
        values = _numbers(named)
        # Both were summed over all processes, so all of them decide the same.
        finite = math.isfinite(values["loss"]) and math.isfinite(values["gradient_norm"])
        self.skipped_in_a_row = 0 if finite else self.skipped_in_a_row + 1
        if finite:
            for optimizer in self.optimizers:
                optimizer.step()
            self.average.update(self.objective, self.step)
            progress = (self.step + 1) / config.steps
            values |= _numbers(self.objective.update_codebook(batch.generator, progress))
        else:
            self.objective.discard_step()
        self.objective.zero_grad(set_to_none=True)
        self.step += 1
        rate = share * config.learning_rate
        return values | {"learning_rate": rate, "skipped": float(not finite)}

    def _batch(self, video: Tensor, tokens: Tensor | None, labels: Tensor | None) -> Batch:
        first, seed = self.parallel.data_parallel_rank() * len(video), self.config.seed
        # Not on mps, which may read memory that is in use again by then.
        non_blocking = self.device.type == "cuda"

        def here(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(self.device, non_blocking=non_blocking)

        return Batch(
            video.to(self.device, non_blocking=non_blocking),
            here(tokens),
            self.step / self.config.steps,
            tuple(clip_seed(seed, self.step, first + row) for row in range(len(video))),
            torch.Generator().manual_seed(seed * 1_000_003 + self.step),
            len(video) * self.parallel.data_parallel_degree(),
            labels=here(labels),
        )

    def _backward(self, batch: Batch) -> dict[str, Tensor]:
        """Gradients of the whole step; returns its loss and metrics."""
        self.objective.train()
        parts, normalizers = batch.split(self.parallel.gradient_accumulation_steps), None
        workers, copies = self.parallel.data_parallel_degree(), self.parallel.tensor
        if len(parts) * workers > 1:
            normalizers = sum_over_ranks(self.objective.normalizers(batch)) / copies
        sums: dict[str, Tensor] = {}
        for part in parts:
            half = self.config.precision == "bf16"
            with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                loss, metrics = self.objective(replace(part, normalizers=normalizers))
            (workers * loss).backward()  # gradients are averaged over workers, not summed
            for key, value in ({"loss": loss.detach()} | metrics).items():
                sums[key] = sums[key] + value if key in sums else value
        if self.replicated:
            average_gradients(self.objective)
        if self.mesh:
            average_over_group(self.objective, self.mesh["tensor"])
        added = sum_over_ranks(torch.stack([value.float() for value in sums.values()])) / copies
        return dict(zip(sums, added, strict=True))

    def _clip(self) -> Tensor:
        """Scale the gradients down to `clip_norm`; returns the norm that they had."""
        if self.mesh:
            return clip_gradients(self.objective, self.config.clip_norm, self.parallel.tensor)
        parameters = self.objective.parameters()
        return full_tensor(nn.utils.clip_grad_norm_(parameters, self.config.clip_norm))

    def save(self, saver: Saver) -> None:
        """Start to write a checkpoint; the two newest are kept."""
        parts = {
            "model": self.objective.state_dict(),
            "average": self.average.tensors,
            "optimizer": optimizer_tensors(self.objective, self.optimizers),
        }
        saver.save(self.step, parts, to_dict(self.config))

    def restore(self, keep_steps: bool = False) -> None:
        """Load the newest whole checkpoint; without one, keep the initial weights.

        With `keep_steps` the number of steps is the one that was last chosen in that run.
        """
        folder = newest(self.run)
        if folder is None:
            return
        state = folder.json("state.json")
        if self.requested.precision == "auto":  # resumed with that of the first call
            began = state["config"].get("precision", self.config.precision)
            self.config = replace(self.config, precision=began)
        if keep_steps:
            self.config = replace(self.config, steps=state["config"]["steps"])
        self._check_settings(state["config"], state["step"])
        own, average = self.objective.state_dict(), self.average.tensors
        parts = read_parts(folder, own)
        saved = {RENAMED.get(name, name): tensor for name, tensor in parts["model"].items()}
        model = {k: placed_like(t, own[k]) if k in own else t for k, t in saved.items()}
        load_into(self.objective, model, str(folder.path))
        for name, tensor in average.items():
            average[name] = placed_like(parts["average"][name], tensor)
        load_optimizers(self.objective, self.optimizers, parts["optimizer"])
        self.step = state["step"]

    def _check_settings(self, known: dict[str, Any], step: int) -> None:
        """Refuse a checkpoint of other settings; log those that may change and did."""
        given = to_dict(self.config)
        new = [
            f"{k} {given[k]} instead of {known.get(k)}" for k in given if known.get(k) != given[k]
        ]
        free = {key for key in MAY_CHANGE if None not in (known.get(key), given[key])}
        if any(known.get(key) != given[key] for key in given.keys() - free):
            raise InputError(
                f"{self.run} holds a run with other settings ({', '.join(new)}); "
                "choose another --run, or remove it to start again"
            )
        if new and step < self.config.steps:
            logger.warning("going on after step %d with %s", step, ", ".join(new))

    def finish(self, objective: nn.Module) -> None:
        """Copy the averaged weights into `objective`, from which this state was made."""
        set_activation_checkpointing(self.objective, False)
        if self.sharded:
            tensors = self.objective.state_dict() | self.average.tensors
            load_into(objective, {k: full_tensor(t).cpu() for k, t in tensors.items()}, "training")
            objective.to(self.device)
        else:
            self.average.swap(objective)
        objective.eval()


def clip_seed(seed: int, step: int, row: int) -> int:
    """Seed of a clip's masks and noise; independent of the number of processes."""
    digest = hashlib.sha256(f"{seed} {step} {row}".encode()).digest()
    return int.from_bytes(digest[:4])


def _numbers(named: dict[str, Tensor]) -> dict[str, float]:
    """Tensors as numbers, fetched from the device together."""
    if not named:
        return {}
    values = torch.stack([value.float() for value in named.values()]).tolist()
    return dict(zip(named, values, strict=True))
