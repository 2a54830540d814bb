"""Work that only one process does at a time; where a file system has no locks, anyone may."""

import errno
import fcntl
import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from playworld.config import InputError

log = logging.getLogger(__name__)

_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EBADF}
"""What file systems say that have no locks, or none for folders (EBADF: NFS)."""
_NO_PLACE = {errno.EACCES, errno.EPERM, errno.EROFS}


def flock(descriptor: int, wait: bool) -> bool:
    """Lock an open file or folder; returns whether the file system has locks.

    Raises:
        BlockingIOError: where another process has it, unless `wait`.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        if error.errno == errno.EACCES:  # what some systems say instead
            raise BlockingIOError from error
        raise


@contextmanager
def alone(path: Path, busy: str | None = None) -> Iterator[None]:
    """Within the block no other process of this machine is within one for the same `path`.

    A file beside it, or within it where nothing can be made beside it, is locked and removed at the
    end; the system drops the lock of a process that dies. Where another process has it, `busy` is
    the message for the user; without it, this one waits.

    Raises:
        InputError: where another process has it, or the folder around `path` cannot be written.
    """
    path = Path(os.path.realpath(path))
    try:
        file, lock = _locked(path, wait=busy is None)
    except BlockingIOError:
        raise InputError(busy or "") from None
    except OSError as error:
        raise InputError(f"{path.parent} cannot be written ({error.strerror})") from error
    with lock:
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def _locked(path: Path, wait: bool) -> tuple[Path, IO[str]]:
    beside = path.with_name(f".{_short(path.name)}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return beside, _locked_file(beside, wait)
    except OSError as error:
        if error.errno not in _NO_PLACE or not path.is_dir():
            raise
    within = path / ".playworld.lock"
    return within, _locked_file(within, wait)


def _short(name: str) -> str:
    """The name, or one that stands for it and leaves room for an ending."""
    if len(os.fsencode(name)) <= 100:
        return name
    return f"{name[:20]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"


def _locked_file(path: Path, wait: bool) -> IO[str]:
    while True:
        lock = open(path, "w")
        try:
            if not flock(lock.fileno(), wait):
                log.debug("%s cannot be locked: nothing keeps a second process away", path)
                return lock
            # Its last owner may have removed the file between our opening and locking it.
            if os.path.samestat(os.fstat(lock.fileno()), os.stat(path)):
                return lock
        except FileNotFoundError:
            pass
        except BaseException:
            lock.close()
            raise
        lock.close()
