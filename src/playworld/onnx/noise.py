"""The random numbers of frames in NumPy, equal to those of `world.maskgit.frame_noise`."""

import numpy as np
from jaxtyping import Float32

from playworld.splitmix import STEP, finalize


def frame_noise(
    seed: int, frame: int, passes: int, draws: int
) -> Float32[np.ndarray, "passes 2 draws"]:
    """Uniform numbers in (0, 1): a pure function of seed and frame number.

    Index 0 of the second axis draws tokens, index 1 their order.
    """
    key = finalize(finalize(np.array([seed], np.int64) + STEP) + np.int64(frame) + STEP)
    index = np.arange(1, passes * 2 * draws + 1, dtype=np.int64).reshape(passes, 2, draws)
    bits = finalize(key + index * STEP)
    return (((bits >> 40) & 0x7FFFFF).astype(np.float32) + np.float32(0.5)) / np.float32(2**23)
