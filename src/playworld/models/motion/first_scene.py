"""What of a first picture is scenery, and what stands before it: learned from what moves later.

A canvas keeps the scene apart from what moves before it, but a single picture does not say which is
which. Without this a character would be scenery until it moves, and leave a copy of itself behind.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from playworld.models.stems import Residual, conv

STEPS = 4
"""Times that the picture is halved."""
UNTRAINED = -2.0
"""Logit of standing before the scene with which training begins: all is scenery."""
SURE, LIKELY = 2.5, 1.0
"""Logits from which on a pixel stands before the scene: by itself, and beside one that does. What
is separated by mistake comes loose in play, and what is not can still move."""
GROWS = 10
"""Pixels that likely ones may be away from a sure one."""
AROUND = 1
"""Pixels around what stands before the scene that are taken from behind it, too: its soft edges."""


class FirstScene(nn.Module):
    """A small U-net: the scene behind what stands before it, from one picture."""

    def __init__(self, channels: int):
        super().__init__()
        widths = [channels * 2 ** min(step, 2) for step in range(STEPS)]
        self.enter = conv(12, widths[0], 1)
        self.down = nn.ModuleList(
            conv(a, b, 4, stride=2, padding=1) for a, b in zip(widths, widths[1:], strict=False)
        )
        self.before = nn.ModuleList(Residual(width) for width in widths)
        self.up = nn.ModuleList(conv(b, 4 * a, 1) for a, b in zip(widths, widths[1:], strict=False))
        self.after = nn.ModuleList(Residual(width) for width in widths[:-1])
        self.leave = conv(widths[0], 16, 3, padding=1, gain=0.1)
        assert self.leave.bias is not None
        nn.init.constant_(self.leave.bias[:4], UNTRAINED)

    def forward(
        self, picture: Float[Tensor, "B 3 H W"]
    ) -> tuple[Float[Tensor, "B 1 H W"], Float[Tensor, "B 3 H W"]]:
        """The logit of standing before the scene, and the scene there, unbounded."""
        x, seen = picture * 2 - 1, []
        height, width = x.shape[2:]
        side = 2**STEPS
        x = F.pad(x, (0, -width % side, 0, -height % side), mode="replicate")
        x = self.enter(rearrange(x, "B C (h a) (w b) -> B (C a b) h w", a=2, b=2))
        for step, layer in enumerate(self.before):
            x = layer(x)
            if step < len(self.down):
                seen.append(x)
                x = self.down[step](x)
        for up, layer in zip(reversed(self.up), reversed(self.after), strict=True):
            x = layer(F.pixel_shuffle(up(x), 2) + seen.pop())
        x = rearrange(self.leave(F.silu(x)), "B (C a b) h w -> B C (h a) (w b)", a=2, b=2)
        x = x[..., :height, :width]
        return x[:, :1], x[:, 1:] + 0.5

    def layers(self, picture: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 4 H W"]:
        """The scene in [0, 1], and 1 where something stands before it.

        Elsewhere the scene is the picture, exactly.
        """
        logit, behind = self(picture)
        before, likely = ((logit > least).to(picture.dtype) for least in (SURE, LIKELY))
        for _ in range(GROWS):
            before = F.max_pool2d(before, 3, 1, 1) * likely
        hidden = F.max_pool2d(before, 2 * AROUND + 1, 1, AROUND)
        scene = torch.where(hidden > 0, behind.clamp(0, 1), picture)
        return torch.cat([scene, before], dim=1)
