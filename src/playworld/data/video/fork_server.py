"""Fork server: a process that has loaded FFmpeg and forks one fresh child per file.

Starting Python and loading FFmpeg takes 130 ms of a core, as long as decoding 500 small frames; a
fork takes 3. The fork server, `decoder.py`, opens no file and runs no threads, so each child starts
from the same clean state as a process of its own would. It ends with its owner, and its children
with it.
"""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

from playworld.data.video.fork_loop import COMMAND, REPLY

_START = (  # with this playworld, wherever it came from
    "import importlib, sys; sys.path.insert(0, sys.argv[1]); "
    "importlib.import_module(sys.argv[2]).main()"
)


class ForkServerClosed(Exception):
    """The fork server was closed while this file was being decoded."""


class DecoderProcess:
    """A decoder of one file: `socket` leads to it."""

    def __init__(self, fork_server: "ForkServer", pid: int, connection: socket.socket) -> None:
        self.pid, self.socket = pid, connection
        self._fork_server = fork_server
        self._status: int | None = None

    def ask(self, request: bytes) -> None:
        """Send the one request."""
        try:
            self.socket.sendall(struct.pack("<I", len(request)) + request)
        except ConnectionError:
            pass  # it has died; the first reading says why

    def end(self) -> None:
        """Kill it, whatever it is doing, unless it has ended already."""
        if self._status is None:
            self.socket.close()
            self._status = self._fork_server.end(self.pid)

    def cause_of_death(self) -> str:
        """The reason why its output ended, in words.

        Raises:
            ForkServerClosed: where the fork server has been closed.
        """
        self.end()
        if self._fork_server.closed:
            raise ForkServerClosed
        code = os.waitstatus_to_exitcode(self._status or 0)
        if code >= 0:
            return f"the decoder ended early (exit code {code})"
        try:
            return f"the decoder crashed ({signal.Signals(-code).name})"
        except ValueError:
            return f"the decoder crashed (signal {-code})"


class ForkServer:
    """Starts decoders, for any number of threads; closing it ends them all at once."""

    def __init__(self, module: str = "playworld.data.video.decoder") -> None:
        """Args: `module` has a `main` that serves this end of the control socket."""
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, str(Path(__file__).parents[3]), module],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Ctrl-C is for us: the fork server ends when we close our end of the socket.
                start_new_session=True,
            )
        self._lock = threading.Lock()
        self.closed = False

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def start(self) -> DecoderProcess:
        """A new decoder that waits for its request.

        Raises:
            ForkServerClosed: where the fork server has been closed.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                pid = self._ask(COMMAND.pack(b"+", 0), [theirs.fileno()])
        except BaseException:
            ours.close()
            raise
        return DecoderProcess(self, pid, ours)

    def end(self, pid: int) -> int:
        """Kill the child if it still runs; returns the status with which it ended."""
        # Waited for only now, so its process id is not reused before.
        try:
            return self._ask(COMMAND.pack(b"-", pid), [])
        except ForkServerClosed:
            return 0

    def _ask(self, command: bytes, descriptors: list[int]) -> int:
        with self._lock:
            if self.closed:
                raise ForkServerClosed
            try:
                socket.send_fds(self._control, [command], descriptors)
                reply = self._control.recv(REPLY.size, socket.MSG_WAITALL)
            except (BrokenPipeError, ConnectionResetError):
                reply = b""
            if len(reply) < REPLY.size:
                raise RuntimeError("the process that starts the decoders has died")
            return REPLY.unpack(reply)[0]

    def close(self) -> None:
        """End all decoders and the fork server."""
        with self._lock:
            self.closed = True
            self._control.close()
        self._process.wait()

    def __enter__(self) -> "ForkServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
