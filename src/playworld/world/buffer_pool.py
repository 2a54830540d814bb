"""Memory for the states of sessions, used again when a state is gone."""

import math
import mmap
import weakref
from collections import deque
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from playworld.models.kv_cache import KVCache
from playworld.models.motion.canvas import Canvas
from playworld.world.world_models import WorldModels

SPARE = 16
"""Places that are kept for later at most; the others are given back to the system."""


class BufferPool:
    """Places for the caches of one session each, outside of the allocator's heap on a CPU.

    There, states that live long would lie between tensors that live for a moment, and the heap
    would grow for hours. Fresh memory from the system costs more than a copy, so that places are
    used again: a place is free when the last tensor in it is.
    """

    def __init__(self, models: WorldModels) -> None:
        self._device, config = models.device, models.tokenizer.config
        black = torch.zeros(1, config.height, config.width, 3, device=self._device)
        self._caches = models.dynamics.start_cache(1), models.tokenizer.begin(black)
        self._free: deque[mmap.mmap] = deque()

    def take(self) -> tuple[KVCache, KVCache | Canvas]:
        """Caches of the dynamics and of the decoder, of one row, with anything in them."""
        if self._device.type != "cpu":
            memory, decoder = self._caches
            return memory.map(torch.empty_like), decoder.map(torch.empty_like)
        sizes: list[int] = []
        for cache in self._caches:
            cache.map(lambda t: sizes.append(_rounded(t.nbytes)) or t)  # type: ignore[func-returns-value]
        parts = self._bytes(sum(sizes)).split(sizes)
        places = iter(parts)
        memory, decoder = self._caches
        return memory.map(_into(places.__next__)), decoder.map(_into(places.__next__))

    def _bytes(self, size: int) -> Tensor:
        try:
            place = self._free.pop()
        except IndexError:
            place = _fresh(size)
        array = np.frombuffer(place, np.uint8)
        # The tensor holds the array, and everything that views it does.
        weakref.finalize(array, self._give_back, place).atexit = False
        return torch.from_numpy(array)

    def _give_back(self, place: mmap.mmap) -> None:
        if len(self._free) < SPARE:
            self._free.append(place)


def _rounded(size: int) -> int:
    return math.ceil(size / 64) * 64  # where the allocator would have begun it


def _into(place: Callable[[], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda like: place()[: like.nbytes].view(like.dtype).view(like.shape)


def _fresh(size: int) -> mmap.mmap:
    if hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return mmap.mmap(-1, size)
