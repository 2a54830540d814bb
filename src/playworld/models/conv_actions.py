"""Convolutional encoder and decoder of the latent action model, for small machines.

A departure from the paper, which embeds patches linearly: on two CPU cores the linear stem needs
hours to see what moves, convolutions on neighbouring frames and their differences need minutes.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from playworld.models.stems import ConvEmbed, Residual, conv, pad_to_patch

HALVED = 8
"""The side of what becomes one place at the bottom of the decoder, in pixels."""


def changes(past: Float[Tensor, "B S H W C"], context: int) -> list[Float[Tensor, "B S H W C"]]:
    """What moved before each frame: its differences from the frames 1 to context-1 before it.

    A clip's first frame stands for those before it.
    """
    older = [torch.cat([past[:, :1].expand(-1, k, -1, -1, -1), past[:, :-k]], dim=1)
             for k in range(1, min(context, past.shape[1] + 1))]  # fmt: skip
    missing = [past[:, :1].expand_as(past)] * (context - 1 - len(older))
    return [past - frame for frame in older + missing]


class ConvActionEncoder(nn.Module):
    """Strided convolutions over the frames around a transition and their differences."""

    def __init__(
        self,
        patch: int,
        base: int,
        grid: tuple[int, int],
        size: int,
        context: int,
        channels: int = 3,
    ):
        super().__init__()
        width = 4 * base
        self.context = context
        self.stem = ConvEmbed(patch, width, base, channels=channels * (2 + context))
        self.head = nn.Linear(grid[0] * grid[1] * width, size)

    def forward(self, video: Float[Tensor, "B T H W C"]) -> Float[Tensor, "B S E"]:
        """One latent per transition, from its two frames and what moved before."""
        before, after = video[:, :-1] - 0.5, video[:, 1:] - 0.5
        inputs = [before, after, after - before, *changes(before, self.context)]
        return self.head(F.silu(self.stem(torch.cat(inputs, dim=-1))).flatten(2))


class Modulate(nn.Module):
    """FiLM (arXiv:1709.07871): the action scales and shifts every channel."""

    def __init__(self, size: int, channels: int):
        super().__init__()
        self.proj = nn.Linear(size, 2 * channels)

    def forward(
        self, x: Float[Tensor, "M C H W"], action: Float[Tensor, "M E"]
    ) -> Float[Tensor, "M C H W"]:
        """Channels times 1 + scale(action), plus shift(action)."""
        scale, shift = self.proj(action)[..., None, None].chunk(2, dim=1)
        return x * (1 + scale) + shift


class ConvActionDecoder(nn.Module):
    """U-shaped network from a frame and the action to the next, as a change that starts at zero."""

    def __init__(self, base: int, size: int, context: int, channels: int = 3):
        super().__init__()
        widths = [base, 2 * base, 4 * base]
        self.context = context
        self.enter = nn.Conv2d(4 * channels * context, base, 3, padding=1)
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1)
            for a, b in zip(widths, widths[1:], strict=False)
        )
        self.down_film = nn.ModuleList(Modulate(size, width) for width in widths)
        self.down_mix = nn.ModuleList(Residual(width) for width in widths)
        self.up = nn.ModuleList(
            nn.Conv2d(b, a * 4, 1) for a, b in zip(widths, widths[1:], strict=False)
        )
        self.up_film = nn.ModuleList(Modulate(size, width) for width in widths[:-1])
        self.up_mix = nn.ModuleList(Residual(width) for width in widths[:-1])
        self.leave = conv(base, 4 * channels, 3, padding=1, gain=0.0)

    def forward(
        self, past: Float[Tensor, "B S H W C"], actions: Float[Tensor, "B S E"]
    ) -> Float[Tensor, "B S H W C"]:
        """Frame k+1 from frame k, what moved before it, and action k."""
        action = rearrange(actions, "B S E -> (B S) E")
        whole = pad_to_patch(past, HALVED)
        inputs = torch.cat([whole - 0.5, *changes(whole, self.context)], dim=-1)
        x = self.enter(F.pixel_unshuffle(rearrange(inputs, "B S H W C -> (B S) C H W"), 2))
        skips = []
        for level, (film, mix) in enumerate(zip(self.down_film, self.down_mix, strict=True)):
            x = mix(film(x, action))
            if level < len(self.down):
                skips.append(x)
                x = self.down[level](F.silu(x))
        for level in reversed(range(len(self.up))):
            x = F.pixel_shuffle(self.up[level](F.silu(x)), 2) + skips[level]
            x = self.up_mix[level](self.up_film[level](x, action))
        change = F.pixel_shuffle(self.leave(F.silu(x)), 2)[..., : past.shape[2], : past.shape[3]]
        return past + rearrange(change, "(B S) C H W -> B S H W C", B=past.shape[0])
