"""Many sessions on one model: every tick runs whoever has asked for a frame as one batch.

What is computed for a session does not depend on who else is in its batch, to the last bit; see
docs/engine.md for how, and what it costs.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from playworld.world.maskgit import SamplerConfig
from playworld.world.state import WorldState
from playworld.world.world import World

_PATIENCE = 0.05
"""How long those just answered may take to ask again and share the next tick too, in ticks."""


@dataclass(frozen=True)
class Moved:
    """One session's newest frame, and where it stands now."""

    frame: UInt8[Tensor, "H W 3"]
    """On the CPU."""
    state: WorldState
    """Of one row, in memory of its own."""


@dataclass(eq=False)
class _Request:
    """One session's wish. Those of the same group can go through the model together."""

    group: Hashable
    run: Callable[[Sequence[Any], "_Room"], tuple[Tensor, WorldState]]
    """Given the arguments of all requests of a batch."""
    arguments: tuple[Any, ...]
    future: "Future[Moved]" = field(default_factory=Future)


class _Room:
    """One worker's memory for gathered states, used again every tick.

    Fresh memory of that size costs more than the copy: the system hands it out page by page.
    """

    def __init__(self) -> None:
        self._state: WorldState | None = None

    def gather(self, states: Sequence[WorldState]) -> tuple[WorldState, bool]:
        """The states as one batch, and whether it is the engine's own to be written into."""
        if len(states) == 1:
            return states[0], False
        if self._state is None or self._state.batch < len(states):
            self._state = WorldState.cat(states)
            return self._state, True
        return WorldState.cat(states, out=self._state), True


