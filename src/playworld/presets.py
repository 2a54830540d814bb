"""Named recipes, each with what it is for and what was measured with it (docs/results.md)."""

from dataclasses import dataclass, replace

from playworld.config import InputError, did_you_mean
from playworld.models.actions import LatentActionConfig, TokenView
from playworld.models.dynamics import DynamicsConfig
from playworld.models.kinds import fitted_dynamics
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.motion.dynamics import MotionDynamicsConfig
from playworld.models.quantizer import QuantizerConfig
from playworld.models.st_transformer import TransformerConfig
from playworld.models.tokenizer import TokenizerConfig
from playworld.train.objectives import MotionTokenizerLoss, TokenizerLoss, WorldLoss
from playworld.train.optim import StageConfig
from playworld.train.recipe import Recipe
from playworld.world.folder import WorldConfig
from playworld.world.sampler_config import SamplerConfig

TINY = Recipe(
    name="tiny",
    tokenizer=TokenizerConfig(
        height=64,
        width=64,
        patch=16,
        encoder=TransformerConfig(32, 1, 2, 16, mlp_ratio=2, temporal_every=0),
        decoder=TransformerConfig(32, 1, 2, 16, mlp_ratio=2, window=4),
        quantizer=QuantizerConfig(num_codes=64, code_size=8),
    ),
    actions=LatentActionConfig(
        height=64,
        width=64,
        patch=16,
        stem="conv",
        stem_channels=8,
        context=2,
        quantizer=QuantizerConfig(num_codes=8, code_size=4),
    ),
    dynamics=DynamicsConfig(
        num_tokens=16,
        num_codes=64,
        action_size=4,
        transformer=TransformerConfig(32, 2, 2, 16, mlp_ratio=2, window=8),
    ),
    tokenizer_stage=StageConfig(steps=60, batch_size=4, clip_length=8, learning_rate=3e-3),
    world_stage=StageConfig(
        steps=60, batch_size=4, clip_length=8, learning_rate=3e-3, muon_rate=5e-3
    ),
    sampler=SamplerConfig(steps=2),
)
"""For tests: minutes of video in, a world in seconds, of no quality at all."""

SMALL = Recipe(
    name="small",
    tokenizer=TokenizerConfig(
        height=64,
        width=64,
        patch=8,
        stem="conv",
        stem_channels=16,
        encoder=TransformerConfig(128, 1, 4, 32, temporal_every=0),
        decoder=TransformerConfig(128, 2, 4, 32, window=4),
        quantizer=QuantizerConfig(num_codes=1024, code_size=16, commitment=0.05),
    ),
    actions=LatentActionConfig(
        height=64,
        width=64,
        patch=16,
        stem="conv",
        stem_channels=16,
        context=2,
        quantizer=QuantizerConfig(num_codes=8, code_size=8),
    ),
    dynamics=DynamicsConfig(
        num_tokens=64,
        num_codes=1024,
        action_size=8,
        transformer=TransformerConfig(192, 4, 4, 48, mlp_ratio=2, window=12),
    ),
    tokenizer_stage=StageConfig(
        steps=2_000, batch_size=16, clip_length=4, learning_rate=2e-3, save_every=250
    ),
    world_stage=StageConfig(
        steps=4_000,
        batch_size=4,
        clip_length=12,
        learning_rate=1.5e-3,
        muon_rate=3e-3,
        ema_decay=0.995,
        save_every=250,
    ),
    sampler=SamplerConfig(steps=2, temperature=0.1, order="halton"),
)
"""For two CPU cores and an hour: 64 tokens per frame, convolutional stems (see docs/paper.md)."""


_WIDE = replace(SMALL.tokenizer, height=90, width=160, patch=16)
ROBOTICS_SMALL = replace(
    SMALL,
    name="robotics-small",
    tokenizer=_WIDE,
    actions=replace(SMALL.actions, height=90, width=160),
    dynamics=fitted_dynamics(SMALL.dynamics, _WIDE),
)
"""The paper's size of picture for robots, 160x90, in 60 tokens per frame: otherwise `small`."""


