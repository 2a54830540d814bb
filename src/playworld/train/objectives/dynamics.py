"""Training of the dynamics alone, on the tokens and latent actions of models that are frozen."""

import torch
from jaxtyping import Float
from torch import Tensor

from playworld.models.actions import LatentActionModel
from playworld.models.base import DynamicsModel, Tokenizer
from playworld.models.pixels import to_float
from playworld.train.objectives.objective import Batch, Metrics, Objective
from playworld.train.objectives.world import WorldLoss, WorldObjective


class DynamicsObjective(Objective):
    """Cross-entropy of hidden tokens, as in `WorldObjective`; only the dynamics learn."""

    def __init__(
        self,
        actions: LatentActionModel,
        dynamics: DynamicsModel,
        tokenizer: Tokenizer,
        loss: WorldLoss,
    ):
        super().__init__()
        self.dynamics = dynamics
        # A list keeps what is frozen out of parameters, optimizer and checkpoints.
        self._world = [
            WorldObjective(actions.eval().requires_grad_(False), dynamics, tokenizer, loss)
        ]

    def forward(self, batch: Batch) -> tuple[Float[Tensor, ""], Metrics]:
        """The share of these clips in the cross-entropy of the step."""
        world, video, draws = self._world[0], to_float(batch.video), batch.generators()
        # The first draw, as in `normalizers`.
        hidden = world.sample_mask(batch, draws).to(video.device)
        with torch.no_grad():
            tokens = world.tokens(batch, video)
            actions = world.actions.embed(world.actions.encode(world.action_input(video, tokens)))
        loss, metrics = world.token_loss(
            tokens, hidden, world.corrupt_tokens(tokens, draws), actions, video
        )
        total = self.normalizers(batch)[0] if batch.normalizers is None else batch.normalizers[0]
        share = hidden.sum() / total
        return share * loss, {key: share * value for key, value in metrics.items()}

    @torch.no_grad()
    def normalizers(self, batch: Batch) -> Float[Tensor, "1"]:
        """How many tokens are hidden."""
        hidden = self._world[0].sample_mask(batch, batch.generators())
        return hidden.sum().float()[None].to(batch.video.device)
