"""The one command that works in a folder of worlds, in a process that outlives the server.

It holds a lock for as long as it lives, so whoever asks finds it, also after the server was started
again, and a second one cannot begin.
"""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from playworld.atomic.locks import flock

NICENESS = 10
"""Of the process: whoever plays meanwhile goes first."""
TRIES = 20
"""Times that a lock is asked for, 10 ms apart: others hold it for a moment to look at it."""


@dataclass(frozen=True)
class Job:
    """A command at work."""

    name: str
    """The world that it makes."""
    kind: str
    """What it does: "read" or "train"."""
    began: float
    """When it began, in seconds since 1970."""
    spent: float = 0.0
    """Seconds that earlier commands have taken of the time budget."""
    pid: int = 0
    """Its process, which leads a session of its own; 0 until it is known."""


class Busy(RuntimeError):
    """Another command is at work."""


class Jobs:
    """The command at work in a folder, if there is one."""

    def __init__(self, folder: Path) -> None:
        """Args: `folder` is made with the first command."""
        self._path = folder / ".job"
        self._turn = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping: Job | None = None

    def current(self) -> Job | None:
        """The command that is at work now, whichever server began it."""
        with self._turn:
            return self._current()

    def is_stopping(self, job: Job) -> bool:
        """Whether this server has asked it to end."""
        return self._stopping == job

    def start(self, job: Job, command: Sequence[str], log: Path) -> None:
        """Begin a command; what it prints goes to `log`.

        Raises:
            Busy: another one is at work.
        """
        with self._turn, open(self._path, "a+b") as lock:
            for _ in range(TRIES):
                with contextlib.suppress(BlockingIOError):
                    flock(lock.fileno(), wait=False)
                    break
                time.sleep(0.01)
            else:
                raise Busy
            _write(lock.fileno(), job)
            with open(log, "wb") as output:
                self._child = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=(lock.fileno(),),  # the lock lives as long as the process
                    start_new_session=True,  # Ctrl-C ends the server alone
                )
            _write(lock.fileno(), replace(job, pid=self._child.pid))
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self._child.pid, NICENESS)

    def stop(self, name: str) -> bool:
        """Ask the command that makes this world to save and end; whether there is one."""
        with self._turn:
            job = self._current()
            if job is None or job.name != name:
                return False
            if self._stopping != job:
                self._stopping = job
                _signal(job, signal.SIGTERM)
            return True

    def end(self, name: str, seconds: float) -> None:
        """Stop the command that makes this world, and kill what is left after so many seconds."""
        until = time.monotonic() + seconds
        while self.stop(name):
            if time.monotonic() > until:
                job = self.current()
                if job is not None and job.name == name:
                    _signal(job, signal.SIGKILL)
            time.sleep(0.05)

    def _current(self) -> Job | None:
        if self._child is not None and self._child.poll() is not None:
            self._child = None
        try:
            with open(self._path, "rb") as lock:
                try:
                    flock(lock.fileno(), wait=False)
                    return None  # nobody had it
                except BlockingIOError:
                    return _read(lock.read())
        except FileNotFoundError:
            return None


def _signal(job: Job, number: signal.Signals) -> None:
    """To the process alone where it may save, else to all that it has begun."""
    if job.pid == 0:
        return
    with contextlib.suppress(ProcessLookupError):
        if number == signal.SIGKILL:
            os.killpg(job.pid, number)
        else:
            os.kill(job.pid, number)


def _write(descriptor: int, job: Job) -> None:
    """In place, as the lock is the file's own."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(asdict(job)).encode(), 0)


def _read(text: bytes) -> Job:
    try:
        return Job(**json.loads(text))
    except (ValueError, TypeError):  # it is being written
        return Job("", "", 0.0)
