"""Keys and values of past frames, so that a step computes one frame alone."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from playworld.models.rows import Rows


@dataclass(frozen=True)
class KVCache(Rows):
    """Temporal keys and values of past frames: a ring of window - 1 frames per row, fixed in shape.

    Batch-first, and not changed in place unless `append` is asked to: a state that holds one can be
    kept and branched.
    """

    keys: Float[Tensor, "B layers ring P heads dim"]
    """Rotated keys of the L blocks that have temporal attention."""
    values: Float[Tensor, "B layers ring P heads dim"]
    """Their values."""
    time: Int[Tensor, " B"]
    """Frames committed so far, which is also the number of the next frame."""

    def append(self, entry: "KVCacheEntry", in_place: bool = False) -> "KVCache":
        """A cache that also holds the frame `entry`; the oldest frame gives way when full.

        With `in_place` it takes over the memory of this one, which must not be used again.
        """
        ring = self.keys.shape[2]
        if ring == 0 or self.keys.shape[1] == 0:
            return KVCache(self.keys, self.values, self.time + 1)
        rows = torch.arange(len(self.time), device=self.time.device)
        keys, values = self.keys, self.values
        if not in_place:
            keys, values = keys.clone(), values.clone()
        keys[rows, :, self.time % ring] = entry.keys.to(keys.dtype)
        values[rows, :, self.time % ring] = entry.values.to(values.dtype)
        return KVCache(keys, values, self.time + 1)


@dataclass(frozen=True)
class KVCacheEntry:
    """One frame's temporal keys and values, for `KVCache.append` once the frame is decided."""

    keys: Float[Tensor, "B layers P heads dim"]
    values: Float[Tensor, "B layers P heads dim"]
