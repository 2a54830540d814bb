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
    """Pixels that the player went to the right, less than 0 to the left.

    Found by registering the two frames. The camera is one that follows: where the picture goes
    left, the player goes right. A change that no shift explains counts as none.
    """
    pair = (torch.from_numpy(picture)[None] for picture in (before, frame))
    return -displacement(*pair).xy[0, 0].item()
