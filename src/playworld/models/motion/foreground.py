"""Where something stands before the scene: only there, or right beside it, do blocks move alone.

The canvas keeps the last picture and the scene without what moves before it. Where these differ is
a character, or what is left of an error; elsewhere is scenery. In a picture of its own making a
world that has lost the character would take any block near the middle for it, and drag pieces of
walls along.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from playworld.models.motion.changes import QUARTERS
from playworld.models.stems import pad_to_patch

APART = 0.02
"""Mean difference of a quarter's pixels (of 1) from which on it is not the scene."""
STAYS = 8.0
"""Logit in favour of moving by itself of a block in which something stands before the scene. If it
follows the scene, what stands there is gone for good."""
ALONE = 2.0
"""Logit against it of a block with nothing before the scene in it or beside it."""


def foreground(frames: Float[Tensor, "B T H W 7"], patch: int) -> Int[Tensor, "B T N"]:
    """How many quarters of each block have something before the scene; 5 more near such blocks."""
    whole = pad_to_patch(frames, patch).flatten(0, 1)
    apart = (whole[..., :3] - whole[..., 3:6]).abs().mean(-1)
    before = F.max_pool2d(whole[..., 6:].permute(0, 3, 1, 2), patch // 2)
    quarters = ((F.avg_pool2d(apart[:, None], patch // 2) > APART) | (before > 0)).to(frames.dtype)
    count = QUARTERS * F.avg_pool2d(quarters, 2)
    around = F.max_pool2d(F.max_pool2d(quarters, 2), 3, stride=1, padding=1)
    return (count + (QUARTERS + 1) * around).round().long().reshape(*frames.shape[:2], -1)


def odds(seen: Int[Tensor, "B T N"]) -> Float[Tensor, "B T N"]:
    """Logits by which blocks are likelier to move by themselves in play, by their `foreground`."""
    before = seen % (QUARTERS + 1) > 0
    beside = (seen > QUARTERS).float() - 1
    return torch.where(before, STAYS, ALONE * beside)


class ForegroundEmbedding(nn.Embedding):
    """Features of `foreground`; zeros before training."""

    def __init__(self, width: int) -> None:
        super().__init__(2 * (QUARTERS + 1), width)
        nn.init.zeros_(self.weight)
