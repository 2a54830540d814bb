"""The order in which clips are seen: a pure function, so that a run can stop and go on anywhere."""

import hashlib
from collections.abc import Callable

import numpy as np
from jaxtyping import Int64

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
    keys = np.frombuffer(digest, dtype=np.uint32)[:FEISTEL_ROUNDS].astype(np.uint64)
    bits, mask = np.uint64(half), np.uint64((1 << half) - 1)

    def once(x: np.ndarray) -> np.ndarray:
        left, right = x >> bits, x & mask
        for key in keys:
            left, right = right, left ^ (_mix(right ^ (key << np.uint64(32))) & mask)
        return (left << bits) | right

    def order(positions: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        x = once(positions.astype(np.uint64))
        while (outside := x >= num_clips).any():
            x[outside] = once(x[outside])
        return x.astype(np.int64)

    return order


def _mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64 (Steele, Lea and Flood, 2014): one bit in moves all out."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def clips_at(num_clips: int, first: int, count: int, seed: int) -> Int64[np.ndarray, " count"]:
    """Clip numbers at positions `first`, `first + 1`, ... of one epoch after the other."""
    parts, position, end = [], first, first + count
    while position < end:
        epoch, within = divmod(position, num_clips)
        stop = min(num_clips, within + end - position)
        parts.append(clip_order(num_clips, seed, epoch)(np.arange(within, stop)))
        position += stop - within
    return np.concatenate(parts)
