"""One stage in training: its objective and optimizers, one step of them, and its checkpoints."""

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

FREE = ("learning_rate", "muon_rate", "clip_norm", "save_every", "pictures_every")
"""Settings that a run may be taken up with anew. Only with all as they were is it the same run."""


RENAMED = {"stash": "latent_buffer", "stashed": "latents_stored"}
"""Buffers that older checkpoints stored by another name."""


class Trainer:
    """One stage: objective, optimizer, averaged weights, and how far they are."""

    def __init__(
        self,
        objective: Objective,
        config: StageConfig,
        run: Path,
        device: torch.device,
        parallel: Parallel = SINGLE_PROCESS,
    ):
        refuse_uneven(objective, parallel)
        self.asked, self.run, self.device, self.parallel = config, run, device, parallel
        self.config = replace(config, precision=choose_precision(config.precision, device))
        mode = resolve_mode(parallel, objective)
        self.sharded, self.copied = mode == "fsdp", mode == "ddp"
        self.mesh = make_mesh(parallel, device) if parallel.tensor > 1 else None
        if self.sharded:  # what the caller holds stays whole, and gets the weights at the end
            objective = copy.deepcopy(objective)
            if self.mesh:
                split_blocks(objective, self.mesh["tensor"])
            shard(objective, device, self.mesh["data"] if self.mesh else None)
        self.objective: Objective = objective.to(device)
        set_activation_checkpointing(objective, parallel.activation_checkpointing)
        if self.copied:
            copy_from_first(objective)
        self.optimizers = make_optimizers(objective, config)
        self.average = AveragedWeights(objective, config.ema_decay)
        self.done = 0
        self.rejected = 0

    def update(
        self, video: Tensor, tokens: Tensor | None, labels: Tensor | None = None
    ) -> dict[str, float]:
        """One optimizer step on this process's clips; skipped, and counted, if not finite.

        The metrics are those of all clips of the step.
        """
        config, batch = self.config, self._batch(video, tokens, labels)
        share = config.learning_rate_scale(self.done)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = share * group["peak"]
        named = self._backward(batch)
        named["gradient_norm"] = self._clip()
        values = _numbers(named)
        # Both were summed over all processes, so all of them decide the same.
        finite = math.isfinite(values["loss"]) and math.isfinite(values["gradient_norm"])
        self.rejected = 0 if finite else self.rejected + 1
        if finite:
            for optimizer in self.optimizers:
                optimizer.step()
            self.average.update(self.objective, self.done)
            progress = (self.done + 1) / config.steps
            values |= _numbers(self.objective.update_codebook(batch.generator, progress))
        else:
            self.objective.discard_step()
        self.objective.zero_grad(set_to_none=True)
        self.done += 1
        rate = share * config.learning_rate
        return values | {"learning_rate": rate, "skipped": float(not finite)}

    def _batch(self, video: Tensor, tokens: Tensor | None, labels: Tensor | None) -> Batch:
        first, seed = self.parallel.data_parallel_rank() * len(video), self.config.seed
        unawaited = self.device.type == "cuda"  # mps may read memory that is in use again by then

        def here(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(self.device, non_blocking=unawaited)

        return Batch(
            video.to(self.device, non_blocking=unawaited),
            here(tokens),
            self.done / self.config.steps,
            tuple(clip_seed(seed, self.done, first + row) for row in range(len(video))),
            torch.Generator().manual_seed(seed * 1_000_003 + self.done),
            len(video) * self.parallel.data_parallel_degree(),
            labels=here(labels),
        )

    def _backward(self, batch: Batch) -> dict[str, Tensor]:
        """Gradients of the whole step; returns its loss and metrics."""
        self.objective.train()
        parts, totals = batch.split(self.parallel.gradient_accumulation_steps), None
        workers, copies = self.parallel.data_parallel_degree(), self.parallel.tensor
        if len(parts) * workers > 1:
            totals = sum_over_ranks(self.objective.totals(batch)) / copies
        sums: dict[str, Tensor] = {}
        for part in parts:
            half = self.config.precision == "bf16"
            with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                loss, metrics = self.objective(replace(part, totals=totals))
            (workers * loss).backward()  # gradients are averaged over workers, not summed
            for key, value in ({"loss": loss.detach()} | metrics).items():
                sums[key] = sums[key] + value if key in sums else value
        if self.copied:
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
        saver.save(self.done, parts, to_dict(self.config))

    def restore(self) -> None:
        """Load the newest checkpoint that is whole; start from nothing where there is none."""
        folder = newest(self.run)
        if folder is None:
            return
        state = folder.json("state.json")
        if self.asked.precision == "auto":  # as it began: another one would be another run
            began = state["config"].get("precision", self.config.precision)
            self.config = replace(self.config, precision=began)
        self._compare(state["config"], state["step"])
        own, average = self.objective.state_dict(), self.average.tensors
        parts = read_parts(folder, own)
        saved = {RENAMED.get(name, name): tensor for name, tensor in parts["model"].items()}
        model = {k: placed_like(t, own[k]) if k in own else t for k, t in saved.items()}
        load_into(self.objective, model, str(folder.path))
        for name, tensor in average.items():
            average[name] = placed_like(parts["average"][name], tensor)
        load_optimizers(self.objective, self.optimizers, parts["optimizer"])
        self.done = state["step"]

    def _compare(self, known: dict[str, Any], step: int) -> None:
        """Refuse a checkpoint of another course than this; say what else is new about it."""
        given = to_dict(self.config)
        new = [
            f"{k} {given[k]} instead of {known.get(k)}" for k in given if known.get(k) != given[k]
        ]
        free = {key for key in FREE if None not in (known.get(key), given[key])}
        if any(known.get(key) != given[key] for key in given.keys() - free):
            raise InputError(
                f"{self.run} holds a run with other settings ({', '.join(new)}); "
                "choose another --run, or remove it to start again"
            )
        if new and step < self.config.steps:
            logger.warning("going on after step %d with %s", step, ", ".join(new))

    def finish(self, objective: nn.Module) -> None:
        """Give `objective`, which this trainer was made with, the averaged weights."""
        set_activation_checkpointing(self.objective, False)
        if self.sharded:
            tensors = self.objective.state_dict() | self.average.tensors
            load_into(objective, {k: full_tensor(t).cpu() for k, t in tensors.items()}, "training")
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
