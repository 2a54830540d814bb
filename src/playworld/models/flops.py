"""What a model costs: parameters, and floating-point operations (FLOPs) of one call by part.

Models are built and called on the meta device, which has shapes and no numbers: the largest takes
a second, no memory, and any change of the code is counted as it is. Counted are matrix products and
convolutions, two operations for each multiply-add, as PyTorch's FlopCounterMode does; the rest is
below a hundredth.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from playworld.models.actions import LatentActionConfig, LatentActionModel
from playworld.models.dynamics import DynamicsConfig
from playworld.models.kinds import (
    AnyDynamicsConfig,
    AnyTokenizerConfig,
    build_dynamics,
    build_tokenizer,
)
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.motion.dynamics import MotionDynamics
from playworld.models.motion.flight import NUMBERS
from playworld.models.st_transformer import TransformerConfig

M = TypeVar("M", bound=nn.Module)

BACKWARD = 2
"""Backward over forward: one product for the gradient of the input, one for that of the weight."""
PARTS = {"space": "spatial attention", "time": "temporal attention", "mlp": "feed-forward"}
"""Modules of a block by name; stems, heads and codebooks are the rest."""


@dataclass(frozen=True)
class Flops:
    """Operations of one call."""

    parts: dict[str, int]
    """Of spatial attention, temporal attention, feed-forward, and the rest."""

    @property
    def total(self) -> int:
        """Of everything."""
        return sum(self.parts.values())

    def __add__(self, other: "Flops") -> "Flops":
        return Flops({part: count + other.parts[part] for part, count in self.parts.items()})

    def __mul__(self, times: int) -> "Flops":
        return Flops({part: times * count for part, count in self.parts.items()})


def on_meta(make: Callable[[], M]) -> M:
    """A model without memory: its parameters have shapes only."""
    with torch.device("meta"):
        return make()


def parameters(model: nn.Module) -> int:
    """Numbers that training changes; an EMA codebook is a buffer and not counted."""
    return sum(p.numel() for p in model.parameters())


def count(call: Callable[[], object]) -> Flops:
    """Operations of a call, forward only, of models on any device.

    On a CPU the attention kernel escapes PyTorch's counter: count on the meta device.
    """
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        call()
    parts = dict.fromkeys([*PARTS.values(), "rest"], 0)
    for name, operations in counter.get_flop_counts().items():
        part = PARTS.get(name.rpartition(".")[2])
        if part is not None:
            parts[part] += sum(operations.values())
    parts["rest"] = counter.get_total_flops() - sum(parts.values())
    return Flops(parts)


def kept_bytes(model: nn.Module, call: Callable[[], object]) -> int:
    """Bytes that a forward pass keeps for the backward pass, the parameters not counted."""
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        made = call()  # held on to: while it lives, no storage is used twice
    total = sum(size for address, size in kept.items() if address not in weights)
    del made
    return total


@lru_cache(maxsize=64)
def tokenizer_flops(config: AnyTokenizerConfig, clips: int, frames: int) -> Flops:
    """One forward pass of the tokenizer over a batch: encoder, codebook, decoder."""
    # How blocks move is found from numbers, which the meta device does not have; no attention.
    device = "cpu" if isinstance(config, MotionTokenizerConfig) else "meta"
    with torch.device(device):
        model = build_tokenizer(config)
        video = torch.zeros(clips, frames, config.height, config.width, 3)
    return count(lambda: model.reconstruct(video))


@lru_cache(maxsize=64)
def actions_flops(config: LatentActionConfig, clips: int, frames: int) -> Flops:
    """One forward pass of the latent action model over a batch: encoder, codebook, decoder."""
    model = on_meta(lambda: LatentActionModel(config))
    video = torch.empty(clips, frames, *config.size, config.channels, device="meta")
    return count(lambda: model.decoder(video[:, :-1], model.embed(model.encode(video))))


@lru_cache(maxsize=64)
def dynamics_flops(config: AnyDynamicsConfig, clips: int, frames: int, history: bool) -> Flops:
    """One forward pass of the dynamics over a batch; `history`: see `Dynamics.forward`.

    Of blocks that are all alike, one and two are counted: to call 48 takes many seconds.
    """
    shape = config.transformer
    if shape.temporal_every != 1 or shape.num_layers <= 2:
        return _dynamics_flops(config, clips, frames, history)
    one, two = (
        _dynamics_flops(
            replace(config, transformer=replace(shape, num_layers=layers)), clips, frames, history
        )
        for layers in (1, 2)
    )
    return one + (two + one * -1) * (shape.num_layers - 1)


def _dynamics_flops(config: AnyDynamicsConfig, clips: int, frames: int, history: bool) -> Flops:
    model = on_meta(lambda: build_dynamics(config))
    tokens = torch.empty(clips, frames, config.num_tokens, dtype=torch.long, device="meta")
    actions = torch.empty(clips, frames - 1, config.action_size, device="meta")
    if isinstance(model, MotionDynamics):
        shape = model.config
        hidden = torch.empty(clips, frames, shape.num_positions, device="meta").bool()
        size = shape.height, shape.width, shape.canvas_channels
        video = torch.empty(clips, frames, *size, device="meta")
        moved = video[..., :3] if shape.moved_picture else None
        flight = torch.empty(clips, frames, NUMBERS, dtype=torch.long, device="meta")
        return count(lambda: model(tokens, hidden, actions, video, moved, flight))
    assert isinstance(config, DynamicsConfig)
    hidden = torch.empty(clips, frames, config.num_places, device="meta").bool()
    return count(lambda: model(tokens, hidden, actions, tokens if history else None))


@lru_cache(maxsize=64)
def refinement_flops(config: AnyDynamicsConfig) -> Flops:
    """One refinement of one frame of play against a full cache; S + 1 of them make a frame."""
    model = on_meta(lambda: build_dynamics(config))
    tokens = torch.empty(1, config.num_tokens, dtype=torch.long, device="meta")
    action, cache = torch.empty(1, config.action_size, device="meta"), model.start_cache(1)
    if isinstance(model, MotionDynamics):
        hidden = torch.empty(1, config.num_positions, device="meta").bool()
        shape = model.config
        picture = torch.empty(1, shape.num_blocks, shape.picture_size, device="meta")
        passed = count(lambda: model.step(tokens, hidden, action, cache, picture))
    else:
        assert isinstance(config, DynamicsConfig)
        hidden = torch.empty(1, config.num_places, device="meta").bool()
        passed = count(lambda: model.step(tokens, hidden, action, cache))
    return passed + recall_flops(config.transformer, config.num_positions)


@lru_cache(maxsize=64)
def rendering_flops(config: AnyTokenizerConfig) -> Flops:
    """Decoding one frame of play to pixels."""
    model = on_meta(lambda: build_tokenizer(config))
    tokens = torch.empty(1, config.num_tokens, dtype=torch.long, device="meta")
    prompt = torch.empty(1, config.height, config.width, 3, device="meta")
    passed = count(lambda: model.decode_step(tokens, model.begin(prompt)))
    if isinstance(config, MotionTokenizerConfig):
        return passed
    if config.attention == "full":  # a matrix product there, counted already
        return passed
    return passed + recall_flops(config.decoder, config.num_places)


def recall_flops(config: TransformerConfig, positions: int) -> Flops:
    """Attention of one frame to its cached past, which is no matrix product and escapes `count`."""
    layers = sum(config.has_time(layer) for layer in range(config.num_layers))
    width = config.num_heads * config.head_dim
    parts = dict.fromkeys([*PARTS.values(), "rest"], 0)
    return Flops(parts | {"temporal attention": 4 * layers * positions * config.window * width})


def cache_numbers(config: TransformerConfig, positions: int) -> int:
    """Numbers in the cached keys and values of one session."""
    layers = sum(config.has_time(layer) for layer in range(config.num_layers))
    return 2 * layers * (config.window - 1) * positions * config.num_heads * config.head_dim
