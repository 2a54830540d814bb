"""The filter behind the motion: a small network that mends what copying blocks leaves."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from playworld.models.stems import Residual, conv

CELL = 4
"""The network works at a quarter of the resolution: a cell of 4 x 4 pixels is one place."""
GAIN = 4.0
"""By which the residual is scaled for the network: it is small beside a picture."""
TRUST = 5.0
"""Logit with which the network begins to prefer the picture it is given."""


class Blend(nn.Module):
    """Chooses at every pixel among copies by the motions around it, and adds a correction.

    It begins as the identity. What is chosen is a mean (softmax) of the base and the candidates.
    """

    def __init__(self, candidates: int, channels: int, layers: int):
        super().__init__()
        area = CELL * CELL
        self.choices = candidates + 1
        self.enter = nn.Conv2d(area * (3 * (candidates + 2) + 1), channels, 1)
        self.layers = nn.ModuleList(Residual(channels) for _ in range(layers))
        self.leave = conv(channels, area * (self.choices + 3), 1, gain=0.1)
        assert self.leave.bias is not None
        with torch.no_grad():
            self.leave.weight[area * self.choices :] = 0
            self.leave.bias[:area] = TRUST

    def forward(
        self,
        candidates: Float[Tensor, "B copies C H W"],
        residual: Float[Tensor, "B C H W"],
        new: Float[Tensor, "B 1 H W"],
    ) -> Float[Tensor, "B C H W"]:
        """The mended picture, unbounded.

        Args:
            candidates: copies of the last picture, the block's own motion first.
            residual: what the codes add to the first of them.
            new: 1 where the block is not a plain copy.
        """
        base = candidates[:, 0] + residual
        x = torch.cat([candidates.flatten(1, 2), base, GAIN * residual, new], dim=1)
        x[:, : -1 - residual.shape[1]] -= 0.5  # pixels around zero
        x = x.to(self.enter.weight.dtype)
        x = self.enter(rearrange(x, "B C (h a) (w b) -> B (C a b) h w", a=CELL, b=CELL))
        for layer in self.layers:
            x = layer(x)
        x = rearrange(self.leave(x), "B (C a b) h w -> B C (h a) (w b)", a=CELL, b=CELL)
        masks, correction = x.split([self.choices, 3], dim=1)
        share = masks.float().softmax(1)
        mixed = share[:, :1] * base + (share[:, 1:, None] * candidates).sum(1)
        return mixed + correction.float()
