"""Where the work on the files of a folder is done: on this machine, or on a Ray cluster.

Each file is a job of its own, handled by the same function wherever that runs, so the engine never
shows in the result.
"""

import logging
import os
import pickle
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from playworld.config import InputError
from playworld.data.ingest.parts import Part
from playworld.data.options import Executor
from playworld.data.video.fork_server import ForkServer
from playworld.machine import cores
from playworld.progress import Progress
from playworld.words import counted

"""Called with bytes of video done, bytes in all, and a note."""
At = Callable[[float, int], None]
"""Called with the share of a file that is done, and its frames so far."""


@dataclass(frozen=True)
class Job:
    """One file to handle."""

    path: Path
    source: str
    """Path of the video, relative to the folder of videos."""
    size: int
    """Bytes."""
    folder: Path
    """Where its scenes go; nothing else is written there."""


Handle = Callable[[Job, ForkServer, At | None], Part]


def run(
    engine: Executor, handle: Handle, jobs: list[Job], workers: int, progress: Progress
) -> list[Part]:
    """Handle all jobs, `workers` at a time (0: as the cores allow); parts in the order of `jobs`.

    Raises:
        InputError: where the engine is not installed.
    """
    if engine == "ray":
        return _on_ray(handle, jobs, workers, progress)
    return _on_this_machine(handle, jobs, workers or cores(), progress)


def _on_this_machine(
    handle: Handle, jobs: list[Job], workers: int, progress: Progress
) -> list[Part]:
    """Threads suffice: decoding runs in the children, compression outside Python's lock."""
    done, frames = [0] * len(jobs), [0] * len(jobs)  # of each job; bytes and frames
    total = sum(job.size for job in jobs)
    fork_server = ForkServer()

    def work(number: int) -> Part:
        job = jobs[number]

        def at(share: float, count: int) -> None:
            done[number], frames[number] = int(job.size * min(share, 1.0)), count

        part = handle(job, fork_server, at)
        done[number] = job.size
        return part

    pool = ThreadPoolExecutor(workers, "playworld-ingest")
    finished: SimpleQueue[Future[Part]] = SimpleQueue()
    try:
        futures = [pool.submit(work, number) for number in range(len(jobs))]
        for future in futures:
            future.add_done_callback(finished.put)
        count = 0
        while count < len(jobs):
            try:
                finished.get(timeout=0.25).result()
                count += 1
            except Empty:
                pass
            note = f"{count} of {counted(len(jobs), 'file')}, {counted(sum(frames), 'frame')}"
            progress(sum(done), total, note)
        return [future.result() for future in futures]
    finally:
        fork_server.close()  # what is being decoded ends here, at once after Ctrl-C
        pool.shutdown(wait=True, cancel_futures=True)


def _on_ray(handle: Handle, jobs: list[Job], workers: int, progress: Progress) -> list[Part]:
    """Tasks on the cluster that RAY_ADDRESS names, or that runs here, or that is started here.

    Its machines see the videos and the folder of the clips under the same paths.
    """
    ray = _ray()
    # A block is one task: few files, so that little is lost with a machine.
    blocks = min(len(jobs), 10_000)
    rows = [{"number": n, "job": pickle.dumps(job)} for n, job in enumerate(jobs)]
    begun = not ray.is_initialized()
    if begun:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        # One line per file, and a bar of our own.
        ray.data.DataContext.get_current().enable_progress_bars = False
        parts: dict[int, Part] = {}
        done, total = 0, sum(job.size for job in jobs)
        dataset = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
            _handle_block,
            fn_args=(handle,),
            batch_size=None,
            num_cpus=1,
            concurrency=workers or None,
        )
        for row in dataset.iter_rows():
            parts[row["number"]] = pickle.loads(row["part"])
            done += jobs[row["number"]].size
            progress(done, total, f"{len(parts)} of {counted(len(jobs), 'file')}")
        return [parts[number] for number in range(len(jobs))]
    finally:
        if begun:
            ray.shutdown()


def _ray() -> Any:
    # Ray reports on its use to its makers unless that is disabled before it is imported.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
        import ray.data
    except ImportError:
        raise InputError("engine ray needs Ray: pip install 'playworld[scale]'") from None
    logging.getLogger("ray").setLevel(logging.ERROR)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray


def _handle_block(block: dict[str, Any], handle: Handle) -> dict[str, Any]:
    """One task of Ray: a few jobs, one after another."""

    def one(pickled: bytes, fork_server: ForkServer) -> bytes:
        job = pickle.loads(pickled)
        # Ray may try again what a lost machine is still at: no two attempts share a folder.
        folder = job.folder.with_name(f"{job.folder.name}-{secrets.token_hex(4)}")
        return pickle.dumps(handle(replace(job, folder=folder), fork_server, None))

    with ForkServer() as fork_server:
        return {"number": block["number"], "part": [one(job, fork_server) for job in block["job"]]}
