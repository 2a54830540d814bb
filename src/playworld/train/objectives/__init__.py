"""What is minimised: tokens first, then latent actions and dynamics together."""

from playworld.train.objectives.dynamics import DynamicsObjective
from playworld.train.objectives.objective import Batch, Collapsed, Metrics, Objective
from playworld.train.objectives.tokenizer import TokenizerLoss, TokenizerObjective
from playworld.train.objectives.world import WorldLoss, WorldObjective, relative_error

__all__ = [
    "Batch",
    "Collapsed",
    "DynamicsObjective",
    "Metrics",
    "Objective",
    "TokenizerLoss",
    "TokenizerObjective",
    "WorldLoss",
    "WorldObjective",
    "relative_error",
]
