"""What a film shows, decoded by one fork server for all tests of this process."""

import atexit
import functools
from collections.abc import Iterator
from pathlib import Path

from playworld.data.video import reader
from playworld.data.video.fork_server import ForkServer


@functools.cache
def fork_server() -> ForkServer:
    """Started once: each takes a tenth of a second, more than most films of tests."""
    server = ForkServer()
    atexit.register(server.close)
    return server


def read_frames(path: Path, *args, **kwargs) -> Iterator:
    """As `playworld.data.video.reader.read_frames`."""
    return reader.read_frames(path, *args, fork_server=fork_server(), **kwargs)
