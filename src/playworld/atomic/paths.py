"""Paths that may be written: folders for results, the user's cache, and what systems add."""

import os
from pathlib import Path

from playworld.config import InputError

_LITTER = {
    ".DS_Store",
    ".Spotlight-V100",
    ".TemporaryItems",
    ".Trashes",
    ".apdisk",
    ".directory",
    ".fseventsd",
    ".ipynb_checkpoints",
    ".localized",
    "$RECYCLE.BIN",
    "@eaDir",
    "Icon\r",
    "System Volume Information",
    "Thumbs.db",
    "__MACOSX",
    "desktop.ini",
    "ehthumbs.db",
    "lost+found",
}
_LOWER = {name.lower() for name in _LITTER}


def is_litter(name: str) -> bool:
    """Whether a system or a file manager puts files of this name into every folder."""
    return name.lower() in _LOWER or name.startswith(("._", ".nfs", ".fuse_hidden", ".Trash-"))


def may_be_ignored(name: str) -> bool:
    """Whether a folder with nothing but such names counts as empty: litter, and hidden files."""
    return name.startswith(".") or is_litter(name)


def cache_folder(option: str | None = None) -> Path:
    """The user's folder of things that can be made again, below XDG_CACHE_HOME or ~/.cache.

    Args:
        option: of the command line, with which it is not needed.

    Raises:
        InputError: where there is none that can be written, with what to set.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # the specification says to ignore a relative one
        base = os.path.expanduser("~/.cache")
    instead = f", or give {option}" if option else ""
    advice = f"set XDG_CACHE_HOME to a folder that can{instead}"
    if not os.path.isabs(base):
        raise InputError(f"this user has no home folder for a cache that can be written: {advice}")
    folder = Path(base) / "playworld"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"the cache {folder} cannot be written ({reason}): {advice}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"the cache {folder} cannot be written: {advice}")
    return folder


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
    if not os.access(path, os.W_OK | os.X_OK):
        raise InputError(f"{path} cannot be written into")
    return path
