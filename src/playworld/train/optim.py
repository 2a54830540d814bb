"""Optimizers, learning-rate schedule and averaged weights."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from playworld.train.distributed import placed_like
from playworld.train.precision import Precision


@dataclass(frozen=True)
class StageConfig:
    """How one stage is trained."""

    steps: int
    """Optimizer steps."""
    batch_size: int
    """Clips per step."""
    clip_length: int
    """Frames per clip, T."""
    learning_rate: float
    """Peak learning rate of AdamW."""
    muon_rate: float | None = None
    """Peak learning rate of Muon, which then trains the matrices inside the transformers; without
    it AdamW trains them too (the paper)."""
    warmup_steps: int = 100
    """Steps of linear warm-up."""
    schedule: Literal["wsd", "cosine", "constant"] = "wsd"
    """After the warm-up: flat with a linear decay at the end, a cosine, or flat."""
    decay_share: float = 0.3
    """Share of the steps in which wsd decays."""
    final_share: float = 0.0
    """Learning rate at the end, as a share of the peak."""
    betas: tuple[float, float] = (0.9, 0.95)
    """AdamW's decay rates."""
    weight_decay: float = 1e-4
    """AdamW's weight decay, on matrices only."""
    clip_norm: float = 1.0
    """Largest gradient norm."""
    ema_decay: float = 0.999
    """Decay of the averaged weights, which are the ones that play."""
    precision: Precision = "auto"
    """Number format of matrix products; auto takes the faster one, and keeps to it on resuming."""
    seed: int = 0
    """Seed of weights, clip order, masks and noise."""
    save_every: int = 500
    """Steps between checkpoints."""
    pictures_every: int = 1_000
    """Steps between pictures in TensorBoard."""

    def __post_init__(self) -> None:
        if min(self.steps, self.batch_size, self.save_every, self.pictures_every) < 1:
            raise ValueError(f"steps, batch_size and intervals must be at least 1, got {self}")
        if self.clip_length < 2:
            raise ValueError(f"a clip needs 2 frames to hold an action, got {self.clip_length}")
        if not (self.learning_rate > 0 and self.clip_norm > 0 and 0 <= self.ema_decay < 1):
            raise ValueError(f"learning_rate and clip_norm > 0, ema_decay in [0, 1), got {self}")
        if self.muon_rate is not None and not self.muon_rate > 0:
            raise ValueError(f"muon_rate must be above 0, or None, got {self.muon_rate}")

    def learning_rate_scale(self, step: int) -> float:
        """Learning rate of a step, 0-based, as a share of the peak."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        if self.schedule == "cosine":
            shape = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        elif self.schedule == "wsd":
            shape = min(1.0, max(0.0, 1 - done) / self.decay_share) if self.decay_share else 1.0
        else:
            shape = 1.0
        return self.final_share + (1 - self.final_share) * shape


def make_optimizers(model: nn.Module, config: StageConfig) -> list[torch.optim.Optimizer]:
    """Fused AdamW over what trains, and Muon over the transformers' matrices where it is asked for.

    Muon: arXiv:2502.16982, its step scaled to the size of AdamW's. Weight decay is on matrices, not
    on norms, biases, embeddings. Every group holds its peak learning rate as `peak`.
    """
    trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    inner = [p for n, p in trained if config.muon_rate and p.ndim == 2 and ".blocks." in n]
    taken = {id(p) for p in inner}
    decays = [
        p
        for n, p in trained
        if p.ndim >= 2 and "embed" not in n and "position" not in n and id(p) not in taken
    ]
    taken |= {id(p) for p in decays}
    groups = [
        {"params": decays, "weight_decay": config.weight_decay},
        {"params": [p for _, p in trained if id(p) not in taken], "weight_decay": 0.0},
    ]
    rate, decay = config.learning_rate, config.weight_decay
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(groups, lr=rate, betas=config.betas, fused=True, weight_decay=0.0)
    ]
    if inner and config.muon_rate:
        rate = config.muon_rate
        optimizers.append(
            torch.optim.Muon(inner, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw")
        )
    for group in (g for optimizer in optimizers for g in optimizer.param_groups):
        group["peak"] = group["lr"]
    return optimizers


def optimizer_tensors(
    model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]
) -> dict[str, Tensor]:
    """The optimizers' moments by parameter name, so that they can be stored without pickle."""
    return {
        f"{name}/{key}": value
        for name, parameter in model.named_parameters()
        for optimizer in optimizers
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def load_optimizers(
    model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], tensors: Mapping[str, Tensor]
) -> None:
    """Put the moments of `optimizer_tensors` back."""
    owner = {p: o for o in optimizers for group in o.param_groups for p in group["params"]}
    for name, parameter in model.named_parameters():
        keys = [key for key in tensors if key.rpartition("/")[0] == name]
        if keys:
            owner[parameter].state[parameter] = {
                key.rpartition("/")[2]: _moment(tensors[key], parameter) for key in keys
            }


def _moment(tensor: Tensor, parameter: Tensor) -> Tensor:
    """A moment where its parameter is; a count of steps is whole even if that is sharded."""
    if tensor.shape == parameter.shape:
        return placed_like(tensor, parameter)
    return tensor.to(parameter.device)


class AveragedWeights:
    """Exponential moving average of the parameters; buffers (codebooks) are averages already."""

    def __init__(self, model: nn.Module, decay: float):
        self.decay = decay
        self.tensors = {name: p.detach().clone() for name, p in model.named_parameters()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Follow the model; faster in the first steps, when the start should be forgotten."""
        decay = min(self.decay, (1 + step) / (10 + step))
        current = [p.detach() for _, p in model.named_parameters()]
        torch._foreach_lerp_(list(self.tensors.values()), current, 1 - decay)

    @torch.no_grad()
    def swap(self, model: nn.Module) -> None:
        """Exchange the model's weights with the averaged ones; a second call undoes it."""
        for name, parameter in model.named_parameters():
            own = parameter.detach().clone()
            parameter.copy_(self.tensors[name])
            self.tensors[name].copy_(own)
