"""Named recipes, each with what it is for and what was measured with it (docs/results.md)."""

from playworld.config import InputError, did_you_mean
from playworld.models.actions import LatentActionConfig
from playworld.models.dynamics import DynamicsConfig
from playworld.models.quantizer import QuantizerConfig
from playworld.models.st_transformer import TransformerConfig
from playworld.models.tokenizer import TokenizerConfig
from playworld.train.objectives import TokenizerLoss, WorldLoss
from playworld.train.optim import StageConfig
from playworld.train.stages import Recipe
from playworld.world.maskgit import SamplerConfig

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
        quantizer=QuantizerConfig(num_codes=8, code_size=4),
    ),
    dynamics=DynamicsConfig(
        num_tokens=16,
        num_codes=64,
        action_size=4,
        transformer=TransformerConfig(32, 2, 2, 16, mlp_ratio=2, window=8),
    ),
    tokenizer_stage=StageConfig(steps=60, batch_size=4, clip_length=8, learning_rate=3e-3),
    world_stage=StageConfig(steps=60, batch_size=4, clip_length=8, learning_rate=3e-3),
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
        decoder=TransformerConfig(128, 2, 4, 32, window=8),
        quantizer=QuantizerConfig(num_codes=1024, code_size=16, commitment=0.05),
    ),
    actions=LatentActionConfig(
        height=64,
        width=64,
        patch=16,
        stem="conv",
        stem_channels=16,
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
        ema_decay=0.995,
        save_every=250,
    ),
    sampler=SamplerConfig(steps=2, temperature=0.5),
)
"""For two CPU cores and an hour: 64 tokens per frame, convolutional stems (see docs/paper.md)."""


def _coinrun_paper() -> Recipe:
    """Genie, appendix F: tokenizer 8+8 layers, latent actions 8+8, dynamics 12, all d512 8h.

    The paper prints no feed-forward width; its parameter counts leave room for about d^2 per block.
    """

    def layers(count: int) -> TransformerConfig:
        return TransformerConfig(512, count, 8, 64, mlp_ratio=0.5, window=16)

    def stage(steps: int, batch: int, **other) -> StageConfig:
        return StageConfig(
            steps, batch, 16, betas=(0.9, 0.9), weight_decay=1e-4, save_every=1_000, **other
        )

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
        tokenizer_stage=stage(
            300_000, 48, learning_rate=3e-4, warmup_steps=10_000, schedule="constant"
        ),
        world_stage=stage(
            200_000, 36, learning_rate=3e-5, warmup_steps=5_000, schedule="cosine", final_share=0.1
        ),
        tokenizer_loss=TokenizerLoss(),
        world_loss=WorldLoss(masking="paper", corrupt=0.0, warm_share=0.0),
        sampler=SamplerConfig(steps=25, temperature=1.0),
    )


COINRUN_PAPER = _coinrun_paper()
"""The paper's case study; days on one GPU."""

PRESETS = {recipe.name: recipe for recipe in (TINY, SMALL, COINRUN_PAPER)}


def preset(name: str) -> Recipe:
    """A recipe by its name.

    Raises:
        InputError: naming the closest preset.
    """
    if name not in PRESETS:
        raise InputError(f"unknown preset {name!r}, {did_you_mean(name, PRESETS)}")
    return PRESETS[name]
