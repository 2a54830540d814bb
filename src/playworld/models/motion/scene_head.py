"""Which way the scene moves next, also relative to what gravity and the last motion make likely.

There are a thousand motions in half pixels. A fall that goes on is another one of them in every
frame, at every speed across, and a head that has a weight for each has to learn every fall anew. As
offsets from the motion that is expected, all falls that go on are the same.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class ExpectedMotion(nn.Module):
    """Logits by rows and by columns, as they are and as offsets; zeros before training."""

    def __init__(self, width: int, reach: int) -> None:
        super().__init__()
        self.most = 2 * reach
        """Half pixels, the largest motion."""
        span = 2 * self.most + 1
        self.sizes = [span, 2 * span - 1] * 2
        self.heads = nn.Linear(width, sum(self.sizes))
        nn.init.zeros_(self.heads.weight)
        nn.init.zeros_(self.heads.bias)

    def forward(
        self, x: Float[Tensor, "*batch D"], expected: Int[Tensor, "*batch 2"]
    ) -> Float[Tensor, "*batch motions"]:
        """Of every motion of the scene, in the order of `source.scene_number`.

        Args:
            x: features of the scene.
            expected: rows and columns, in half pixels.
        """
        down, down_off, across, across_off = self.heads(x).split(self.sizes, dim=-1)
        rows, columns = expected.clamp(-self.most, self.most).unbind(-1)
        down = down + self._placed(down_off, rows)
        across = across + self._placed(across_off, columns)
        return (down[..., :, None] + across[..., None, :]).flatten(-2)

    def _placed(
        self, offsets: Float[Tensor, "*batch offsets"], expected: Int[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch span"]:
        """The logits of offsets as those of the motions that they lead to."""
        motions = torch.arange(2 * self.most + 1, device=expected.device)
        return offsets.gather(-1, motions + self.most - expected[..., None])
