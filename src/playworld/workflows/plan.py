"""What training a preset takes: parameters, memory per device, FLOPs, days; the paper beside it.

Nothing is built but on the meta device, so the largest preset is planned on a laptop in seconds.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from torch import nn

from playworld.models.actions import LatentActionModel
from playworld.models.base import DynamicsModel, Tokenizer
from playworld.models.dynamics import Dynamics
from playworld.models.flops import (
    BACKWARD,
    actions_flops,
    dynamics_flops,
    on_meta,
    parameters,
    tokenizer_flops,
)
from playworld.models.kinds import build_dynamics, build_tokenizer
from playworld.models.motion.actions import WIDTH as VECTOR_WIDTH
from playworld.models.motion.blend import CELL
from playworld.models.motion.dynamics import MotionDynamics
from playworld.models.motion.render import CANDIDATES
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.st_transformer import STTransformer
from playworld.models.tokenizer import VideoTokenizer
from playworld.presets import SHAPES, Printed
from playworld.train.optim import StageConfig
from playworld.train.recipe import Recipe
from playworld.workflows.options import TrainingPlanOptions, memory_bytes

NOT_PRINTED = Printed(None, None, None, None)
C = TypeVar("C")
M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class ModelSize:
    """One model: ours, and what the paper prints."""

    name: str
    parameters: int
    printed: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over the paper's."""
        return self.parameters / self.printed if self.printed else None


@dataclass(frozen=True)
class StagePlan:
    """One stage of training; memory in bytes per device."""

    name: str
    steps: int
    clips: int
    """Clips per step, over all devices."""
    per_device: int
    """Of them on one device."""
    at_once: int
    """Of them in one forward and backward pass: as many as fit; gradients of several add up."""
    weights: int
    """fp32 weights, sharded."""
    gradients: int
    """fp32 gradients, sharded."""
    optimizer: int
    """Moments and the averaged weights, fp32, sharded."""
    gathered: int
    """Two blocks' weights and one's gradients, whole, in bf16."""
    activations: int
    """Of `at_once` clips: the input of every block, and all of the one that is recomputed."""
    flops: float
    """Of the whole stage, forward and backward, without recomputation."""
    days: float
    printed_flops: float | None = None
    """What the paper prints for its dynamics."""
    own_flops: float | None = None
    """Of our dynamics alone."""

    @property
    def memory(self) -> int:
        """Bytes on one device."""
        return self.weights + self.gradients + self.optimizer + self.gathered + self.activations


@dataclass(frozen=True)
class TrainingPlan:
    """What training a preset takes."""

    preset: str
    options: TrainingPlanOptions
    parts: tuple[ModelSize, ...]
    stages: tuple[StagePlan, ...]

    @property
    def fits(self) -> bool:
        """Whether every stage fits into the devices' memory."""
        return all(s.memory <= memory_bytes(self.options.device_memory) for s in self.stages)


@dataclass(frozen=True)
class Load:
    """A model in a stage: what its parameters and one clip take."""

    model: nn.Module
    stacks: tuple[tuple[STTransformer, int], ...]
    """Its transformers, and how many tokens of one clip go through each."""
    ends: int
    """Bytes of what one clip leaves outside of the transformers: logits or distances to codes."""


def plan(recipe: Recipe, options: TrainingPlanOptions) -> TrainingPlan:
    """Plan the training of a preset.

    Args:
        recipe: the preset; trained on clips of its own frame size.
        options: see TrainingPlanOptions.
    """
    tokenizer = _on_meta(build_tokenizer, recipe.tokenizer)
    actions = _on_meta(LatentActionModel, recipe.actions)
    dynamics = _on_meta(build_dynamics, recipe.dynamics)
    paper = SHAPES[recipe.name][-1] if recipe.name in SHAPES else NOT_PRINTED
    parts = (
        ModelSize("tokenizer", parameters(tokenizer), paper.tokenizer),
        ModelSize("latent actions", parameters(actions), paper.actions),
        ModelSize("dynamics", parameters(dynamics), paper.dynamics),
    )
    one, two = recipe.tokenizer_stage, recipe.world_stage
    learn = 1 + BACKWARD
    first = learn * tokenizer_flops(recipe.tokenizer, 1, one.clip_length).total
    history = recipe.world_loss.masking == "history"
    own = learn * dynamics_flops(recipe.dynamics, 1, two.clip_length, history).total
    both = own + learn * actions_flops(recipe.actions, 1, two.clip_length).total
    loads = (
        [tokenizer_load(tokenizer, one)],
        [
            actions_load(actions, two),
            dynamics_load(dynamics, two, history),
        ],
    )
    world = schedule("world", two, loads[1], both, options, own, paper.flops)
    return TrainingPlan(
        recipe.name,
        options,
        parts,
        (schedule("tokenizer", one, loads[0], first, options), world),
    )


@functools.lru_cache(maxsize=16)
def _on_meta(build: Callable[[C], M], config: C) -> M:
    """A model without memory; presets of one family share tokenizer and latent actions."""
    return on_meta(lambda: build(config))


