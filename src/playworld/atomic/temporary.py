"""Hidden temporary files and folders that say whether their writer still lives.

A living writer holds a lock on what it writes, which the system drops when it dies: process
numbers, which are used again, say less.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from playworld.atomic.locks import flock

_MARK = ".playworld-tmp-"
_KEPT = ".playworld-keep"


def temporary_path(folder: Path, stem: str) -> Path:
    """A new hidden name in `folder`, short enough wherever `stem` itself is."""
    return folder / f".{stem[:20]}{_MARK}{secrets.token_hex(4)}"


def begin_folder(folder: Path, stem: str) -> tuple[Path, int]:
    """A new folder in `folder`, and the open descriptor that keeps it from being cleared away."""
    while True:
        path = temporary_path(folder, stem)
        path.mkdir()
        lock = os.open(path, os.O_RDONLY)
        with suppress(BlockingIOError):
            flock(lock, wait=False)
            if path.exists():  # else cleared away between mkdir and flock
                return path, lock
        os.close(lock)


def begin_file(folder: Path, stem: str) -> tuple[Path, BinaryIO]:
    """A new file in `folder`, open and kept from being cleared away as long as it is."""
    while True:
        path = temporary_path(folder, stem)
        file = open(path, "x+b")
        with suppress(BlockingIOError):
            flock(file.fileno(), wait=False)
            if path.exists():  # else cleared away between open and flock
                return path, file
        file.close()


@contextmanager
def temporary_folder(folder: Path, stem: str) -> Iterator[Path]:
    """A hidden folder within `folder` for the length of the block."""
    clear_stale(folder)
    path, lock = begin_folder(folder, stem)
    try:
        yield path
    finally:
        os.close(lock)
        shutil.rmtree(path, ignore_errors=True)


def keep(path: Path, stem: str) -> Path:
    """Take finished work out of the reach of `clear_stale`; returns where it lies then."""
    complete = path.with_name(f"{stem[:40]}-complete-{secrets.token_hex(4)}")
    try:
        os.rename(path, complete)
        return complete
    except OSError:
        with suppress(OSError):
            (path / _KEPT).touch()
        return path


def clear_stale(folder: Path) -> None:
    """Remove what writers that were killed left in `folder`; living writers are left alone.

    Where the file system has no locks, nothing looks abandoned.
    """
    for path in Path(folder).glob(f".*{_MARK}*"):
        if path.is_symlink() or (path / _KEPT).exists() or not _is_abandoned(path):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def _is_abandoned(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return flock(descriptor, wait=False)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
