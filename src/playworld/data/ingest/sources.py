"""Which files of a folder may be videos, and where the clips may go."""

import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from playworld.atomic import check_place, may_be_ignored
from playworld.config import InputError
from playworld.data.clips.shards.layout import read_json
from playworld.data.clips.split_names import SPLITS

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/")
"""How a URL begins, as a path."""
CLIPS = re.compile(
    r"dataset\.json|report\.(json|html)|(train|valid)/(index\.json|shard-[0-9]+\.bin)"
)
"""Files of clips."""
_OF_CLIPS = {"format", "height", "width", "fps", "chunk", "splits"}
"""What `dataset.json` of a folder of clips says; other programs have files of that name, too."""
ACTIONS_SUFFIX = ".actions.json"
"""Ending of the files that hold true actions; for evaluation only, never read here."""


def find_videos(videos: Path) -> tuple[list[tuple[str, int]], list[tuple[str, str]]]:
    """Files to try, as (name relative to `videos`, bytes), and files to skip, with the reason.

    Any regular file may be a video, whatever its ending; hidden files, action files and what
    systems put into folders (Thumbs.db) are passed over. Links are not followed: the video behind
    one could reach both splits, or lie elsewhere.

    Raises:
        InputError: where `videos` is no folder or holds no file.
    """
    if not videos.is_dir():
        what = "is a file" if videos.exists() else "does not exist"
        raise InputError(f"VIDEOS should be a folder of video files; {videos} {what}")
    files, skipped = [], []
    for path, error in _walk(videos):
        name = path.relative_to(videos).as_posix()
        try:
            name.encode()
        except UnicodeEncodeError:
            skipped.append((ascii(name), "its name is not UTF-8"))
            continue
        try:
            if error is not None:
                raise error
            status = path.lstat()
        except OSError as error:  # it vanished meanwhile, or lies too deep, or is not ours to read
            skipped.append((name, f"cannot be looked at ({error.strerror})"))
            continue
        if reason := _reason_to_skip(path, status, videos):
            skipped.append((name, reason))
        else:
            files.append((name, status.st_size))
    if not files and not skipped:
        raise InputError(f"{videos} holds no files; put video files in it")
    return files, skipped


def _walk(videos: Path) -> Iterator[tuple[Path, OSError | None]]:
    """Everything but folders, and folders that cannot be read, with the reason."""
    unread: list[OSError] = []
    for folder, folders, names in os.walk(videos, onerror=unread.append):
        folders[:] = sorted(name for name in folders if not may_be_ignored(name))
        linked = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted(names + linked):
            if not may_be_ignored(name) and not name.endswith(ACTIONS_SUFFIX):
                yield Path(folder, name), None
    for error in unread:
        yield Path(error.filename), error


def _reason_to_skip(path: Path, status: os.stat_result, videos: Path) -> str | None:
    if stat.S_ISLNK(status.st_mode):
        return _why_not_to_follow(path, videos)
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    return "empty" if status.st_size == 0 else None


def _why_not_to_follow(link: Path, videos: Path) -> str:
    if _goes_in_a_circle(link):
        return "a link that leads to itself"
    # Not Path.resolve, which raises RuntimeError where links go round in a circle.
    inside = Path(os.path.realpath(link)).is_relative_to(os.path.realpath(videos))
    return "a link to elsewhere in the folder" if inside else "a link that leaves the folder"


def _goes_in_a_circle(link: Path) -> bool:
    try:
        link.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def check_target(source: Path, target: Path) -> None:
    """Refuse to write clips where they cannot be written, or would mix with something else.

    Raises:
        InputError: where `target` lies in or around `source`, is no local folder, cannot be written
            into, or holds files and no clips.
    """
    if _goes_in_a_circle(target):
        raise InputError(f"clips are written to a folder; {target} is a link that leads to itself")
    here, there = (Path(os.path.realpath(path)) for path in (source, target))
    if here == there or here.is_relative_to(there) or there.is_relative_to(here):
        raise InputError(
            f"clips and what they come from should lie side by side, got {target} and {source}"
        )
    if ADDRESS.match(str(target)):
        raise InputError(f"clips are written to a local folder, not to {target}; copy them there")
    if target.exists() and not target.is_dir():
        raise InputError(f"clips are written to a folder; {target} is a file")
    check_place(target)
    if target.is_dir() and (other := _no_clips(target)):
        raise InputError(f"{target} holds something else than clips ({other}); name another folder")


def own_clips(folder: Path) -> set[str]:
    """Names of the files in a folder of clips that other clips replace; all else stays."""
    parts = [folder, *(folder / split for split in SPLITS if not (folder / split).is_symlink())]
    files = (path for part in parts if part.is_dir() for path in part.iterdir())
    names = (path.relative_to(folder).as_posix() for path in files if not path.is_dir())
    return {name for name in names if CLIPS.fullmatch(name)}


def _no_clips(folder: Path) -> str | None:
    """Something in a folder that holds no clips."""
    if (folder / "dataset.json").is_file():
        return None if _OF_CLIPS <= set(read_json(folder / "dataset.json")) else "dataset.json"
    names = sorted(path.name for path in folder.iterdir())
    return next((name for name in names if not may_be_ignored(name)), None)
