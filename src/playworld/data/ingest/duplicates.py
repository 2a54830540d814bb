"""Footage that occurs twice, in one file or in two, though encoded or lit otherwise.

Pictures with nearly the same hash are only a hint: games look alike all the time. A copy is a
stretch in which frame after frame agrees at one distance in time, and whose pixels agree much
better at this distance than somewhat before or after it. Copies at another speed, mirrored or cut
to another part of the picture are not found, nor those in which the picture as a whole barely
changes.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64, UInt8, UInt64

from playworld.data.ingest.cleaning import Origin, Stretch, runs

BANDS = 4
"""Parts of a hash; one of them must agree wholly for two frames to be compared."""
EARLIEST = 24
"""Frames with which a frame is compared at most per part: the first of all that agree in it."""
BLOCK = 50_000
"""Frames, about, whose pairs are held at a time."""
TRIES = 12
"""Shifts that are looked at closely for a stretch, those with the most frames alike."""
SEEDS = 4
"""Pairs of alike frames that a stretch must show before it is looked at closely."""
GAP = 6
"""Frames in a row within a copy whose hashes may differ."""
LOOSER = 1.75
"""How many times more bits may differ in the frames around those that led here."""
DISTINCT = 5
"""Different hashes that a copy must show; else nearly anything may look like it."""
LOOKS = 6
"""Frames of a stretch whose pixels are compared."""
SURE, LIKELY = 0.15, 0.3
"""Difference of the pixels of a copy, as a share of the difference at a wrong distance in time: a
copy must be sure somewhere, and likely all along.

Of CoinRun films, encoded anew, noisy and brighter: below 0.06; half a frame off: 0.14 to 0.28. The
most alike scenes of two different films: 0.22."""

Read = Callable[[Stretch, int], UInt8[np.ndarray, "H W 3"]]
"""Gives frame number `n` of the scene in which a stretch lies."""


@dataclass(frozen=True)
class HashedStretches:
    """The stretches to compare, in order, their frames numbered through."""

    stretches: list[Stretch]
    hashes: UInt64[np.ndarray, " frames"]
    owner: Int64[np.ndarray, " frames"]
    """Number of the stretch of each frame."""
    begin: Int64[np.ndarray, " stretches"]
    """First frame of each stretch."""

    @classmethod
    def of(cls, stretches: list[Stretch], hashes: list[np.ndarray]) -> "HashedStretches":
        """From the hashes of each stretch."""
        counts = np.array([len(h) for h in hashes], dtype=np.int64)
        joined = np.concatenate([np.zeros(0, np.uint64), *hashes])
        owner = np.repeat(np.arange(len(counts)), counts)
        return cls(stretches, joined, owner, np.cumsum(counts) - counts)


def find_copies(
    footage: HashedStretches, read: Read, length: int, bits: int
) -> dict[int, list[tuple[int, int, Origin]]]:
    """For each stretch that copies an earlier one: (first frame, after the last, what it copies).

    Frames are numbered within the scene of the stretch.

    Args:
        footage: what to look through.
        read: gives a frame.
        length: fewest frames of a copy, unless it is all of its stretch.
        bits: bits in which the hashes of two copies of a frame may differ.
    """
    found: dict[int, list[tuple[int, int, Origin]]] = {}
    taken = np.zeros(len(footage.hashes), dtype=bool)
    for later, earlier, shift in _diagonals(footage, length, bits):
        for start, stop in _alike(footage, later, earlier, shift, length, bits):
            free = ~taken[start:stop]
            for first, last in runs(free):
                window = start + first, start + last
                for a, b in _confirmed(footage, later, earlier, shift, window, length, read):
                    taken[a:b] = True
                    found.setdefault(later, []).append(_place(footage, later, earlier, shift, a, b))
    return {stretch: sorted(copies, key=lambda c: c[:2]) for stretch, copies in found.items()}


def _diagonals(footage: HashedStretches, length: int, bits: int) -> Iterator[tuple[int, int, int]]:
    """Pairs of stretches and a shift in frames at which several frames look alike.

    In the order of the later stretch; for each the few shifts with the most such frames.
    """
    bands = [_band(footage.hashes, number) for number in range(BANDS)]
    ends = [*footage.begin.tolist(), len(footage.hashes)]
    # Blocks of whole stretches, so that memory stays bounded.
    borders = np.flatnonzero(np.diff(footage.begin // BLOCK)) + 1
    firsts = [0, *borders.tolist(), len(footage.begin)]
    for first, last in itertools.pairwise(firsts):
        block = ends[first], ends[last]
        found = [_pairs_in_band(footage, *band, block, length, bits) for band in bands]
        pairs, counts = np.unique(np.concatenate(found), axis=0, return_counts=True)
        pairs, counts = pairs[counts >= SEEDS], counts[counts >= SEEDS]
        pairs = pairs[np.lexsort((pairs[:, 2], -counts, pairs[:, 0]))]
        for of_stretch in np.split(pairs, np.flatnonzero(np.diff(pairs[:, 0])) + 1):
            yield from of_stretch[:TRIES].tolist()


def _band(hashes: UInt64[np.ndarray, " frames"], number: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames in the order of one part of their hashes, and where those that agree in it begin."""
    width = 64 // BANDS
    values = (hashes >> np.uint64(number * width)) & np.uint64(2**width - 1)
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    return order, np.searchsorted(ranked, ranked)


