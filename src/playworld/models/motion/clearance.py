"""How far what stands before the scene could go: what falls lands, and a wall stops who walks.

Ground and walls look different in every game, and in a picture nobody has seen before they look
like nothing known. What they have in common is that the scene looks different where they begin. So
from the edges of what stands before the scene the scene behind it is compared with that further on.
Attention over blocks has no way to measure such distances to the pixel.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from playworld.models.stems import pad_to_patch

AHEAD = 12
"""Pixels looked ahead: more than the fastest motion, so that what stops it is seen in time."""
DISTINCT = 0.125
"""Mean difference of the colours (of 1) from which on the scene is another thing."""
NUMBERS = 4 * (AHEAD + 1)
"""Numbers of a block: down, up, right and left how different the scene is after 1 to `AHEAD`
pixels, on average over its edge pixels on that side, and how many these are per pixel of its side.
"""
WIDTH = 64
"""Features of the hidden layer."""


def clearance(frames: Float[Tensor, "B T H W 7"], patch: int) -> Float[Tensor, "B T N numbers"]:
    """What of the scene lies beyond the edges of what stands before it, for each block.

    Args:
        frames: in [0, 1], with all layers of the canvas.
        patch: side of a block, pixels.
    """
    whole = pad_to_patch(frames, patch).flatten(0, 1)[..., 3:].permute(0, 3, 1, 2).contiguous()
    found = _down_and_up(whole, patch)
    found += [
        numbers.transpose(2, 3)
        for numbers in _down_and_up(whole.transpose(2, 3).contiguous(), patch)
    ]
    return torch.cat(found, dim=1).flatten(2).transpose(1, 2).unflatten(0, frames.shape[:2])


def _down_and_up(layers: Float[Tensor, "B 4 H W"], patch: int) -> list[Float[Tensor, "B _ h w"]]:
    """Of the scene and what stands before it, the numbers of the sides below and above."""
    scene, before = layers[:, :3], (layers[:, 3:] > 0).to(layers.dtype)
    steps, found = torch.arange(1, AHEAD + 1, device=layers.device), []
    for way in (1, -1):
        edge = before * (1 - _further(before, way * steps[:1])[:, :, 0])
        apart = (_further(scene, way * steps) - scene[:, :, None]).abs_().mean(1)
        differs = (apart / DISTINCT).clamp_max_(1).mul_(edge)
        count = F.avg_pool2d(edge, patch) * patch
        found += [F.avg_pool2d(differs, patch) * patch / count.clamp_min(1 / patch), count]
    return found


def _further(
    x: Float[Tensor, "B C H W"], steps: Int[Tensor, " steps"]
) -> Float[Tensor, "B C steps H W"]:
    """The pixels so many rows further down; the first and the last row go on for ever."""
    size = x.shape[2]
    places = (steps[:, None] + torch.arange(size, device=x.device)).clamp(0, size - 1)
    return x.index_select(2, places.flatten()).unflatten(2, (-1, size))


class ClearanceEmbedding(nn.Sequential):
    """Features of `clearance`; zeros before training."""

    def __init__(self, width: int) -> None:
        last = nn.Linear(WIDTH, width, bias=False)
        nn.init.zeros_(last.weight)
        super().__init__(nn.Linear(NUMBERS, WIDTH), nn.SiLU(), last)
