"""Logs of several processes of this machine as the lines of one."""

import contextlib
import io
import logging
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@contextlib.contextmanager
def log_pipe() -> Iterator[Path]:
    """A named pipe whose lines are written to standard error here, while the context lasts.

    What libraries print meanwhile becomes records of the log.
    """
    with tempfile.TemporaryDirectory(prefix="playworld-") as folder:
        path = Path(folder) / "log"
        os.mkfifo(path, 0o600)
        # Open for writing, too: otherwise the end of the first writer would end the reading.
        pipe = os.open(path, os.O_RDWR)
        passing = (pipe, sys.stderr.fileno())
        threading.Thread(target=_pass_on, args=passing, daemon=True).start()
        records = _Records()
        with contextlib.redirect_stdout(records), contextlib.redirect_stderr(records):
            yield path


def into_pipe(path: Path | None) -> TextIO:
    """Where such lines are written; standard error where nobody reads them.

    A line that finds the pipe full is lost: no reader can hold up whoever writes.
    """
    if path is None:
        return sys.stderr
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_NONBLOCK), "w", buffering=1)
    except OSError:  # the program is gone, or on another machine
        return sys.stderr


def _pass_on(pipe: int, to: int) -> None:
    while lines := os.read(pipe, 2**16):
        os.write(to, lines)


class _Records(io.TextIOBase):
    """Makes records of the lines that are printed; handlers that exist write elsewhere."""

    def write(self, text: str) -> int:
        for line in filter(None, map(str.strip, COLOURS.sub("", text).splitlines())):
            logging.getLogger("ray").warning("%s", line)
        return len(text)