def _pairs_in_band(
    footage: HashedStretches,
    order: np.ndarray,
    group: np.ndarray,
    block: tuple[int, int],
    length: int,
    bits: int,
) -> Int64[np.ndarray, "pairs 3"]:
    """Rows of (later stretch, earlier stretch, shift), one per pair of frames that look alike."""
    ranks = np.flatnonzero((order >= block[0]) & (order < block[1]))
    found = [np.zeros((0, 3), dtype=np.int64)]
    for nth in range(EARLIEST):
        ranks = ranks[group[ranks] + nth < ranks]
        a, b = order[ranks], order[group[ranks] + nth]
        differ = np.bitwise_count(footage.hashes[a] ^ footage.hashes[b])
        near = (differ <= bits) & ((footage.owner[a] != footage.owner[b]) | (a - b >= length))
        a, b = a[near], b[near]
        found.append(np.stack([footage.owner[a], footage.owner[b], a - b], axis=1))
    return np.concatenate(found)


def _alike(
    footage: HashedStretches, later: int, earlier: int, shift: int, length: int, bits: int
) -> Iterator[tuple[int, int]]:
    """Frames of `later` whose hashes agree with those `shift` frames before, in long runs."""
    ends = [*footage.begin.tolist(), len(footage.hashes)]
    start = max(ends[later], ends[earlier] + shift)
    stop = min(ends[later + 1], ends[earlier + 1] + shift)
    length = min(length, ends[later + 1] - ends[later])
    mine, other = footage.hashes[start:stop], footage.hashes[start - shift : stop - shift]
    good = np.bitwise_count(mine ^ other) <= LOOSER * bits
    for first, last in runs(~good):
        if last - first <= GAP and first > 0 and last < len(good):
            good[first:last] = True
    for first, last in runs(good):
        if last - first >= length and len(np.unique(mine[first:last])) >= DISTINCT:
            yield start + first, start + last


def _confirmed(
    footage: HashedStretches,
    later: int,
    earlier: int,
    shift: int,
    window: tuple[int, int],
    length: int,
    read: Read,
) -> Iterator[tuple[int, int]]:
    """The parts of a run of alike hashes in which the pixels agree too, at least `length` long."""
    mine, other = footage.stretches[later], footage.stretches[earlier]
    mine_at = mine.start - int(footage.begin[later])
    other_at = other.start - int(footage.begin[earlier]) - shift
    length = min(length, mine.frames)
    count = max(1, (window[1] - window[0]) // length)
    edges = np.linspace(*window, count + 1).round().astype(int).tolist()
    away, ratios = max(1, length // 2), []
    for start, stop in itertools.pairwise(edges):
        places = np.linspace(start, stop - 1, LOOKS).round().astype(int).tolist()
        right, wrong = [], []
        for place in places:
            picture = _plain(read(mine, place + mine_at))
            there = place + other_at
            right.append(np.abs(picture - _plain(read(other, there))).mean())
            elsewhere = [n for n in (there - away, there + away) if _inside(other, n)]
            wrong += [np.abs(picture - _plain(read(other, n))).mean() for n in elsewhere]
        ratios.append(np.mean(right) / max(np.mean(wrong), 1e-6) if wrong else np.inf)
    for first, last in runs(np.array(ratios) <= LIKELY):
        if edges[last] - edges[first] >= length and min(ratios[first:last]) <= SURE:
            yield edges[first], edges[last]


def _plain(frame: UInt8[np.ndarray, "H W 3"]) -> Float[np.ndarray, "H W 3"]:
    """A picture regardless of its brightness and contrast."""
    values = frame.astype(np.float32)
    return (values - values.mean()) / (values.std() + 1.0)


def _inside(stretch: Stretch, frame: int) -> bool:
    return stretch.start <= frame < stretch.stop


def _place(
    footage: HashedStretches, later: int, earlier: int, shift: int, start: int, stop: int
) -> tuple[int, int, Origin]:
    mine, other = footage.stretches[later], footage.stretches[earlier]
    at = mine.start - int(footage.begin[later])
    frame = start - shift - int(footage.begin[earlier]) + other.start
    return start + at, stop + at, Origin(other.part, other.scene, frame)
