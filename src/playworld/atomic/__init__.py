"""Files and folders that are there complete or not at all, on whatever file system they lie.

See docs/files.md for the guarantees.
"""

from playworld.atomic.files import (
    CannotSave,
    cannot_save,
    fsync,
    is_full,
    named,
    synced,
    whole_file,
    write_whole,
)
from playworld.atomic.folders import check_place, move_aside, new_folder, settle
from playworld.atomic.locks import alone
from playworld.atomic.paths import cache_folder, folder_at, is_litter, may_be_ignored
from playworld.atomic.temporary import clear_stale, temporary_folder

__all__ = [
    "CannotSave",
    "alone",
    "cache_folder",
    "cannot_save",
    "check_place",
    "clear_stale",
    "folder_at",
    "fsync",
    "is_full",
    "is_litter",
    "may_be_ignored",
    "move_aside",
    "named",
    "new_folder",
    "settle",
    "synced",
    "temporary_folder",
    "whole_file",
    "write_whole",
]
