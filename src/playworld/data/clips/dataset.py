"""Clips for training: windows of any length into the scenes, in a pure, resumable order.

Decoding a random clip takes well under a millisecond (one or two chunks), outside Python's lock, so
a few threads keep ahead of training; there are no worker processes to start, to feed or to leave
behind.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from playworld.atomic import settle
from playworld.config import InputError
from playworld.data.clips.order import clip_order, clips_at
from playworld.data.clips.shards import DamagedChunk, Scene, ShardReader, read_json, sha256_of

log = logging.getLogger(__name__)

PREFETCH_BATCHES = 4
ATTEMPTS = 40
"""Clips tried in place of a damaged one: where half are damaged, 1 in 10^12 finds no other."""


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
        settle(self.folder)
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
                "ingest longer videos, or the same with a higher --fps, which makes more frames"
            )
        self.damaged: set[tuple[int, int]] = set()
        """Chunks, as (scene, chunk), whose clips `batches` had to skip."""
        self._lock = threading.Lock()

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

    def note_damage(self, error: DamagedChunk) -> None:
        """Count a chunk whose clips are skipped, and say so the first time."""
        with self._lock:
            if error.chunk in self.damaged:
                return
            self.damaged.add(error.chunk)
        total = sum(map(self.shards.num_chunks, range(len(self.scenes))))
        count = f"{len(self.damaged)} of {total} chunks so far"
        log.warning("%s: clips that need these frames are skipped (%s)", error, count)


Batch = tuple[list[ClipId], UInt8[Tensor, "B T H W C"]]


def batches(
    dataset: ClipDataset,
    batch_size: int,
    seed: int,
    rank: int = 0,
    world_size: int = 1,
    start: int = 0,
    threads: int | None = None,
) -> Iterator[Batch]:
    """Endless batches of clips; each epoch sees every clip once, over all ranks together.

    The order is a pure function of (seed, batch number, rank, world_size), whatever the number of
    threads that read ahead: pass the number of batches already consumed as `start` to go on exactly
    where a run stopped. As long as `batch_size * world_size` stays the same, so does the union of
    what the ranks see, on any number of ranks. A clip in a damaged chunk is replaced by another
    one, chosen by the same seed; the chunk is logged once and kept in `dataset.damaged`. Close the
    iterator to end its threads.
    """
    if batch_size < 1 or not 0 <= rank < world_size or start < 0:
        raise InputError(
            f"batches need batch_size >= 1, 0 <= rank < world_size and start >= 0, got "
            f"batch_size={batch_size}, rank={rank}, world_size={world_size}, start={start}"
        )
    return _prefetched(dataset, batch_size, seed, rank, world_size, start, threads)


def _prefetched(
    dataset: ClipDataset,
    batch_size: int,
    seed: int,
    rank: int,
    world_size: int,
    start: int,
    threads: int | None,
) -> Iterator[Batch]:
    threads = threads or dataset.shards.threads
    pool = ThreadPoolExecutor(threads, thread_name_prefix="playworld-clips")
    waiting: deque[_Loading] = deque()
    number = start
    try:
        while True:
            while len(waiting) < PREFETCH_BATCHES:
                first = (number * world_size + rank) * batch_size
                waiting.append(_Loading(dataset, first, batch_size, seed, pool, threads))
                number += 1
            yield waiting.popleft().wait()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Loading:
    """A batch on its way: the clips at positions `first`, `first + 1`, ... of endless epochs.

    Every thread fills a part of it, so that the first batch, too, takes the time of all of them.
    """

    def __init__(
        self,
        dataset: ClipDataset,
        first: int,
        batch_size: int,
        seed: int,
        pool: ThreadPoolExecutor,
        threads: int,
    ) -> None:
        shape = (batch_size, dataset.length, dataset.height, dataset.width, 3)
        self._video = np.empty(shape, dtype=np.uint8)
        self._parts: list[Future[list[ClipId]]] = []
        size = -(-batch_size // threads)
        for begin in range(0, batch_size, size):
            part = self._video[begin : begin + size]
            self._parts.append(pool.submit(_load, dataset, first + begin, seed, part))

    def wait(self) -> Batch:
        """The batch, once every thread is done with its part."""
        ids = [clip for part in self._parts for clip in part.result()]
        return ids, torch.from_numpy(self._video)


def _load(
    dataset: ClipDataset, first: int, seed: int, video: UInt8[np.ndarray, "b T H W 3"]
) -> list[ClipId]:
    """Fill `video` with the clips from position `first` on."""
    numbers = clips_at(dataset.num_clips, first, len(video), seed)
    pairs = zip(video, numbers.tolist(), strict=True)
    return [_read_or_replace(dataset, pixels, i, seed) for pixels, i in pairs]


def _read_or_replace(
    dataset: ClipDataset, pixels: UInt8[np.ndarray, "T H W 3"], i: int, seed: int
) -> ClipId:
    """Fill `pixels` with clip number `i`, or with the first of its stand-ins that is whole."""
    for attempt in range(1, ATTEMPTS):
        clip = dataset.clip(i)
        try:
            dataset.shards.read_into(pixels, clip.scene, clip.start)
            return clip
        except DamagedChunk as error:
            dataset.note_damage(error)
            i = int(clip_order(dataset.num_clips, seed, -attempt)(np.array([i]))[0])
    raise InputError(f"{dataset.shards.folder}: almost every chunk is damaged; ingest again")