_CHANGES_DYNAMICS = MotionDynamicsConfig(
    height=64,
    width=64,
    patch=8,
    reach=8,
    stages=4,
    num_contents=1024,
    action_size=8,
    transformer=replace(SMALL.dynamics.transformer, window=4),
)
_CHANGES_TOKENIZER = MotionTokenizerConfig(
    height=64,
    width=64,
    content=QuantizerConfig(num_codes=1024, code_size=192, normalize=False),
)
MOTION = Recipe(
    name="motion",
    tokenizer=_CHANGES_TOKENIZER,
    actions=replace(SMALL.actions, stem="vector", tokens=TokenView(patch=64, code_size=4)),
    dynamics=_CHANGES_DYNAMICS,
    tokenizer_stage=StageConfig(
        steps=8_000, batch_size=8, clip_length=12, learning_rate=1.5e-3, save_every=250
    ),
    # Short clips: more frames that follow a picture of which no past is known, as play begins.
    world_stage=replace(SMALL.world_stage, steps=8_000, batch_size=12, clip_length=4),
    tokenizer_loss=MotionTokenizerLoss(),
    world_loss=WorldLoss(held_actions=0.1),
    sampler=SamplerConfig(steps=1, temperature=0.1, order="halton"),
)
"""Tokens of changes: any picture stays itself (docs/motion.md). For two CPU cores."""

PLATFORMER = replace(
    MOTION,
    name="platformer",
    tokenizer=replace(
        _CHANGES_TOKENIZER,
        layer_blocks=7,
        predict_below=6.3e-3,
        keeps_scene=True,
        first_scene=16,
    ),
    actions=replace(
        MOTION.actions, gravity=True, quantizer=replace(SMALL.actions.quantizer, num_codes=6)
    ),
    dynamics=replace(
        _CHANGES_DYNAMICS,
        moved_picture=True,
        decides_split=True,
        keeps_scene=True,
        sees_flight=True,
        sees_foreground=True,
        sees_clearance=True,
        expects_motion=True,
    ),
    world_stage=replace(MOTION.world_stage, batch_size=3, clip_length=24),
    world_loss=replace(
        MOTION.world_loss, mirror=True, vain_actions=0.5, own_rollouts=0.5, own_scenes=0.5
    ),
)
"""Like `motion`, for one game seen from the side: what goes up comes down by itself."""


def _paper_stage(steps: int, batch: int, **other) -> StageConfig:
    """What all stages of the paper have in common; clips of 16 frames."""
    return StageConfig(
        steps, batch, 16, betas=(0.9, 0.9), weight_decay=1e-4, save_every=1_000, **other
    )


def _coinrun_paper() -> Recipe:
    """Genie, appendix F: tokenizer 8+8 layers, latent actions 8+8, dynamics 12, all d512 8h.

    The paper prints no feed-forward width; its parameter counts leave room for about d^2 per block.
    """

    def layers(count: int) -> TransformerConfig:
        return TransformerConfig(512, count, 8, 64, mlp_ratio=0.5, window=16)

    return Recipe(
        name="coinrun-paper",
        tokenizer=TokenizerConfig(
            height=64,
            width=64,
            patch=4,
            encoder=layers(8),
            decoder=layers(8),
            quantizer=QuantizerConfig(num_codes=1024, code_size=32),
        ),
        actions=LatentActionConfig(
            height=64,
            width=64,
            patch=16,
            encoder=layers(8),
            decoder=layers(8),
            quantizer=QuantizerConfig(num_codes=6, code_size=32),
        ),
        dynamics=DynamicsConfig(
            num_tokens=256, num_codes=1024, action_size=32, transformer=layers(12)
        ),
        tokenizer_stage=_paper_stage(
            300_000, 48, learning_rate=3e-4, warmup_steps=10_000, schedule="constant"
        ),
        world_stage=_paper_stage(
            200_000, 36, learning_rate=3e-5, warmup_steps=5_000, schedule="cosine", final_share=0.1
        ),
        tokenizer_loss=TokenizerLoss(),
        world_loss=WorldLoss(masking="paper", corrupt=0.0, warmup_fraction=0.0),
        sampler=SamplerConfig(steps=25, temperature=1.0),
    )


COINRUN_PAPER = _coinrun_paper()
"""The paper's case study; days on one GPU."""


@dataclass(frozen=True)
class Printed:
    """What the paper prints about one of its models, beside what is built here (docs/scale.md)."""

    dynamics: float | None
    """Parameters of the dynamics."""
    flops: float | None = None
    """Of the whole training of the dynamics."""
    tokenizer: float | None = 200e6
    """Parameters of the tokenizer."""
    actions: float | None = 300e6
    """Parameters of the latent action model."""


