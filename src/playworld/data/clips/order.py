"""The order of clips in training: a pure function, so that a run can be resumed at any step."""

import hashlib
from collections.abc import Callable

import numpy as np
from jaxtyping import Int64

from playworld.splitmix import finalize

# A Feistel network of 4 rounds is already indistinguishable from a random permutation where its
# round function is random (Luby and Rackoff, 1988); two more cost little.
FEISTEL_ROUNDS = 6

Order = Callable[[Int64[np.ndarray, " n"]], Int64[np.ndarray, " n"]]


def clip_order(num_clips: int, seed: int, epoch: int) -> Order:
    """A random permutation of `range(num_clips)`, as a function of positions.

    A Feistel network over the next power of four, walked until it lands inside the range: any part
    of the order costs its own length and no memory, where a shuffled list costs the whole epoch.
    """
    half = max(1, (max(num_clips - 1, 1).bit_length() + 1) // 2)
    digest = hashlib.sha256(f"{seed} {epoch}".encode()).digest()
    keys = np.frombuffer(digest, dtype=np.uint32)[:FEISTEL_ROUNDS].astype(np.int64)
    mask = (1 << half) - 1

    def once(x: np.ndarray) -> np.ndarray:
        left, right = x >> half, x & mask
        for key in keys:
            left, right = right, left ^ (finalize(right ^ (key << 32)) & mask)
        return (left << half) | right

    def order(positions: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        x = once(positions)
        while (outside := x >= num_clips).any():
            x[outside] = once(x[outside])
        return x

    return order


def clips_at(num_clips: int, first: int, count: int, seed: int) -> Int64[np.ndarray, " count"]:
    """Clip numbers at positions `first`, `first + 1`, ... of one epoch after the other."""
    parts, position, end = [], first, first + count
    while position < end:
        epoch, within = divmod(position, num_clips)
        stop = min(num_clips, within + end - position)
        parts.append(clip_order(num_clips, seed, epoch)(np.arange(within, stop)))
        position += stop - within
    return np.concatenate(parts)
