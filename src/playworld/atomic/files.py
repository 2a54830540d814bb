"""One file that is there complete or not at all, and errors that name what was not written."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from playworld.atomic.temporary import begin_file, clear_stale

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}
_NO_FSYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF}
_NOT_IN_PLACE = {errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES}
"""What renaming onto a file says that is a mount point, or a folder in which nothing is renamed."""


class CannotSave(OSError):
    """A disk that is full or fails, with what a person has to know."""


def cannot_save(path: Path, needed: int, error: BaseException) -> CannotSave:
    """The error of a file or folder that could not be written, and the bytes that it needs."""
    reason = getattr(error, "strerror", None) or str(error)
    message = f"cannot save {path} ({needed} bytes needed): {reason}"
    return CannotSave(getattr(error, "errno", None) or 0, message)


def is_full(error: OSError) -> bool:
    """Whether a disk is full, over a quota, read-only or failing."""
    return error.errno in _FULL


@contextmanager
def named(path: Path, needed: int) -> Iterator[None]:
    """Within the block, an error of the disk names `path` and the bytes needed."""
    try:
        yield
    except CannotSave:
        raise
    except OSError as error:
        raise cannot_save(path, needed, error) from error


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that is there complete or not at all, whenever the process is killed.

    See `whole_file`. Where nothing can be made beside it, an older file is overwritten in place.

    Raises:
        CannotSave: where the disk is full or fails; the older file is as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    with named(path, len(data)):
        try:
            with whole_file(path, len(data)) as file:
                file.write(data)
        except PermissionError:
            with open(path, "r+b") as file:  # raises the same where there is none
                file.write(data)
                file.truncate()
                synced(file.fileno())


@contextmanager
def whole_file(path: Path, needed: int) -> Iterator[BinaryIO]:
    """A file to fill (and read); on leaving the block it takes the place of `path`.

    It is written under a hidden name beside it, fsynced, renamed, and the folder is fsynced; rights
    of an older file stay, and a link to a file goes on leading there. Where the system lets nothing
    be renamed onto it (it is a mount point), its content is copied there.

    Args:
        path: of the file.
        needed: bytes, for the error.

    Raises:
        CannotSave: where the disk is full or fails; the older file is as it was.
    """
    path = Path(os.path.realpath(path))
    clear_stale(path.parent)
    part: Path | None = None
    try:
        part, file = begin_file(path.parent, path.name)
        with file:
            yield file
            file.flush()
            synced(file.fileno())
            _put(part, path)
    except OSError as error:
        if isinstance(error, CannotSave) or not is_full(error):
            raise
        raise cannot_save(path, needed, error) from error
    finally:
        if part is not None:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    fsync(path.parent)


def _put(part: Path, path: Path) -> None:
    with suppress(OSError):  # none yet, or a file system without rights
        shutil.copymode(path, part)
    try:
        os.replace(part, path)
    except OSError as error:
        if error.errno not in _NOT_IN_PLACE or not path.is_file():
            raise
        shutil.copyfile(part, path)
        fsync(path)


def synced(descriptor: int) -> None:
    """Make what was written last, as far as the file system offers it.

    Shared folders of virtual machines and some network file systems refuse it (EINVAL), which is no
    reason to lose what was written.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FSYNC:
            raise


def fsync(path: Path) -> None:
    """Make a file's content, or the names in a folder, outlast a power cut."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # a folder in which one may write and not read
        return
    try:
        synced(descriptor)
    finally:
        os.close(descriptor)