class Engine:
    """Runs one world for many sessions, in threads of its own.

    A session is whoever keeps a state: the engine holds nothing about it between two requests, so
    joining, leaving and rewinding cost the others nothing. Requests that wait when the model is
    free go through it together, the oldest first; one that comes later waits for the next tick.

    Methods may be called from any thread. An error is raised by the future of the request that
    caused it, and nobody else's; a future that is cancelled before its tick is left out.
    """

    def __init__(
        self,
        world: World,
        max_batch: int = 8,
        buckets: Sequence[int] | None = None,
        workers: int | None = None,
    ) -> None:
        """Start the threads.

        Args:
            world: what is played.
            max_batch: rows that go through the model at once, at most.
            buckets: batch sizes that are used: a batch is filled up to the next of them, so that
                the model meets few shapes. Powers of two on a GPU if not given, else any size.
            workers: ticks computed side by side, which share PyTorch's threads. If not given, one
                for each: work that several threads split rounds by how they split it. 1 on a GPU.
        """
        on_gpu = world.device.type != "cpu"
        self._world, self._max_batch = world, max_batch
        self._cores = torch.get_num_threads()
        self._workers = workers or (1 if on_gpu else self._cores)
        if buckets is None:
            buckets = [2**i for i in range(max_batch.bit_length())] if on_gpu else []
        if min([max_batch, self._workers, *buckets]) < 1:
            raise ValueError(f"sizes must be positive: {max_batch=}, {buckets=}, {workers=}")
        self._buckets = sorted(buckets)
        self.ticks: Counter[int] = Counter()
        """Batches so far, by their number of requests."""
        self._waiting: deque[_Request] = deque()
        self._running = 0
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"playworld-engine-{i}", daemon=True)
            for i in range(self._workers)
        ]
        for thread in self._threads:
            thread.start()

    def start(self, images: UInt8[Tensor, "P H W 3"], seed: int) -> "Future[Moved]":
        """Begin a session from P >= 1 prompt frames.

        The future raises InputError if they are not of the world's size, or the seed is no integer
        of 64 bits.
        """
        return self._submit(("start", images.shape), self._start, images, seed)

    def step(
        self, state: WorldState, action: int, sampler: SamplerConfig | None = None
    ) -> "Future[Moved]":
        """The next frame of one session; the same frame whoever else plays.

        The future raises InputError if the action is outside 0 to |A| - 1.
        """
        sampler = sampler or self._world.config.sampler
        return self._submit(("step", sampler), self._step, state, action, sampler)

    def replay(self, state: WorldState, tokens: Int[Tensor, " N"], action: int) -> "Future[Moved]":
        """The next frame where its tokens are known already: a third of the work of `step`."""
        return self._submit("replay", self._replay, state, action, tokens)

    def close(self) -> None:
        """Finish the ticks in hand, cancel what waits. Later requests raise RuntimeError."""
        with self._changed:
            self._closed = True
            waiting, self._waiting = self._waiting, deque()
            self._changed.notify_all()
        for request in waiting:
            request.future.cancel()
            request.future.set_running_or_notify_cancel()  # wakes who waits for it
        for thread in self._threads:
            thread.join()
        torch.set_num_threads(self._cores)

    def _submit(self, group: Hashable, run: Any, *arguments: Any) -> "Future[Moved]":
        request = _Request(group, run, arguments)
        with self._changed:
            if self._closed:
                raise RuntimeError("the engine is closed")
            self._waiting.append(request)
            self._changed.notify_all()
        return request.future

    def _work(self) -> None:
        """One thread: take a batch, run it, until closed."""
        torch.set_num_threads(max(1, self._cores // self._workers))
        room, expected, seconds = _Room(), 0, 0.0
        while (batch := self._take(expected, _PATIENCE * seconds)) is not None:
            start = time.perf_counter()
            self._run(batch, room)
            expected, seconds = len(batch), time.perf_counter() - start
            with self._changed:
                self._running -= len(batch)

    def _take(self, expected: int, patience: float) -> list[_Request] | None:
        """The oldest request and this worker's share of those that fit it; None once closed.

        Before that, wait a moment for as many as were just answered: else whoever asks first would
        get a tick alone, and the others would always wait for it.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._waiting) >= expected, patience)
            self._changed.wait_for(lambda: self._closed or self._waiting)
            if self._closed:
                return None
            share = -(-(len(self._waiting) + self._running) // self._workers)
            group = self._waiting[0].group
            batch = [r for r in self._waiting if r.group == group][: min(share, self._max_batch)]
            for request in batch:
                self._waiting.remove(request)
            batch = [r for r in batch if r.future.set_running_or_notify_cancel()]
            self._running += len(batch)
            return batch

    def _run(self, batch: list[_Request], room: _Room) -> None:
        """Answer every request of the batch."""
        if not batch:
            return
        try:
            size = next((b for b in self._buckets if b >= len(batch)), len(batch))
            filled = batch + batch[:1] * (size - len(batch))
            frames, state = batch[0].run([r.arguments for r in filled], room)
            frames = frames.cpu()
            moved = [Moved(frames[i].clone(), state.rows([i])) for i in range(len(batch))]
        except Exception as error:
            if len(batch) == 1:
                batch[0].future.set_exception(error)
                return
            for request in batch:  # one of them may be at fault: the others get their frame
                self._run([request], room)
            return
        with self._changed:
            self.ticks[len(batch)] += 1
        for request, answer in zip(batch, moved, strict=True):
            request.future.set_result(answer)

    def _start(self, requests: Sequence[Any], room: _Room) -> tuple[Tensor, WorldState]:
        images, seeds = zip(*requests, strict=True)
        return self._world.start(torch.stack(images), seeds)

    def _step(self, requests: Sequence[Any], room: _Room) -> tuple[Tensor, WorldState]:
        states, actions, samplers = zip(*requests, strict=True)
        state, own = room.gather(states)
        return self._world.step(state, actions, samplers[0], in_place=own)

    def _replay(self, requests: Sequence[Any], room: _Room) -> tuple[Tensor, WorldState]:
        states, actions, tokens = zip(*requests, strict=True)
        state, own = room.gather(states)
        return self._world.replay(state, torch.stack(tokens), actions, in_place=own)
