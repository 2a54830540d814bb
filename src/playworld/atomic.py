"""A folder that is there complete or not at all, and work that only one process does at a time."""

import ctypes
import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from playworld.config import InputError

_TEMPORARY = ".playworld-tmp-"
_SET_ASIDE = ".playworld-old-"


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty hidden sibling of `path` to fill; on leaving it takes the place of `path`.

    Its files are fsynced, then it is renamed, then the parent is fsynced: at every moment `path`
    is the old folder (or nothing) or the new one, complete. After an exception the old one stays.
    """
    path = Path(path).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    clear_stale(path.parent)
    temporary, lock = _locked_sibling(path)
    try:
        yield temporary
        for entry in [*temporary.rglob("*"), temporary]:
            fsync(entry)
        _commit(temporary, path)
    finally:
        os.close(lock)
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def alone(path: Path, busy: str | None = None) -> Iterator[None]:
    """Within the block no other process of this machine is within one for the same `path`.

    A file beside it is locked and removed at the end; the system drops the lock of a process that
    dies. Where another process has it, `busy` is what the user is told; without it, this one waits.

    Raises:
        InputError: where another process has it, or the folder around `path` cannot be written.
    """
    path = Path(path).resolve()
    beside = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _locked_file(beside, wait=busy is None)
    except BlockingIOError:
        raise InputError(busy or "") from None
    except OSError as error:
        raise InputError(f"{path.parent} cannot be written ({error.strerror})") from error
    with lock:
        try:
            yield
        finally:
            beside.unlink(missing_ok=True)


def _locked_file(path: Path, wait: bool) -> IO[str]:
    while True:
        lock = open(path, "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last owner may have removed the file between our opening and locking it.
            if os.path.samestat(os.fstat(lock.fileno()), os.stat(path)):
                return lock
        except FileNotFoundError:
            pass
        except OSError as error:
            lock.close()
            if error.errno == errno.EACCES:  # what some systems say instead
                raise BlockingIOError from error
            raise
        lock.close()


def folder_at(path: Path) -> Path:
    """The folder, made where there is none: called before the work whose results it takes.

    Raises:
        InputError: where `path` is a file or a folder that cannot be written into, or no folder
            can be made there.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise InputError(f"{path} is a file, where a folder is to be written") from None
    except OSError as error:
        raise InputError(f"no folder can be made at {path} ({error.strerror})") from error
    if not os.access(path, os.W_OK):
        raise InputError(f"{path} cannot be written into")
    return path


def clear_stale(parent: Path) -> None:
    """Remove what writers that were killed left in `parent`; living writers are left alone.

    A living writer holds a lock on its temporary folder, which the system drops when it dies:
    process numbers, which are used again, say less.
    """
    for path in Path(parent).glob(f".*{_TEMPORARY}*"):
        if _is_abandoned(path):
            shutil.rmtree(path, ignore_errors=True)
    for path in Path(parent).glob(f".*{_SET_ASIDE}*"):
        final = path.with_name(path.name[1:].rpartition(_SET_ASIDE)[0])
        if not final.exists():
            os.rename(path, final)
        elif _is_abandoned(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_abandoned(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _locked_sibling(path: Path) -> tuple[Path, int]:
    while True:
        temporary = path.with_name(f".{path.name}{_TEMPORARY}{secrets.token_hex(4)}")
        temporary.mkdir()
        lock = os.open(temporary, os.O_RDONLY)
        with suppress(OSError):  # a file system without locks never looks abandoned either
            fcntl.flock(lock, fcntl.LOCK_EX)
        if temporary.exists():  # else cleared away as stale between mkdir and flock
            return temporary, lock
        os.close(lock)


def _commit(temporary: Path, path: Path) -> None:
    """Let the complete folder take the place of `path`, in one rename where the system can."""
    if not path.exists():
        os.rename(temporary, path)
    elif not _exchange(temporary, path):
        # A few file systems (NFS) cannot swap. A kill between these two lines leaves the old
        # folder under its hidden name, from which clear_stale brings it back.
        aside = path.with_name(f".{path.name}{_SET_ASIDE}{secrets.token_hex(4)}")
        os.rename(path, aside)
        os.rename(temporary, path)
        shutil.rmtree(aside, ignore_errors=True)
    fsync(path.parent)


def _exchange(a: Path, b: Path) -> bool:
    """Swap two folders atomically; False where the system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    here, swap = -100, 2  # AT_FDCWD; RENAME_EXCHANGE on Linux and RENAME_SWAP on macOS
    if hasattr(libc, "renameat2"):
        return libc.renameat2(here, os.fsencode(a), here, os.fsencode(b), swap) == 0
    if hasattr(libc, "renamex_np"):
        return libc.renamex_np(os.fsencode(a), os.fsencode(b), swap) == 0
    return False


def write_whole(path: Path, text: str) -> None:
    """Write a text file that is there complete or not at all, whenever the process is killed."""
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


def fsync(path: Path) -> None:
    """Make a file's content, or the names in a folder, outlast a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
