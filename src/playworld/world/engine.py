"""Many sessions on one world: pending requests share the passes through its models.

One pass is computed by `generation.run_pass`; the scheduler chooses which requests share it. A
session's frames do not depend on the others in its batch, to the last bit; see docs/engine.md for
how, for the cost, and for the order of requests.
"""

import threading
import time
from collections import Counter
from collections.abc import Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from playworld.models.kv_cache import KVCache
from playworld.world import generation
from playworld.world.buffer_pool import BufferPool
from playworld.world.generation import Generation, PendingFrame, StepResult
from playworld.world.sampler_config import SamplerConfig
from playworld.world.scheduler import QUIET_SECONDS, FrameJob, Kind, Scheduler
from playworld.world.state import WorldState
from playworld.world.world import World

_PATIENCE = 0.05
"""Wait for the sessions just answered, so that they share the next batch; in durations of one."""
_LONG_BATCH = 2
"""Long requests that share a pass on a CPU during play: a short one may wait for that pass."""


class _BatchBuffer:
    """One worker's memory for the caches of a batch of states, reused by every batch.

    Fresh memory of that size costs more than the copy: the system hands it out page by page.
    """

    def __init__(self) -> None:
        self._memory: KVCache | None = None
        self._states: list[WorldState] = []

    def clear(self) -> None:
        """Hold no states any longer."""
        self._states = []

    def gather(self, states: Sequence[WorldState]) -> KVCache:
        """Their caches as one batch, to be read only."""
        if len(states) == 1:
            return states[0].memory
        if self._memory is None or len(self._memory.time) < len(states):
            self._memory = KVCache.cat([state.memory for state in states])
        elif len(states) != len(self._states) or any(
            a is not b for a, b in zip(states, self._states, strict=True)
        ):
            KVCache.cat([state.memory for state in states], out=self._memory)
        self._states = list(states)
        return self._memory.map(lambda t: t[: len(states)])


