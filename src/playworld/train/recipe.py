"""What makes a world but the clips: shapes, losses and schedules, checked against each other."""

from dataclasses import dataclass, replace

from playworld.models.actions import LatentActionConfig
from playworld.models.dynamics import DynamicsConfig
from playworld.models.st_transformer import TransformerConfig
from playworld.models.tokenizer import TokenizerConfig
from playworld.train.objectives import TokenizerLoss, WorldLoss
from playworld.train.optim import StageConfig
from playworld.world.maskgit import SamplerConfig


@dataclass(frozen=True)
class Recipe:
    """Everything that makes a world but the clips: shapes, losses and schedules of both stages."""

    name: str
    """What the recipe is called."""
    tokenizer: TokenizerConfig
    """Shape of the video tokenizer."""
    actions: LatentActionConfig
    """Shape of the latent action model."""
    dynamics: DynamicsConfig
    """Shape of the dynamics model."""
    tokenizer_stage: StageConfig
    """Training of the tokenizer."""
    world_stage: StageConfig
    """Training of latent actions and dynamics."""
    tokenizer_loss: TokenizerLoss = TokenizerLoss()
    """Loss of the tokenizer."""
    world_loss: WorldLoss = WorldLoss()
    """Losses of latent actions and dynamics."""
    sampler: SamplerConfig = SamplerConfig()
    """How the finished world samples unless told otherwise."""

    def __post_init__(self) -> None:
        pairs: dict[str, tuple[object, object]] = {
            "tokens per frame": (self.dynamics.num_tokens, self.tokenizer.num_tokens),
            "codes": (self.dynamics.num_codes, self.tokenizer.num_codes),
            "action features": (self.dynamics.action_size, self.actions.quantizer.code_size),
            "height": (self.actions.height, self.tokenizer.height),
            "width": (self.actions.width, self.tokenizer.width),
        }
        if view := self.actions.tokens:
            shape = (view.patch, view.code_size)
            own = (self.tokenizer.patch, self.tokenizer.quantizer.code_size)
            pairs["tokens that the latent actions see"] = (shape, own)
        for what, (one, other) in pairs.items():
            if one != other:
                raise ValueError(
                    f"the parts of recipe {self.name!r} disagree on {what}: {one}, {other}"
                )
        # A frame further back than any clip in training is read with weights that never met one:
        # it cost a tokenizer 9 dB.
        for what, model, stage in (
            ("tokenizer's encoder", self.tokenizer.encoder, self.tokenizer_stage),
            ("tokenizer's decoder", self.tokenizer.decoder, self.tokenizer_stage),
            ("dynamics", self.dynamics.transformer, self.world_stage),
        ):
            if model.temporal_every and model.window > stage.clip_length:
                raise ValueError(
                    f"the {what} of recipe {self.name!r} looks {model.window} frames back, but its "
                    f"clips have {stage.clip_length}"
                )

    def resized(self, height: int, width: int) -> "Recipe":
        """The recipe for frames of another size; raises ValueError if the patches do not fit."""
        tokenizer = replace(self.tokenizer, height=height, width=width)
        return replace(
            self,
            tokenizer=tokenizer,
            actions=replace(self.actions, height=height, width=width),
            dynamics=replace(self.dynamics, num_tokens=tokenizer.num_tokens),
        )

    def shortened(self, frames: int) -> "Recipe":
        """The recipe for scenes of at most this many frames: shorter clips, and no look beyond."""

        def window(shape: TransformerConfig, stage: StageConfig) -> TransformerConfig:
            return replace(shape, window=min(shape.window, stage.clip_length))

        one, two = (
            replace(stage, clip_length=min(stage.clip_length, frames))
            for stage in (self.tokenizer_stage, self.world_stage)
        )
        tokenizer, dynamics = self.tokenizer, self.dynamics
        return replace(
            self,
            tokenizer=replace(
                tokenizer,
                encoder=window(tokenizer.encoder, one),
                decoder=window(tokenizer.decoder, one),
            ),
            dynamics=replace(dynamics, transformer=window(dynamics.transformer, two)),
            tokenizer_stage=one,
            world_stage=two,
        )
