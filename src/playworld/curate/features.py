"""Simple features of a stretch: its colours, its edges, where they are, and how it moves."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from playworld.models.pixels import to_float

GRID = 4
COLOUR_BINS = 4
MOVED = 0.06
"""Change of brightness above which a pixel counts as moved."""
NUM_FEATURES = 6 + COLOUR_BINS**3 + 4 * GRID**2 + 2 * 6 + 4 + 2 * GRID**2 + 3


def features(video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, "B F"]:
    """Numbers that tell one kind of footage from another, for pairs of neighbouring frames.

    Means over the pixels of a frame, so that frames of any size have them, then over the frames.
    Shares are given as their square roots, in which small ones count.
    """
    frames = to_float(video).permute(0, 1, 4, 2, 3)  # B T C H W
    grey = frames.mean(dim=2)
    change = (grey[:, 1::2] - grey[:, 0::2]).abs()  # between the frames of a pair
    drift = grey[:, 0::2].std(dim=1)  # over all of the stretch
    parts = [
        frames.mean(dim=(1, 3, 4)),
        frames.std(dim=(3, 4)).mean(dim=1),
        _colours(video).sqrt(),
        _grid(frames).mean(dim=1).flatten(1),
        _grid(frames.std(dim=2, keepdim=True)).mean(dim=1).flatten(1),
        _edges(grey),
        _edges(F.avg_pool2d(grey, 4)),
        torch.stack([drift.mean(dim=(1, 2)), drift.flatten(1).amax(dim=1)], dim=1),
        torch.stack([change.mean(dim=(1, 2, 3)), change.flatten(1).std(dim=1)], dim=1),
        _grid(change[:, :, None]).mean(dim=1).flatten(1).sqrt(),
        _grid(change[:, :, None]).std(dim=1).flatten(1),
        _moved(change),
    ]
    return torch.cat(parts, dim=1)


def _colours(video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, "B K"]:
    """Share of the pixels in each of 64 boxes of colours."""
    box = (video.long() * COLOUR_BINS) // 256
    number = (box[..., 0] * COLOUR_BINS + box[..., 1]) * COLOUR_BINS + box[..., 2]
    flat = number.flatten(1)
    counts = torch.zeros(len(video), COLOUR_BINS**3, device=video.device)
    counts.scatter_add_(1, flat, torch.ones_like(flat, dtype=counts.dtype))
    return counts / flat.shape[1]


def _grid(pictures: Float[Tensor, "B T C H W"]) -> Float[Tensor, "B T C G G"]:
    """Means over the fields of a grid."""
    small = F.adaptive_avg_pool2d(pictures.flatten(0, 1), GRID)
    return small.unflatten(0, pictures.shape[:2])


def _edges(grey: Float[Tensor, "B T H W"]) -> Float[Tensor, "B 6"]:
    """How strong and how many edges are, across and down."""
    across, down = grey.diff(dim=3).abs(), grey.diff(dim=2).abs()
    found = []
    for edge in (across, down):
        found += [edge.mean(dim=(1, 2, 3)), edge.flatten(1).std(dim=1)]
        found.append((edge > MOVED).float().mean(dim=(1, 2, 3)).sqrt())
    return torch.stack(found, dim=1)


def _moved(change: Float[Tensor, "B P H W"]) -> Float[Tensor, "B 3"]:
    """Share of the pixels that move: on average, in the calmest pair, in the wildest."""
    share = (change > MOVED).float().mean(dim=(2, 3)).sqrt()
    return torch.stack([share.mean(dim=1), share.amin(dim=1), share.amax(dim=1)], dim=1)
