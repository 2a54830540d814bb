"""How far what moves has moved, in front of a camera that stands still."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from playworld.models.pixels import to_float

CHANGED = 0.08
"""Least change of a channel, of its range, that counts as movement and not as noise."""
REACH = 7
"""Pixels that a part can have moved between two frames of 64 rows, at most."""
CAPPED = 0.1
"""Most that a pixel can count as different: what was hidden before fits nowhere."""
FEW = 6
"""Changed pixels below which nothing has moved."""
LONGER = 1e-4
"""What a pixel of length costs, so that of equal fits the shortest is taken."""


def moving_displacement(
    before: UInt8[Tensor, "pairs H W C"], after: UInt8[Tensor, "pairs H W C"]
) -> Float[Tensor, "pairs 2"]:
    """Register each pair over the part that has changed: x right, y down, in whole pixels.

    Of every shift within reach, the one after which the changed part of the later picture looks
    most like the earlier one. 0 where hardly anything has changed.
    """
    a, b = to_float(before).movedim(-1, 1), to_float(after).movedim(-1, 1)
    height, width = a.shape[2:]
    reach = max(1, round(REACH * height / 64))
    changed = ((a - b).abs().amax(dim=1, keepdim=True) > CHANGED).float()
    part = F.max_pool2d(changed, 3, stride=1, padding=1)[:, 0]
    later = b.mean(dim=1)  # shades of grey tell parts apart well enough, in a third of the time
    wide = F.pad(a.mean(dim=1, keepdim=True), (reach,) * 4, mode="replicate")[:, 0]
    least = torch.full((len(a),), torch.inf)
    found = torch.zeros(len(a), 2)
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            shifted = wide[:, reach - y :, reach - x :][:, :height, :width]
            unlike = (later - shifted).abs().clamp(max=CAPPED)
            error = (unlike * part).sum(dim=(1, 2)) / part.sum(dim=(1, 2)).clamp(min=1)
            error = error + LONGER * (x * x + y * y) ** 0.5
            better = error < least
            least = torch.where(better, error, least)
            found[better] = torch.tensor([float(x), float(y)])
    found[changed.sum(dim=(1, 2, 3)) < FEW] = 0
    return found
