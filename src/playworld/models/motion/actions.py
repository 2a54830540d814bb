"""Encoder and decoder of latent actions that look at a few numbers per frame.

Tokens of changes say how things move, so a summary of that needs no convolutions: where in the
picture a character is makes no difference to which way it goes.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

WIDTH = 64
"""Features of the hidden layers."""


def layers(entering: int, leaving: int) -> nn.Sequential:
    """Three linear layers."""
    return nn.Sequential(
        nn.Linear(entering, WIDTH),
        nn.SiLU(),
        nn.Linear(WIDTH, WIDTH),
        nn.SiLU(),
        nn.Linear(WIDTH, leaving),
    )


class VectorActionEncoder(nn.Module):
    """A latent per transition from the numbers of the frame that it leads to."""

    def __init__(self, channels: int, size: int, gravity: bool = False):
        """Args: with `gravity` the rows of a motion (every second channel) count only upwards."""
        super().__init__()
        self.layers = layers(channels, size)
        self.gravity = gravity

    def forward(self, video: Float[Tensor, "B T 1 1 C"]) -> Float[Tensor, "B S E"]:
        """One latent per transition."""
        motions = video[:, 1:, 0, 0]
        if self.gravity:
            rows = torch.arange(motions.shape[-1], device=motions.device) % 2 == 0
            motions = torch.where(rows, motions.clamp_max(0), motions)
        # Numbers within -1 and 1, spread out as after a normalisation.
        return self.layers(2 * motions)


class VectorActionDecoder(nn.Module):
    """The numbers of the next frame: what is known of it, and what the action says beside that."""

    def __init__(self, channels: int, size: int):
        super().__init__()
        self.layers = layers(size, channels)

    def forward(
        self, past: Float[Tensor, "B S 1 1 C"], actions: Float[Tensor, "B S E"]
    ) -> Float[Tensor, "B S 1 1 C"]:
        """Those of frame k+1 from those of frame k and action k."""
        return past + torch.unflatten(self.layers(actions), 2, (1, 1, -1))