class Engine:
    """Runs one world for many sessions, in its own threads.

    Session state is the caller's `WorldState`: the engine holds nothing between two requests, so
    joining, leaving and rewinding cost other sessions nothing. Requests are divided into passes of
    the model, and pending ones share a pass. Frames with no more refinements than the world's own,
    and starts from one picture, are short: they have priority, the oldest first. All other
    requests are long: they run in between, and players share that time evenly.

    Methods may be called from any thread. An error is raised only by the future of the request
    that caused it; a future that is cancelled before its pass is skipped.
    """

    _start_kind: Kind = "alone"
    """Of the first work of a start."""

    def __init__(
        self,
        world: World,
        max_batch: int = 8,
        buckets: Sequence[int] | None = None,
        workers: int | None = None,
    ) -> None:
        """Start the threads.

        Args:
            world: the world.
            max_batch: largest number of rows per pass.
            buckets: batch sizes that are used: a batch is padded up to the next of them, so that
                the model meets few shapes. Powers of two on a GPU if not given, else any size.
            workers: batches computed side by side, which share PyTorch's threads. If not given,
                one for each: work that several threads split rounds by how they split it. 1 on a
                GPU.
        """
        on_gpu = world.device.type != "cpu"
        max_batch = min(max_batch, world.models.rows_per_pass or max_batch)
        self._world, self._pool = world, BufferPool(world.models)
        self._cores = torch.get_num_threads()
        self._workers = workers or (1 if on_gpu else self._cores)
        if buckets is None:
            buckets = [2**i for i in range(max_batch.bit_length())] if on_gpu else []
        if min([max_batch, self._workers, *buckets]) < 1:
            raise ValueError(f"sizes must be positive: {max_batch=}, {buckets=}, {workers=}")
        self._buckets = sorted(buckets)
        self._own_threads = max(1, self._cores // self._workers)
        self._tracer = ThreadPoolExecutor(
            1, "playworld-tracer", torch.set_num_threads, (self._own_threads,)
        )
        self.ticks: Counter[int] = Counter()
        """Passes through the model so far, by their number of requests."""
        long_batch = max_batch if on_gpu else min(_LONG_BATCH, max_batch)
        self._scheduler = Scheduler(self._workers, max_batch, long_batch)
        self._passes = world.models.passes(self._tracer.submit)
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._serve, name=f"playworld-engine-{i}", daemon=True)
            for i in range(self._workers)
        ]
        for thread in self._threads:
            thread.start()

    def start(
        self, images: UInt8[Tensor, "T H W 3"], seed: int, player: Hashable = None
    ) -> "Future[StepResult]":
        """Begin a session from T >= 1 prompt frames.

        The future raises InputError if they are not of the world's size, or the seed is no integer
        of 64 bits. For `player` see `step`.
        """
        work = self._start_work(images, seed)
        return self._submit(work, len(images) > 1, player, self._start_kind)

    def step(
        self,
        state: WorldState,
        action: int,
        sampler: SamplerConfig | None = None,
        player: Hashable = None,
        long: bool = False,
    ) -> "Future[StepResult]":
        """The next frame of one session, independent of other sessions.

        The future raises InputError if the action is outside 0 to |A| - 1.

        Args:
            state: current state of the session.
            action: the button.
            sampler: sampler settings; the world's own if not given.
            player: key for fair shares: long requests of one player share its part of the time.
            long: low priority, for example one of many frames of one answer.
        """
        own = self._world.config.sampler
        sampler = sampler or own
        work = self._step_work(state, action, sampler)
        return self._submit(work, long or sampler.steps > own.steps, player)

    def replay(
        self,
        state: WorldState,
        tokens: Int[Tensor, " L"],
        action: int,
        player: Hashable = None,
        long: bool = True,
    ) -> "Future[StepResult]":
        """The next frame where its tokens are known already: a third of the work of `step`.

        It is long, as there are mostly many of them, unless the caller says that there are few. For
        `player` see `step`.
        """
        return self._submit(self._replay_work(state, tokens, action), long, player)

    def close(self) -> None:
        """Finish running passes and cancel pending requests. Later ones raise RuntimeError."""
        with self._changed:
            self._closed = True
            waiting = self._scheduler.clear()
            self._changed.notify_all()
        _give_up(waiting)
        for thread in self._threads:
            thread.join()
        self._tracer.shutdown(cancel_futures=True)
        _give_up(self._scheduler.clear())
        torch.set_num_threads(self._cores)

    def _start_work(self, images: UInt8[Tensor, "T H W 3"], seed: int) -> Generation:
        return generation.start(self._world.models, images, seed)

    def _step_work(self, state: WorldState, action: int, sampler: SamplerConfig) -> Generation:
        return generation.step(self._world.models, state, action, sampler)

    def _replay_work(self, state: WorldState, tokens: Int[Tensor, " L"], action: int) -> Generation:
        return generation.replay(self._world.models, state, tokens, action)

    def _submit(
        self, work: Generation, long: bool, player: Hashable, kind: Kind = "frame"
    ) -> "Future[StepResult]":
        job = FrameJob(work, long, object() if player is None else player, kind)
        with self._changed:
            if self._closed:
                raise RuntimeError("the engine is closed")
            self._scheduler.add(job)
            self._changed.notify_all()
        return job.future

    def _serve(self) -> None:
        """One thread: take a batch, work on it, until closed."""
        torch.set_num_threads(self._own_threads)
        buffer, expected, seconds = _BatchBuffer(), 0, 0.0
        while (batch := self._take(expected, _PATIENCE * seconds)) is not None:
            begin = time.perf_counter()
            rest = self._work_on(batch, buffer)
            seconds = time.perf_counter() - begin
            expected = 0 if batch[0].long else len(batch) - len(rest)
            with self._changed:
                self._scheduler.done(batch, rest, seconds)
                self._changed.notify_all()

    def _take(self, expected: int, patience: float) -> list[FrameJob] | None:
        """This worker's next batch; None once closed.

        Before that, wait a moment for as many as were just answered: else the first to ask would
        get a batch of its own, and the others would always wait for it.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or self._scheduler.short >= expected, patience
            )
            while not self._closed:
                if batch := self._scheduler.take():
                    return batch
                self._changed.wait(QUIET_SECONDS)
        return None

    def _work_on(self, batch: list[FrameJob], buffer: _BatchBuffer) -> list[FrameJob]:
        """Work on a batch until it is answered or has to give way; returns its rest."""
        rest = [job for job in batch if job.frame is not None or _goes_on(job, None)]
        passes = 0
        while rest:
            with self._changed:
                over = passes and self._scheduler.is_over(rest, passes)
                if over and (rest[0].long or not self._closed):
                    break
            rest = [job for job in self._once(rest, buffer) if not job.future.cancelled()]
            passes += 1
        buffer.clear()
        return rest

    def _once(self, batch: list[FrameJob], buffer: _BatchBuffer) -> list[FrameJob]:
        """One pass, or one piece of other work: answer what is finished, return what is not."""
        frames = [job.frame for job in batch if job.frame is not None]
        try:
            answers = self._pass(frames, buffer) if frames else [None]
        except Exception as error:
            if len(batch) == 1:
                _fail(batch[0], error)
                return []
            # One of them may be at fault: the others get their frame.
            return [job for one in batch for job in self._once([one], buffer)]
        return [
            job
            for job, result in zip(batch, answers, strict=True)
            if (frames and result is None) or _goes_on(job, result)
        ]

    def _pass(self, frames: list[PendingFrame], buffer: _BatchBuffer) -> list[StepResult | None]:
        count = len(frames)
        size = next((b for b in self._buckets if b >= count), count)
        padded = frames + frames[:1] * (size - count)
        memory = buffer.gather([one.state for one in padded])
        results = generation.run_pass(
            self._world.models, self._passes, padded, memory, count, self._pool
        )
        with self._changed:
            self.ticks[count] += 1
        return results


def _goes_on(job: FrameJob, result: StepResult | None) -> bool:
    """Take a request to its next piece of work; False where there is none."""
    try:
        job.frame = next(job.work) if result is None else job.work.send(result)
    except StopIteration as end:
        if job.future.running() or job.future.set_running_or_notify_cancel():
            job.future.set_result(end.value)
        return False
    except Exception as error:
        _fail(job, error)
        return False
    job.kind = "alone" if job.frame is None else "frame"
    if job.frame is not None and job.frame.action is None:
        job.kind = "first"
    return True


def _give_up(jobs: Sequence[FrameJob]) -> None:
    for job in jobs:
        if job.future.cancel():
            job.future.set_running_or_notify_cancel()  # wakes its waiters
        else:
            job.future.set_exception(RuntimeError("the engine is closed"))


def _fail(job: FrameJob, error: Exception) -> None:
    if job.future.running() or job.future.set_running_or_notify_cancel():
        job.future.set_exception(error)