SHAPES: dict[str, tuple[int, int, int, int, Printed]] = {
    # name: layers, heads, width, features of a head; what is printed
    "genie-41m": (18, 8, 512, 64, Printed(41e6, 2.05e20)),
    "genie-96m": (16, 16, 768, 64, Printed(96e6, 3.58e20)),
    "genie-192m": (20, 18, 1024, 64, Printed(192e6, 6.4e20)),
    "genie-404m": (21, 12, 1536, 128, Printed(404e6, 1.2e21)),
    "genie-811m": (20, 20, 2048, 128, Printed(811e6, 2.2e21)),
    "genie-1.6b": (28, 22, 2560, 128, Printed(1.6e9, 4.04e21)),
    "genie-2.7b": (36, 22, 3072, 128, Printed(2.7e9, 6.91e21)),
    "genie-10.7b": (48, 36, 5120, 128, Printed(10.1e9, 6.6e22)),
    # No shape is printed for robotics: that of 2.7B with as many layers as make 2.5B.
    "robotics-2.5b": (32, 22, 3072, 128, Printed(2.5e9)),
}
"""Dynamics of the paper, section 3 and appendices C and D."""


def _genie(name: str) -> Recipe:
    """A model of the paper: 160x90 at 10 frames per second, tokens 40 x 23.

    The feed-forward is d^2 per block, in the latent action model d^2/2: that of the paper is not
    printed, and with these every printed count is met within 20%. The tokenizer's batch is ours.
    """
    layers, heads, width, head_dim, _ = SHAPES[name]
    narrow = TransformerConfig(512, 12, 8, 64, mlp_ratio=0.5)
    wide = TransformerConfig(1024, 20, 16, 64, mlp_ratio=0.5)
    slim = TransformerConfig(1024, 20, 16, 64, mlp_ratio=0.25)
    steps, batch = (125_000, 512) if name == "genie-10.7b" else (200_000, 256)
    tokenizer = TokenizerConfig(90, 160, 4, narrow, wide, QuantizerConfig(1024, 32))
    return Recipe(
        name=name,
        tokenizer=tokenizer,
        actions=LatentActionConfig(90, 160, QuantizerConfig(8, 32), encoder=slim, decoder=slim),
        dynamics=DynamicsConfig(
            num_tokens=tokenizer.num_tokens,
            num_codes=1024,
            action_size=32,
            transformer=TransformerConfig(width, layers, heads, head_dim, mlp_ratio=0.5),
        ),
        tokenizer_stage=_paper_stage(
            300_000, 64, learning_rate=3e-4, warmup_steps=10_000, schedule="constant"
        ),
        world_stage=_paper_stage(
            steps,
            batch,
            learning_rate=3e-5,
            warmup_steps=5_000,
            schedule="cosine",
            final_share=0.1,
        ),
        world_loss=WorldLoss(masking="paper", corrupt=0.0, warmup_fraction=0.0),
        sampler=SamplerConfig(steps=25, temperature=2.0),
    )


PAPER = tuple(_genie(name) for name in SHAPES)
"""The paper's scaling runs, its final model (200M, 300M and 10.1B) and that for robotics."""

PRESETS = {
    recipe.name: recipe
    for recipe in (TINY, SMALL, ROBOTICS_SMALL, MOTION, PLATFORMER, COINRUN_PAPER, *PAPER)
}


def preset(name: str) -> Recipe:
    """A recipe by its name.

    Raises:
        InputError: naming the closest preset.
    """
    if name not in PRESETS:
        raise InputError(f"unknown preset {name!r}, {did_you_mean(name, PRESETS)}")
    return PRESETS[name]


def preset_like(config: WorldConfig) -> Recipe:
    """The recipe by which a world of this shape is trained further.

    That with the same tokens and dynamics, whatever its actions; else, of changes, one with the
    same tokens, as a world has that was made before its preset's dynamics learned to see more; else
    the one for two cores with the same kind of tokens.
    """
    alike = []
    for recipe in PRESETS.values():
        try:
            fitted = recipe.resized(config.tokenizer.height, config.tokenizer.width)
        except ValueError:  # its patches do not fit
            continue
        if fitted.tokenizer == config.tokenizer:
            if fitted.dynamics == config.dynamics:
                return recipe
            alike.append(recipe)
    if not isinstance(config.tokenizer, MotionTokenizerConfig):
        return SMALL
    return alike[0] if alike else MOTION
