"""Stretches: a few seconds, cut from the scenes of a folder of clips, labelled and filtered."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from playworld.atomic import settle
from playworld.config import InputError
from playworld.curate.options import check_length
from playworld.data.clips.dataset import ClipDataset
from playworld.data.clips.shards import read_json
from playworld.data.clips.split_names import SPLITS, Split

PAIRS = 4
"""Moments of a stretch that a filter looks at, each as two frames in a row: what, and how fast."""


class LabelStretch(NamedTuple):
    """A few seconds of one scene."""

    split: Split
    scene: int
    start: int
    """First frame within the scene; a multiple of 16, so that chunks can be copied whole."""
    frames: int


class Footage:
    """Both splits of a folder of clips; safe to use from several threads.

    Raises:
        InputError: where the folder holds no clips.
    """

    def __init__(self, clips: Path) -> None:
        self.clips = Path(clips)
        if not self.clips.is_dir():
            raise InputError(f"no folder {self.clips}; make clips with: playworld ingest")
        settle(self.clips)
        self.dataset = read_json(self.clips / "dataset.json")
        self.splits: dict[Split, ClipDataset] = {
            split: ClipDataset(self.clips, split, 1)
            for split in SPLITS
            if self.dataset.get("splits", {}).get(split, {}).get("scenes")
        }
        if not self.splits:
            raise InputError(f"{self.clips} holds no clips; make some with: playworld ingest")
        one = next(iter(self.splits.values()))
        self.height, self.width, self.fps = one.height, one.width, one.fps
        known = " ".join(f"{split} {data.sha256}" for split, data in self.splits.items())
        self.sha256 = hashlib.sha256(known.encode()).hexdigest()
        """Of both indexes, which hold the checksums of everything: equal for equal clips alone."""

    def stretches(self, length: int) -> list[LabelStretch]:
        """All footage in stretches of `length` frames, in order.

        What is left at the end of a scene is a stretch of its own if it is half as long or longer,
        else it belongs to the one before. A short scene is one stretch.
        """
        check_length(length)
        found = []
        for split, data in self.splits.items():
            for number, scene in enumerate(data.scenes):
                count = max(1, (scene.num_frames + length // 2) // length)
                starts = [*range(0, count * length, length)]
                ends = [*starts[1:], scene.num_frames]
                found += [
                    LabelStretch(split, number, start, end - start)
                    for start, end in zip(starts, ends, strict=True)
                ]
        return found

    def source(self, stretch: LabelStretch) -> str:
        """The video that the stretch comes from, as a path within the folder of videos."""
        return self.splits[stretch.split].scenes[stretch.scene].source

    def times(self, stretch: LabelStretch) -> tuple[float, float]:
        """When its first and its last frame were shown, in seconds since the video's first."""
        times = self.splits[stretch.split].scenes[stretch.scene].times
        return float(times[stretch.start]), float(times[stretch.start + stretch.frames - 1])

    def read(self, stretch: LabelStretch) -> UInt8[np.ndarray, "T H W 3"]:
        """Its pixels.

        Raises:
            DamagedChunk: where the bytes are not the ones that were written.
        """
        shards = self.splits[stretch.split].shards
        return shards.read(stretch.scene, stretch.start, stretch.frames)

    def glimpse(self, stretch: LabelStretch) -> UInt8[np.ndarray, "T H W 3"]:
        """`PAIRS` pairs of neighbouring frames, spread evenly over the stretch: what filters see.

        Raises:
            DamagedChunk: where the bytes are not the ones that were written.
        """
        firsts = np.linspace(0, max(0, stretch.frames - 2), PAIRS).round().astype(int)
        picks = np.stack([firsts, np.minimum(firsts + 1, stretch.frames - 1)], axis=1).ravel()
        return self.read(stretch)[picks]


def label_order(
    footage: Footage, stretches: Sequence[LabelStretch], seed: int
) -> list[LabelStretch]:
    """A random order in which every video comes once before any comes twice."""
    shuffled = [stretches[i] for i in np.random.default_rng(seed).permutation(len(stretches))]
    count: Counter[str] = Counter()
    turns = []
    for stretch in shuffled:
        source = footage.source(stretch)
        turns.append(count[source])
        count[source] += 1
    return [shuffled[i] for i in np.argsort(turns, kind="stable")]
