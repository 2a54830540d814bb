"""A script of this folder that runs in another interpreter, and the pipes to it."""

import json
import subprocess
import tempfile
from pathlib import Path


class WorkerProcess:
    """A process that got one JSON request and answers on its standard output.

    It ends when closed; when this process dies, its standard input ends.
    """

    def __init__(self, python: Path, script: str, request: object) -> None:
        """Start `script`, a path from this folder, in the interpreter `python`."""
        path = Path(__file__).parent / script
        self.name = f"{script} in {python}"
        self.stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        # -I: neither the folder of the script nor the user's environment may shadow a module.
        self.process = subprocess.Popen(
            [str(python), "-I", str(path), json.dumps(request)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
        )

    def send(self, message: object) -> None:
        """Send one line of JSON.

        Raises:
            RuntimeError: If the process has stopped, with its last words.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise self._stopped() from error

    def line(self) -> bytes:
        """Return the next line of its answer.

        Raises:
            RuntimeError: If the process has stopped, with its last words.
        """
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._stopped()
        return line

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes of its answer.

        Raises:
            RuntimeError: If the process has stopped, with its last words.
        """
        assert self.process.stdout is not None
        found = self.process.stdout.read(size)
        if len(found) != size:
            raise self._stopped()
        return found

    def close(self) -> None:
        """End the process, whatever it is doing; a second call does nothing."""
        if self.stderr.closed:
            return
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:  # what was not yet sent has no reader any more
                pass
        self.process.wait()
        self.stderr.close()

    def _stopped(self) -> RuntimeError:
        status = self.process.wait()
        self.stderr.seek(0)
        words = self.stderr.read().decode(errors="replace").strip().splitlines()
        last = words[-1] if words else "no message"
        return RuntimeError(f"{self.name} stopped (exit status {status}): {last}")
