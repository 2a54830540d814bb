"""What the network that separates the scene of a first picture minimises.

Where the view moves, the frames of a clip lie over each other as parts of one larger picture. The
scene at a place is the median of the frames that show it, and what differs from it in one frame
stands before it.
"""

import itertools

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from playworld.models.motion.first_scene import FirstScene

DIFFERENT = 0.06
"""Mean difference of a pixel (of 1) from which on it is not the scene."""
MOVED = 10
"""Pixels by which the view has moved between some of the frames that show a place: in their median
there is no figure that is smaller and keeps its place in the view."""
SHOWN = 6
"""Fewest frames that show a place whose scene is known."""
BEFORE_WEIGHT = 4.0
"""Weight of a pixel that stands before the scene: there are few of them."""
BEHIND_WEIGHT = 10.0
"""The same for the picture of the scene behind it, which is needed nowhere else."""
ELSEWHERE_WEIGHT = 0.2
"""And of the scene's other pixels."""


def recoloured(frames: Float[Tensor, "T 3 H W"], draw: torch.Generator) -> Float[Tensor, "T 3 H W"]:
    """Half of all clips with their colours swapped and darker, a third of these as negatives."""
    chosen, gain, negative = torch.rand(3, generator=draw)
    swapped = frames[:, torch.randperm(3, generator=draw).to(frames.device)] * (0.5 + 0.5 * gain)
    if chosen < 0.5:
        return frames
    return 1 - swapped if negative < 1 / 3 else swapped


def first_scene_loss(
    network: FirstScene,
    frames: Float[Tensor, "B T 3 H W"],
    corners: Int[Tensor, "B T 2"],
    chosen: Int[Tensor, " B"],
) -> Float[Tensor, ""]:
    """Cross-entropy of what stands before the scene, and L1 of the scene, of one frame per clip.

    Args:
        network: that separates them.
        frames: of clips, in [0, 1].
        corners: of the view in every frame, from anywhere, in half pixels (rows, columns).
        chosen: number of the frame.
    """
    scene, known = scene_of_clip(frames, corners, chosen)
    picture = frames[torch.arange(len(frames), device=frames.device), chosen]
    before = differs(picture, scene).to(frames.dtype)
    logit, behind = network(picture)
    weight = known.to(frames.dtype)
    entropy = F.binary_cross_entropy_with_logits(
        logit, before, pos_weight=logit.new_tensor(BEFORE_WEIGHT), reduction="none"
    )
    needed = weight * (ELSEWHERE_WEIGHT + BEHIND_WEIGHT * before)
    missed = (behind - scene).abs().mean(1, keepdim=True)
    return _mean(entropy, weight) + _mean(missed, needed)


def _mean(x: Float[Tensor, "B 1 H W"], weight: Float[Tensor, "B 1 H W"]) -> Float[Tensor, ""]:
    """Over the pixels of each picture, and over the pictures, also of those that show nothing."""
    return ((x * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3)).clamp_min(1)).mean()


def differs(
    picture: Float[Tensor, "B 3 H W"], scene: Float[Tensor, "B 3 H W"]
) -> Bool[Tensor, "B 1 H W"]:
    """Pixels that differ from the scene, there and right beside: edges move by parts of pixels."""
    height, width = picture.shape[2:]
    wide = F.pad(scene, (1, 1, 1, 1), mode="replicate")
    least = torch.full_like(picture[:, :1], torch.inf)
    for y, x in itertools.product(range(3), repeat=2):
        away = (picture - wide[..., y : y + height, x : x + width]).abs().mean(1, keepdim=True)
        least = torch.minimum(least, away)
    return least > DIFFERENT


@torch.no_grad()
def scene_of_clip(
    frames: Float[Tensor, "B T 3 H W"], corners: Int[Tensor, "B T 2"], chosen: Int[Tensor, " B"]
) -> tuple[Float[Tensor, "B 3 H W"], Bool[Tensor, "B 1 H W"]]:
    """The scene of one frame as the others of its clip show it, and where it is known."""
    B, T, C, H, W = frames.shape
    row = torch.arange(B, device=frames.device)
    moved = corners - corners[row, chosen][:, None]
    moved = moved.div(2, rounding_mode="floor")[..., None]
    y = torch.arange(H, device=frames.device) - moved[:, :, 0]
    x = torch.arange(W, device=frames.device) - moved[:, :, 1]
    shown = ((y >= 0) & (y < H))[..., None] & ((x >= 0) & (x < W))[:, :, None]
    places = (y.clamp(0, H - 1)[..., None] * W + x.clamp(0, W - 1)[:, :, None]).flatten(2)
    aligned = frames.flatten(3).gather(3, places[:, :, None].expand(-1, -1, C, -1))
    aligned = aligned.view(B, T, C, H, W).masked_fill(~shown[:, :, None], torch.nan)
    scene = aligned.nanmedian(1).values
    count = shown.sum(1, keepdim=True)
    path = moved[..., 0, None, None].expand(-1, -1, -1, H, W).float()
    first = path.masked_fill(~shown[:, :, None], torch.inf).amin(1)
    last = path.masked_fill(~shown[:, :, None], -torch.inf).amax(1)
    alike = (aligned - scene[:, None]).abs().mean(2, keepdim=True) < DIFFERENT
    most = 2 * alike.sum(1) > count
    known = (count >= SHOWN) & ((last - first).amax(1, keepdim=True) >= MOVED) & most
    return scene.nan_to_num(0), known
