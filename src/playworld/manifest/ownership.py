"""Which files of a folder are ours to replace or remove, and where nothing may be written."""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from playworld.atomic import check_place, folder_at, is_litter, may_be_ignored
from playworld.config import InputError, to_dict
from playworld.manifest.listing import (
    MANIFEST,
    is_manifest,
    listed_files,
    parse_json,
    record_of,
    safe_name,
)


def own_files(path: Path) -> set[str]:
    """Names of the files that `write_folder` may replace: those that the manifest lists.

    A document that was changed since, such as a card edited by hand, is not ours any more.
    """
    found = {MANIFEST}
    for name, record in listed_files(path).items():
        file = path / safe_name(name, path)
        linked = any(folder.is_symlink() for folder in file.parents if path in folder.parents)
        if not linked and (name.endswith(".safetensors") or _is_as_written(file, record)):
            found.add(name)
    return found


def remove_folder(path: Path) -> None:
    """Remove a folder that `write_folder` made, but for what others have put into it."""
    for name in sorted(own_files(path) - {MANIFEST}):
        (path / name).unlink(missing_ok=True)
    (path / MANIFEST).unlink(missing_ok=True)  # last: a kill before it leaves what is to be removed
    for entry in [*path.iterdir()]:
        if is_litter(entry.name) and entry.is_file():
            entry.unlink(missing_ok=True)
    for folder in sorted({path, *(p for p in path.rglob("*") if p.is_dir())}, reverse=True):
        with suppress(OSError):  # not empty
            folder.rmdir()


def refuse_foreign(path: Path, weights: Collection[str]) -> None:
    """Raise InputError if writing here would fail, or mix with something of another kind.

    `playworld train ... ~/Videos` must not write among the videos, nor `agent clone` into a world;
    better reported before the training. The kind of a folder follows from the safetensors files in
    its manifest: `weights` names those that are to be written.
    """
    check_place(path)
    if not path.is_dir() or all(may_be_ignored(entry.name) for entry in path.iterdir()):
        return
    if not _is_ours(path, weights):
        raise InputError(f"{path} holds files that playworld did not write: choose another folder")
    found = {name for name in listed_files(path) if name.endswith(".safetensors")}
    if weights and found and found != set(weights):
        raise InputError(
            f"{path} is another kind of folder: it holds {', '.join(sorted(found))}, where "
            f"{', '.join(sorted(weights))} would be written; choose another folder"
        )
    own_files(path)  # raises for a manifest with names that lead elsewhere


def refuse_sealed(path: Path) -> None:
    """Raise InputError if loose results cannot be written here: into a file, or into a world.

    A folder with a manifest is written in one piece, so nothing else belongs into it.
    """
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file, where a folder is to be written")
    if (path / MANIFEST).is_file():
        raise InputError(
            f"{path} is a world or another finished folder: choose a folder of their own for the "
            "results"
        )


def results_folder(path: Path) -> Path:
    """The folder for loose results, made where there is none: called before the work.

    Raises:
        InputError: see `refuse_sealed`; or where the folder cannot be written into.
    """
    refuse_sealed(path)
    return folder_at(path)


def _is_ours(path: Path, weights: Collection[str]) -> bool:
    """Whether we wrote the folder: by its manifest, or by weights beside a damaged one of ours.

    Many programs call a file of theirs manifest.json, some with comments in it.
    """
    try:
        return is_manifest(parse_json(path / MANIFEST))
    except FileNotFoundError:
        return False
    except (InputError, IsADirectoryError):
        return any((path / name).is_file() for name in weights)


def _is_as_written(file: Path, record: Any) -> bool:
    try:
        return to_dict(record_of(file)) == record
    except OSError:
        return False
