"""A folder that is there complete or not at all, among files that are not ours.

A folder that is new is written beside its place and renamed. In one that is there already, the
files are written into a hidden folder inside it, which one rename makes the commit; then each of
them is moved to its place, and the files that they replace are removed. After a kill, whoever opens
the folder next moves the rest (`settle`). So nothing that we did not write is touched, and a mount
point, or a folder whose parent cannot be written, is as good as any other.
"""

import errno
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from playworld.atomic.files import CannotSave, fsync
from playworld.atomic.locks import flock
from playworld.atomic.temporary import begin_folder, clear_stale, keep, temporary_path
from playworld.config import InputError

_COMMIT = ".playworld-commit"
_REMOVE = ".playworld-remove.json"
_LAST = ("dataset.json", "manifest.json")
"""What says that a folder is complete is moved last."""
_NO_PLACE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ELOOP}


@contextmanager
def new_folder(
    path: Path, ours: Callable[[Path], Collection[str]] = lambda path: ()
) -> Iterator[Path]:
    """Yield an empty hidden folder to fill; on leaving, its files are those of `path`.

    At every moment `path` has the old files (or is not there) or the new ones, complete; after an
    exception the old ones stay. Files that are not ours stay as well; one that lies where one of
    the new files goes is renamed to NAME.orig.

    Args:
        path: the folder.
        ours: from an older folder at `path`, the relative names of its files that are replaced.

    Raises:
        InputError: where nothing can be written.
        CannotSave: where the complete folder cannot be moved into its place; says where it lies.
    """
    path = Path(os.path.realpath(path))
    stage, lock = _begin(path)
    complete = kept = False
    try:
        yield stage
        for entry in [*stage.rglob("*"), stage]:
            fsync(entry)
        complete = True
        _commit(stage, path, ours)
    except Exception as error:
        if not complete:
            raise
        where, kept = (keep(stage, path.name) if stage.exists() else path / _COMMIT), True
        reason = getattr(error, "strerror", None) or error
        raise CannotSave(
            getattr(error, "errno", None) or 0,
            f"{path} is written but cannot be put in its place ({reason}): all of it lies complete "
            f"in {where}, move it yourself",
        ) from error
    finally:
        os.close(lock)
        if not kept:
            shutil.rmtree(stage, ignore_errors=True)


def check_place(path: Path) -> None:
    """Raise InputError unless `new_folder` could write here: asked before the work."""
    path = Path(os.path.realpath(path))
    try:
        if os.path.islink(path):  # resolved, it is one only where links go round in a circle
            raise InputError(f"{path} is a link that leads to itself: choose another folder")
        if os.path.exists(path) and not os.path.isdir(path):
            raise InputError(f"{path} is a file, where a folder is to be written")
        settle(path)
        place = next(folder for folder in (path, *path.parents) if os.path.exists(folder))
        trial = temporary_path(place, "trial")
        trial.mkdir()
        trial.rmdir()
    except OSError as error:
        raise _no_place(path, error) from error


def settle(path: Path) -> bool:
    """Finish the replacement of a folder whose writer was killed; returns whether there was one.

    That of a living writer is waited for.

    Raises:
        InputError: where the rest cannot be moved.
    """
    commit = Path(path) / _COMMIT
    if not os.path.lexists(commit):
        return False
    try:
        with _locked(path):
            if os.path.lexists(commit):
                _roll_forward(path)
        return True
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} was being replaced when that was stopped, and what is left in "
            f"{commit} cannot be moved ({error}); open it where it can be written"
        ) from error


def _begin(path: Path) -> tuple[Path, int]:
    """A folder for the new files: inside `path` where that is there, else beside it."""
    try:
        settle(path)
        inside = os.path.isdir(path)
        if not inside:
            path.parent.mkdir(parents=True, exist_ok=True)
        place = path if inside else path.parent
        clear_stale(place)
        return begin_folder(place, "new" if inside else path.name)
    except OSError as error:
        if error.errno in _NO_PLACE:
            raise _no_place(path, error) from error
        raise


def _no_place(path: Path, error: OSError) -> InputError:
    if os.path.isdir(path):
        return InputError(f"{path} cannot be written into ({error.strerror})")
    parent = next(folder for folder in path.parents if os.path.exists(folder))
    reason = f"{parent} cannot be written ({error.strerror})"
    return InputError(f"no folder can be made at {path}: {reason}")