def tokenizer_load(model: Tokenizer, stage: StageConfig) -> Load:
    """Encoder and decoder over all tokens; distances to all codes in fp32, and where they lead.

    Of changes, what the filter keeps of each frame: its features at a quarter of the resolution,
    and the copies that it mixes.
    """
    if isinstance(model, MotionTokenizer):
        shape = model.config
        pixels = shape.num_blocks * shape.patch**2
        features = 6 * shape.layers * shape.channels * pixels // CELL**2
        copies = 8 * CANDIDATES * 3 * pixels
        return Load(model, (), 4 * (stage.clip_length - 1) * (features + copies))
    assert isinstance(model, VideoTokenizer)
    places = stage.clip_length * model.config.num_places
    stacks = ((model.encoder, places), (model.decoder, places))
    return Load(model, stacks, 8 * stage.clip_length * model.num_tokens * model.config.num_codes)


def actions_load(model: LatentActionModel, stage: StageConfig) -> Load:
    """Encoder and decoder over all patches; of convolutions, features at half resolution."""
    frames, config = stage.clip_length, model.config
    if config.stem == "linear":
        halves = [m for m in model.modules() if isinstance(m, STTransformer)]
        return Load(model, tuple((t, frames * t.num_positions) for t in halves), 0)
    if config.stem == "vector":
        return Load(model, (), 30 * 4 * frames * VECTOR_WIDTH)
    features = config.height * config.width // 4 * config.stem_channels
    return Load(model, (), 30 * 4 * frames * features)


def dynamics_load(model: DynamicsModel, stage: StageConfig, history: bool) -> Load:
    """All tokens, twice with `history`; logits in bf16 and fp32, and their gradients."""
    if isinstance(model, MotionDynamics):
        scored = (stage.clip_length - 1) * model.config.num_positions
        logits = 12 * scored * sum(model.config.sizes)
        return Load(model, ((model.transformer, 2 * scored),), logits)
    assert isinstance(model, Dynamics)
    shape = model.config
    scored = (stage.clip_length - 1) * shape.num_places
    places = 2 * scored if history else stage.clip_length * shape.num_places
    logits = 12 * scored * shape.factors * shape.num_codes
    return Load(model, ((model.transformer, places),), logits)


def schedule(
    name: str,
    stage: StageConfig,
    loads: list[Load],
    flops: float,
    options: TrainingPlanOptions,
    own: float | None = None,
    printed: float | None = None,
) -> StagePlan:
    """A stage on these devices; `flops` and `own` are those of one clip."""
    clips = options.batch_size or stage.batch_size
    per_device = -(-clips // options.devices)
    total = sum(parameters(load.model) for load in loads)
    moments = sum(moment_numbers(load.model, stage) for load in loads)
    share = -(-total // options.devices)
    optimizer = 4 * (share + -(-moments // options.devices))
    whole = [b for load in loads for b in blocks(load.model) or [load.model]]
    gathered = 2 * 3 * max(map(parameters, whole))
    left = memory_bytes(options.device_memory) - (8 * share + optimizer + gathered)
    one = sum(activation_bytes(load) for load in loads)
    at_once = max(1, min(per_device, left // one))
    # A step lasts as long as the device with the most clips takes.
    seconds = stage.steps * per_device * flops / (options.peak * 1e12 * options.utilisation)
    return StagePlan(
        name,
        stage.steps,
        clips,
        per_device,
        at_once,
        weights=4 * share,
        gradients=4 * share,
        optimizer=optimizer,
        gathered=gathered,
        activations=at_once * one,
        flops=stage.steps * clips * flops,
        days=seconds / 86_400,
        printed_flops=printed,
        own_flops=stage.steps * clips * own if own else None,
    )


def blocks(model: nn.Module) -> list[nn.Module]:
    """The blocks of a model's transformers, each of which is gathered when its turn comes."""
    return [b for m in model.modules() if isinstance(m, STTransformer) for b in m.blocks]


def moment_numbers(model: nn.Module, stage: StageConfig) -> int:
    """Two for each parameter under AdamW, one for each matrix inside a block under Muon."""
    inner = sum(p.numel() for b in blocks(model) for p in b.parameters() if p.ndim == 2)
    return 2 * parameters(model) - (inner if stage.muon_rate else 0)


def activation_bytes(load: Load) -> int:
    """What one clip leaves on a device, with every block's inside computed anew, in bf16.

    Of a block that is computed anew: three norms with their inputs (6 widths), queries, keys and
    values before and after their norm and rotation and the mixed result (16 times the heads), and
    the feed-forward before and after its bend; the gradients flowing back are about as large again.
    """
    total = load.ends
    for transformer, tokens in load.stacks:
        shape = transformer.config
        heads, hidden = shape.num_heads * shape.head_dim, round(shape.width * shape.mlp_ratio)
        inside = 6 * shape.width + 16 * heads + 2 * hidden
        total += 2 * tokens * (shape.num_layers * shape.width + 2 * inside)
    return total
