"""What a decoder's process is made of: a loop that forks a child per file, and its limits."""

import os
import signal
import socket
import struct
from collections.abc import Callable

COMMAND = struct.Struct("<ci")
REPLY = struct.Struct("<i")


def fork_loop(decode: Callable[[socket.socket], None]) -> None:
    """Fork a decoder for each command `+` (with its socket), end it at `-`, all at the end."""
    control = socket.socket(fileno=0)
    living: set[int] = set()
    while True:
        command, descriptors, _, _ = socket.recv_fds(control, COMMAND.size, 1, socket.MSG_WAITALL)
        if not command:
            break
        kind, pid = COMMAND.unpack(command)
        if kind == b"+":
            pid = os.fork()
            if pid == 0:
                control.close()
                decode(socket.socket(fileno=descriptors[0]))
                os._exit(0)
            os.close(descriptors[0])
            living.add(pid)
            control.sendall(REPLY.pack(pid))
        else:
            os.kill(pid, signal.SIGKILL)  # not waited for yet, so the number is still its own
            living.remove(pid)
            control.sendall(REPLY.pack(os.waitpid(pid, 0)[1]))
    for pid in living:
        os.kill(pid, signal.SIGKILL)


def limit(memory_mb: int, cpu_seconds: int) -> None:
    """Bound this process's address space and processor time; it writes no file."""
    try:
        import resource
    except ImportError:  # Windows has no such limits; the parent's clock still holds
        return
    limits = [("RLIMIT_AS", memory_mb * 2**20), ("RLIMIT_CPU", cpu_seconds)]
    for name, value in [*limits, ("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0)]:
        try:
            resource.setrlimit(getattr(resource, name), (value, value))
        except (OSError, ValueError):  # macOS refuses RLIMIT_AS; a lower hard limit also stays
            continue
