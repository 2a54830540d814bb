"""What is minimised: tokens first, then latent actions and dynamics together."""

from playworld.models.actions import LatentActionModel
from playworld.models.base import DynamicsModel, Tokenizer
from playworld.models.motion.dynamics import MotionDynamics
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.tokenizer import VideoTokenizer
from playworld.train.objectives.dynamics import DynamicsObjective
from playworld.train.objectives.motion_tokenizer import (
    MotionTokenizerLoss,
    MotionTokenizerObjective,
)
from playworld.train.objectives.motion_world import MotionWorldObjective
from playworld.train.objectives.objective import Batch, Collapsed, Metrics, Objective
from playworld.train.objectives.tokenizer import TokenizerLoss, TokenizerObjective
from playworld.train.objectives.world import WorldLoss, WorldObjective, relative_error

__all__ = [
    "Batch",
    "Collapsed",
    "DynamicsObjective",
    "Metrics",
    "MotionTokenizerLoss",
    "MotionTokenizerObjective",
    "MotionWorldObjective",
    "Objective",
    "TokenizerLoss",
    "TokenizerObjective",
    "WorldLoss",
    "WorldObjective",
    "relative_error",
    "tokenizer_objective",
    "world_objective",
]


def tokenizer_objective(
    tokenizer: Tokenizer, loss: TokenizerLoss | MotionTokenizerLoss
) -> TokenizerObjective | MotionTokenizerObjective:
    """What a tokenizer of this kind minimises."""
    if isinstance(tokenizer, MotionTokenizer):
        assert isinstance(loss, MotionTokenizerLoss)
        return MotionTokenizerObjective(tokenizer, loss)
    assert isinstance(tokenizer, VideoTokenizer) and isinstance(loss, TokenizerLoss)
    return TokenizerObjective(tokenizer, loss)


def world_objective(
    actions: LatentActionModel, dynamics: DynamicsModel, tokenizer: Tokenizer, loss: WorldLoss
) -> WorldObjective:
    """What latent actions and dynamics of this kind minimise."""
    kind = MotionWorldObjective if isinstance(dynamics, MotionDynamics) else WorldObjective
    return kind(actions, dynamics, tokenizer, loss)