def _commit(stage: Path, path: Path, ours: Callable[[Path], Collection[str]]) -> None:
    if stage.parent != path:
        try:
            os.rename(stage, path)
            fsync(path.parent)
            return
        except OSError:
            if not path.is_dir():  # else another process has made one
                raise
    known = set(ours(path))
    names = [p.relative_to(stage).as_posix() for p in stage.rglob("*") if not p.is_dir()]
    for name in names:
        _make_way(path, name, known)
    removed = sorted(known - set(names))
    (stage / _REMOVE).write_text(json.dumps(removed))
    fsync(stage / _REMOVE)
    fsync(stage)
    with _locked(path):
        if os.path.lexists(path / _COMMIT):
            _roll_forward(path)
        os.rename(stage, path / _COMMIT)
        try:
            fsync(path)
            _roll_forward(path)
        except KeyboardInterrupt:
            _roll_forward(path)
            raise


def _make_way(path: Path, name: str, known: Collection[str]) -> None:
    """Rename what is not ours and lies where a new file, or a folder around it, goes."""
    parts = PurePosixPath(name).parts
    for depth in range(1, len(parts) + 1):
        there, own = path.joinpath(*parts[:depth]), "/".join(parts[:depth]) in known
        folder = there.is_dir() and not there.is_symlink()
        if not os.path.lexists(there) or (folder if depth < len(parts) else own and not folder):
            continue
        move_aside(there)


def move_aside(path: Path) -> None:
    """Rename what is not ours to NAME.orig, or to NAME.orig2 where that is taken, and so on."""
    aside, count = path.with_name(f"{path.name}.orig"), 1
    while os.path.lexists(aside):
        count += 1
        aside = path.with_name(f"{path.name}.orig{count}")
    os.rename(path, aside)


def _roll_forward(path: Path) -> None:
    """Move the files of a commit to their places; may be done again, and by anyone.

    A folder may come from a stranger: nothing outside of it is touched, not through links either.
    """
    commit = path / _COMMIT
    if commit.is_symlink() or not commit.is_dir():
        raise ValueError(f"{commit} is no folder")
    listing = commit / _REMOVE
    removed = json.loads(listing.read_text()) if listing.is_file() else []
    for name in removed:
        with suppress(FileNotFoundError):
            _inside(path, name).unlink()
    new = [p for p in commit.rglob("*") if p != listing and (p.is_symlink() or not p.is_dir())]
    for source in sorted(new, key=lambda p: (p.name in _LAST, p)):
        target = _inside(path, source.relative_to(commit).as_posix())
        target.parent.mkdir(parents=True, exist_ok=True)
        _move(source, target)
    for folder in {path, *(path / name for name in _folders(commit))}:
        fsync(folder)
    with suppress(FileNotFoundError):  # removed by another process that moves them, too
        shutil.rmtree(commit)
    emptied = {str(part) for name in removed for part in PurePosixPath(name).parents[:-1]}
    for part in sorted(emptied, reverse=True):  # those within a folder before it
        with suppress(OSError):  # not empty
            _inside(path, part).rmdir()
    fsync(path)


def _folders(commit: Path) -> list[str]:
    return [p.relative_to(commit).as_posix() for p in commit.rglob("*") if p.is_dir()]


def _inside(path: Path, name: str) -> Path:
    """The path of a file of the folder.

    Raises:
        ValueError: where the name leads out of it.
    """
    parts = str(name).split("/")
    if "\\" in name or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"{name!r} is not the name of a file inside the folder")
    for depth in range(1, len(parts)):
        if path.joinpath(*parts[:depth]).is_symlink():
            raise ValueError(f"{name!r} lies behind a link")
    return path.joinpath(*parts)


def _move(source: Path, target: Path) -> None:
    try:
        os.replace(source, target)
    except FileNotFoundError:
        if source.exists():  # else another process has moved it
            raise
    except OSError as error:
        if error.errno != errno.EXDEV:  # a folder within the folder is a mount point
            raise
        part = temporary_path(target.parent, target.name)
        shutil.copyfile(source, part)
        fsync(part)
        os.replace(part, target)
        source.unlink()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Commits of one folder follow each other, where the file system has locks for folders."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        flock(descriptor, wait=True)
        yield
    finally:
        os.close(descriptor)
