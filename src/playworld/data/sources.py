"""Which files of a folder may be videos, and where the clips may go."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from playworld.config import InputError

ACTIONS_SUFFIX = ".actions.json"
"""Ending of the files that hold true actions; for evaluation only, never read here."""


def find_videos(videos: Path) -> tuple[list[tuple[str, int]], list[tuple[str, str]]]:
    """Files to try, as (name relative to `videos`, bytes), and files to skip, with the reason.

    Any regular file may be a video, whatever its ending; hidden files and action files are passed
    over. Links are not followed: the video behind one could reach both splits, or lie elsewhere.

    Raises:
        InputError: where `videos` is no folder or holds no file.
    """
    if not videos.is_dir():
        what = "is a file" if videos.exists() else "does not exist"
        raise InputError(f"VIDEOS should be a folder of video files; {videos} {what}")
    files, skipped = [], []
    for path in _walk(videos):
        name = path.relative_to(videos).as_posix()
        try:
            name.encode()
        except UnicodeEncodeError:
            skipped.append((ascii(name), "its name is not UTF-8"))
            continue
        if reason := _reason_to_skip(path, videos):
            skipped.append((name, reason))
        else:
            files.append((name, path.stat().st_size))
    if not files and not skipped:
        raise InputError(f"{videos} holds no files; put video files in it")
    return files, skipped


def _walk(videos: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(videos):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        for name in sorted(names + linked):
            if not name.startswith(".") and not name.endswith(ACTIONS_SUFFIX):
                yield Path(folder, name)


def _reason_to_skip(path: Path, videos: Path) -> str | None:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        inside = path.resolve().is_relative_to(videos.resolve())
        return "a link to elsewhere in the folder" if inside else "a link that leaves the folder"
    if not stat.S_ISREG(mode):
        return "not a regular file"
    return "empty" if path.stat().st_size == 0 else None


def check_target(videos: Path, clips: Path) -> None:
    """Refuse to write where something else than clips would be lost.

    Raises:
        InputError: where `clips` lies in or around `videos`, or is no folder of clips.
    """
    here, there = videos.resolve(), clips.resolve()
    if here == there or here.is_relative_to(there) or there.is_relative_to(here):
        raise InputError(f"CLIPS and VIDEOS should lie side by side, got {clips} and {videos}")
    if clips.exists() and not clips.is_dir():
        raise InputError(f"CLIPS should be a folder; {clips} is a file")
    if clips.is_dir() and any(clips.iterdir()) and not (clips / "dataset.json").is_file():
        raise InputError(f"{clips} holds something else than clips; name another folder")
