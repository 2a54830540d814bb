"""What makes a world but the clips: shapes, losses and schedules, checked against each other."""

from dataclasses import dataclass, replace

from playworld.models.actions import LatentActionConfig, TokenView
from playworld.models.kinds import (
    AnyDynamicsConfig,
    AnyTokenizerConfig,
    disagreements,
    fitted_dynamics,
)
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.st_transformer import TransformerConfig
from playworld.models.tokenizer import TokenizerConfig
from playworld.train.objectives import MotionTokenizerLoss, TokenizerLoss, WorldLoss
from playworld.train.optim import StageConfig
from playworld.world.sampler_config import SamplerConfig


@dataclass(frozen=True)
class Recipe:
    """Everything that makes a world but the clips: shapes, losses and schedules of both stages."""

    name: str
    """What the recipe is called."""
    tokenizer: AnyTokenizerConfig
    """Shape of the video tokenizer."""
    actions: LatentActionConfig
    """Shape of the latent action model."""
    dynamics: AnyDynamicsConfig
    """Shape of the dynamics model."""
    tokenizer_stage: StageConfig
    """Training of the tokenizer."""
    world_stage: StageConfig
    """Training of latent actions and dynamics."""
    tokenizer_loss: TokenizerLoss | MotionTokenizerLoss = TokenizerLoss()
    """Loss of the tokenizer."""
    world_loss: WorldLoss = WorldLoss()
    """Losses of latent actions and dynamics."""
    sampler: SamplerConfig = SamplerConfig()
    """How the finished world samples by default."""

    def __post_init__(self) -> None:
        pairs: dict[str, tuple[object, object]] = {
            "action features": (self.dynamics.action_size, self.actions.quantizer.code_size),
            "height": (self.actions.height, self.tokenizer.height),
            "width": (self.actions.width, self.tokenizer.width),
        }
        pairs |= disagreements(self.tokenizer, self.dynamics)
        if view := self.actions.tokens:
            shape = (view.patch, view.code_size)
            pairs["tokens that the latent actions see"] = (shape, self.tokenizer.view)
        of_changes = isinstance(self.tokenizer, MotionTokenizerConfig)
        if of_changes != isinstance(self.tokenizer_loss, MotionTokenizerLoss):
            raise ValueError(f"the tokenizer of recipe {self.name!r} has the loss of another kind")
        if self.world_loss.vain_actions and self.actions.stem != "vector":
            raise ValueError(f"vain_actions of recipe {self.name!r} needs actions from motions")
        if self.world_loss.mirror and not of_changes:
            raise ValueError(f"mirror of recipe {self.name!r} needs tokens of changes")
        for what, (one, other) in pairs.items():
            if one != other:
                raise ValueError(
                    f"the parts of recipe {self.name!r} disagree on {what}: {one}, {other}"
                )
        # A frame further back than any clip in training is read with weights that never met one:
        # it cost a tokenizer 9 dB.
        looks_back = [("dynamics", self.dynamics.transformer, self.world_stage)]
        if isinstance(self.tokenizer, TokenizerConfig):
            stage = self.tokenizer_stage
            looks_back.append(("tokenizer's encoder", self.tokenizer.encoder, stage))
            looks_back.append(("tokenizer's decoder", self.tokenizer.decoder, stage))
        for what, model, stage in looks_back:
            if model.temporal_every and model.window > stage.clip_length:
                raise ValueError(
                    f"the {what} of recipe {self.name!r} looks {model.window} frames back, but its "
                    f"clips have {stage.clip_length}"
                )

    def resized(self, height: int, width: int) -> "Recipe":
        """The recipe for frames of another size; raises ValueError if the patches do not fit."""
        tokenizer = replace(self.tokenizer, height=height, width=width)
        view = self.actions.tokens and TokenView(*tokenizer.view)
        return replace(
            self,
            tokenizer=tokenizer,
            actions=replace(self.actions, height=height, width=width, tokens=view),
            dynamics=fitted_dynamics(self.dynamics, tokenizer),
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
        if isinstance(tokenizer, TokenizerConfig):
            tokenizer = replace(
                tokenizer,
                encoder=window(tokenizer.encoder, one),
                decoder=window(tokenizer.decoder, one),
            )
        return replace(
            self,
            tokenizer=tokenizer,
            dynamics=replace(dynamics, transformer=window(dynamics.transformer, two)),
            tokenizer_stage=one,
            world_stage=two,
        )
