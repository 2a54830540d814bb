"""What a step within a world can be worth: a world knows no score, so it is read off its frames.

Each is a `reward` of the environment "playworld/World-v0" (docs/env.md).
"""

import numpy as np
import torch
from jaxtyping import UInt8

from playworld.evaluate.movement import displacement


def travel_right(
    before: UInt8[np.ndarray, "H W 3"], action: int, frame: UInt8[np.ndarray, "H W 3"]
) -> float:
    """Displacement of the player to the right in pixels; negative to the left.

    Measured by registration of the two frames with a camera that follows the player: when the
    picture moves left, the player moves right. A change that no shift explains counts as 0.
    """
    pair = (torch.from_numpy(picture)[None] for picture in (before, frame))
    return -displacement(*pair).xy[0, 0].item()
