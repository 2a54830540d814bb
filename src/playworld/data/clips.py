"""Clips for training: windows of any length into the scenes, in a pure, resumable order.

Decoding a random clip takes well under a millisecond (one or two chunks), so a few threads keep
ahead of training; there are no worker processes to start, to feed or to leave behind.
"""

import hashlib
import logging
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from playworld.config import InputError
from playworld.data.shards import DamagedChunk, Scene, ShardReader, read_json, sha256_of

log = logging.getLogger(__name__)

PREFETCH_BATCHES = 4
READER_THREADS = 2
# A Feistel network of 4 rounds is already indistinguishable from a random permutation where its
# round function is random (Luby and Rackoff, 1988); two more cost little.
FEISTEL_ROUNDS = 6


class ClipId(NamedTuple):
    """One clip: `start` is its first frame within the scene."""

    scene: int
    start: int


class ClipDataset:
    """All clips of `length` frames of one split: every scene, every start.

    Raises:
        InputError: where the folder holds no clips, or none that is long enough.
    """

    def __init__(self, folder: Path, split: Literal["train", "valid"], length: int) -> None:
        if length < 1:
            raise InputError(f"a clip needs at least 1 frame, got length={length}")
        self.folder, self.split, self.length = Path(folder), split, length
        if not self.folder.is_dir():
            raise InputError(f"no folder {self.folder}; make clips with: playworld ingest")
        dataset = read_json(self.folder / "dataset.json")
        self.videos = Path(str(dataset.get("videos", "")))
        """The folder of videos that was ingested, where action files may lie."""
        index = dataset.get("splits", {}).get(split, {}).get("index_sha256")
        self.sha256 = sha256_of(self.folder / split / "index.json")
        """Of the index, which holds the checksums of everything: equal for equal clips alone."""
        if index not in (None, self.sha256):
            raise InputError(f"{self.folder / split / 'index.json'} was altered; ingest again")
        self.shards = ShardReader(self.folder / split)
        counts = [max(0, scene.num_frames - length + 1) for scene in self.scenes]
        self._ends = np.cumsum(np.array(counts, dtype=np.int64))
        if not self.num_clips:
            longest = max((scene.num_frames for scene in self.scenes), default=0)
            raise InputError(
                f"{self.folder}: no {split} scene has {length} frames (the longest has {longest}); "
                f"use shorter clips, or ingest more or longer videos"
            )
        self.damaged: set[tuple[int, int]] = set()
        """Chunks, as (scene, chunk), whose clips `batches` had to skip."""

    @property
    def num_clips(self) -> int:
        """Clips at every start of every scene; they overlap."""
        return int(self._ends[-1]) if len(self._ends) else 0

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """The scenes of this split, in the order of `ClipId.scene`."""
        return self.shards.scenes

    @property
    def num_frames(self) -> int:
        """Frames of this split, each counted once."""
        return sum(scene.num_frames for scene in self.scenes)

    @property
    def height(self) -> int:
        """Pixels."""
        return self.shards.height

    @property
    def width(self) -> int:
        """Pixels."""
        return self.shards.width

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.shards.fps

    def clip(self, i: int) -> ClipId:
        """Clip number `i` of `num_clips`, in the order of scenes and starts."""
        if not 0 <= i < self.num_clips:
            raise IndexError(f"clip {i} of {self.num_clips}")
        scene = int(np.searchsorted(self._ends, i, side="right"))
        return ClipId(scene, int(i - (self._ends[scene - 1] if scene else 0)))

    def read(self, clip: ClipId) -> UInt8[np.ndarray, "T H W 3"]:
        """The pixels of a clip.

        Raises:
            DamagedChunk: where the bytes are not the ones that were written.
        """
        return self.shards.read(clip.scene, clip.start, self.length)


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


Batch = tuple[list[ClipId], UInt8[Tensor, "B T H W C"]]


def batches(
    dataset: ClipDataset,
    batch_size: int,
    seed: int,
    rank: int = 0,
    world_size: int = 1,
    start: int = 0,
) -> Iterator[Batch]:
    """Endless batches of clips; each epoch sees every clip once, over all ranks together.

    The order is a pure function of (seed, batch number, rank, world_size): pass the number of
    batches already consumed as `start` to go on exactly where a run stopped. As long as
    `batch_size * world_size` stays the same, so does the union of what the ranks see, on any number
    of ranks. A clip in a damaged chunk is replaced by another one, chosen by the same seed; the
    chunk is logged once and kept in `dataset.damaged`. Close the iterator to end its threads.
    """
    if batch_size < 1 or not 0 <= rank < world_size or start < 0:
        raise InputError(
            f"batches need batch_size >= 1, 0 <= rank < world_size and start >= 0, got "
            f"batch_size={batch_size}, rank={rank}, world_size={world_size}, start={start}"
        )
    return _prefetched(dataset, batch_size, seed, rank, world_size, start)


def _prefetched(
    dataset: ClipDataset, batch_size: int, seed: int, rank: int, world_size: int, start: int
) -> Iterator[Batch]:
    pool = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="playworld-clips")
    waiting: deque[Future[Batch]] = deque()
    number = start
    try:
        while True:
            while len(waiting) < PREFETCH_BATCHES:
                first = (number * world_size + rank) * batch_size
                waiting.append(pool.submit(_load, dataset, first, batch_size, seed))
                number += 1
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _load(dataset: ClipDataset, first: int, batch_size: int, seed: int) -> Batch:
    """The clips at positions `first`, `first + 1`, ... of the endless sequence of epochs."""
    clips, frames = [], []
    for i in clips_at(dataset.num_clips, first, batch_size, seed):
        clip, pixels = _read_or_replace(dataset, int(i), seed)
        clips.append(clip)
        frames.append(pixels)
    return clips, torch.from_numpy(np.stack(frames))


def clips_at(num_clips: int, first: int, count: int, seed: int) -> Int64[np.ndarray, " count"]:
    """Clip numbers at positions `first`, `first + 1`, ... of one epoch after the other."""
    parts, position, end = [], first, first + count
    while position < end:
        epoch, within = divmod(position, num_clips)
        stop = min(num_clips, within + end - position)
        parts.append(clip_order(num_clips, seed, epoch)(np.arange(within, stop)))
        position += stop - within
    return np.concatenate(parts)


def _read_or_replace(dataset: ClipDataset, i: int, seed: int) -> tuple[ClipId, np.ndarray]:
    for attempt in range(1, 100):
        clip = dataset.clip(i)
        try:
            return clip, dataset.read(clip)
        except DamagedChunk as error:
            if error.chunk not in dataset.damaged:
                dataset.damaged.add(error.chunk)
                log.warning("%s: clips that need these frames are skipped", error)
            i = int(clip_order(dataset.num_clips, seed, -attempt)(np.array([i]))[0])
    raise InputError(f"{dataset.shards.folder}: almost every chunk is damaged; ingest again")
