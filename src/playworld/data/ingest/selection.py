"""What is kept of all files together, once each has been decoded into a part of its own."""

import functools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from playworld.atomic import named
from playworld.data.clips.shards import ShardReader, read_json
from playworld.data.ingest.clean_options import CleanOptions
from playworld.data.ingest.cleaning import Origin, Stretch, judge, without, without_short
from playworld.data.ingest.duplicates import HashedStretches, find_copies
from playworld.data.ingest.parts import Part

TRAITS_FILE = "traits.npy"
OPEN_PARTS = 16
"""Parts held open while frames of several are compared."""


class Parts:
    """The decoded files: their traits and frames."""

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        self.reader = functools.lru_cache(OPEN_PARTS)(self._open)

    def _open(self, part: int) -> ShardReader:
        return ShardReader(self.parts[part].folder)

    def traits(self, part: int) -> list[np.ndarray]:
        """`TRAITS` of the frames of each scene."""
        noted = np.load(self.parts[part].folder / TRAITS_FILE, allow_pickle=False)
        counts = [scene.num_frames for scene in self.reader(part).scenes]
        return np.split(noted, np.cumsum(counts)[:-1]) if counts else []

    def damaged(self, part: int) -> list[np.ndarray]:
        """For the frames of each scene whether they lie in a damaged stretch or its margins."""
        edges = np.array(self.parts[part].damaged, dtype=float).reshape(-1, 2, 1)
        starts, ends = edges[:, 0], edges[:, 1]
        return [
            np.any((starts <= scene.times) & (scene.times < ends), axis=0)
            for scene in self.reader(part).scenes
        ]

    def frame(self, stretch: Stretch, number: int) -> UInt8[np.ndarray, "H W 3"]:
        """A frame of the scene in which the stretch lies."""
        return self.reader(stretch.part).read(stretch.scene, number, 1)[0]


def write_traits(folder: Path, traits: np.ndarray) -> None:
    """Keep what was noted of the frames of a part beside them."""
    with named(folder / TRAITS_FILE, traits.nbytes):
        np.save(folder / TRAITS_FILE, traits)


def select(
    parts: Parts, options: CleanOptions, fps: float, min_frames: int, padded: bool
) -> list[list[Stretch]]:
    """For each part all of its frames as stretches, in order, each kept or left out for a reason.

    Args:
        parts: the decoded files, in the order in which the earlier of two copies is kept.
        options: the thresholds.
        fps: frames per second.
        min_frames: fewest frames of a stretch that is kept.
        padded: whether bars were added around the pictures.
    """
    chosen, hashes = [], []
    for part in range(len(parts.parts)):
        traits = parts.traits(part)
        damaged = parts.damaged(part)
        stretches = list(judge(part, traits, options, fps, padded, damaged))
        chosen.append(stretches)
        hashes.append(
            [traits[s.scene]["hash"][s.start : s.stop] for s in stretches if s.reason is None]
        )
    if options.duplicates:
        chosen = _without_whole_copies(parts, chosen, hashes)
        chosen = _without_copies(parts, chosen, hashes, options, fps)
    return [without_short(stretches, min_frames) for stretches in chosen]


def _without_whole_copies(
    parts: Parts, chosen: list[list[Stretch]], hashes: list[list[np.ndarray]]
) -> list[list[Stretch]]:
    """Mark files that give the same pixels as an earlier one: also where nothing moves in them."""
    first: dict[str, int] = {}
    result = []
    for part, stretches in enumerate(chosen):
        original = first.setdefault(_sum_of(parts.parts[part]), part)
        if original != part:
            hashes[part] = []
            stretches = [
                replace(s, reason="duplicate", origin=Origin(original, s.scene, s.start))
                if s.reason is None
                else s
                for s in stretches
            ]
        result.append(stretches)
    return result


def _sum_of(part: Part) -> str:
    """The checksums of all frames of a part."""
    return str([shard["sha256"] for shard in read_json(part.folder / "index.json")["shards"]])


def _without_copies(
    parts: Parts,
    chosen: list[list[Stretch]],
    hashes: list[list[np.ndarray]],
    options: CleanOptions,
    fps: float,
) -> list[list[Stretch]]:
    kept = [s for stretches in chosen for s in stretches if s.reason is None]
    footage = HashedStretches.of(kept, [h for of_part in hashes for h in of_part])
    length = max(1, round(options.duplicates * fps))
    copies = find_copies(footage, parts.frame, length, options.duplicate_bits)
    numbers = {id(stretch): number for number, stretch in enumerate(kept)}
    return [
        [piece for s in stretches for piece in without(s, copies.get(numbers.get(id(s), -1), []))]
        for stretches in chosen
    ]


def shared_footage(stretches: Iterable[Stretch], count: int) -> list[int]:
    """For each of `count` parts the first of those with which it shares footage, itself if none.

    Parts that share some are kept on one side of the split: what was not recognised as a copy may
    be one too.
    """
    leader = list(range(count))

    def lead(part: int) -> int:
        while leader[part] != part:
            part = leader[part]
        return part

    for stretch in stretches:
        if stretch.origin is not None:
            one, other = sorted((lead(stretch.part), lead(stretch.origin.part)))
            leader[other] = one
    return [lead(part) for part in range(count)]
