"""Videos that people bring: in slices, straight to the disk, under names that are no paths.

A file arrives as `.NAME.part` beside its place, one slice after the other, so that a connection
may break and the page go on. Nothing here looks into a video: that is done in child processes.
"""

import errno
import os
import shutil
from pathlib import Path

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from playworld.atomic import may_be_ignored
from playworld.play.making.options import MakingOptions
from playworld.play.making.project import PART, Project

LONGEST_NAME = 120
"""Bytes of a file's name."""
MOST_FILES = 2000
"""Videos of one world."""
BUFFER = 2**20
FULL = {errno.ENOSPC, errno.EDQUOT}

NO_ROOM = "The disk is nearly full: make room, or choose another --worlds-folder."


def safe_name(name: str) -> str:
    """The name under which a file is kept: printable, no path, not hidden, not too long.

    Raises:
        HTTPException: 400, nothing is left of it.
    """
    kept = "".join(c if c.isprintable() and c not in '/\\:*?"<>|' else "-" for c in name)
    stem, dot, ending = kept.strip(" .-").rpartition(".")
    stem, ending = (stem, dot + ending[:12]) if stem else (ending, "")
    while len((stem + ending).encode(errors="replace")) > LONGEST_NAME:
        stem, ending = (stem[:-1], ending) if stem else (stem, ending[:-1])
    kept = (stem + ending).encode(errors="replace").decode()
    if not kept or may_be_ignored(kept):
        raise HTTPException(400, "A video needs a file name.")
    if kept.endswith(".actions.json"):
        raise HTTPException(400, "Files of actions are not read here: give --actions to label.")
    return kept


class Videos:
    """The videos of all projects, within their limits."""

    def __init__(self, folder: Path, options: MakingOptions) -> None:
        self._folder, self._options = folder, options
        self._arriving: set[Path] = set()

    async def take(
        self, project: Project, name: str, at: int, size: int, request: Request
    ) -> dict[str, int | str | bool]:
        """Append the body of a request to a video; the last slice puts it in its place.

        Args:
            project: whose video it is.
            name: what the file is called where it comes from.
            at: bytes of it that are there already; 0 begins anew.
            size: bytes of the whole file.
            request: has the bytes from there on.

        Raises:
            HTTPException: with 400, 409, 413 or 507.
        """
        kept = safe_name(name)
        place, part = project.videos / kept, project.videos / f".{kept}{PART}"
        self._check(project, place, part, at, size)
        self._arriving.add(part)
        try:
            length = await _append(part, at, size, request)
            if length == size:
                os.replace(part, place)
        except OSError as error:
            _cut(part, at)
            if error.errno in FULL:
                raise HTTPException(507, NO_ROOM) from None
            raise HTTPException(409, f"The video cannot be kept ({error.strerror}).") from None
        except BaseException:
            _cut(part, at)
            raise
        finally:
            self._arriving.discard(part)
        return {"name": kept, "bytes": length, "whole": length == size}

    def remove(self, project: Project, name: str) -> None:
        """Delete a video, or what has arrived of one.

        Raises:
            HTTPException: 404, there is none.
        """
        kept = safe_name(name)
        place, part = project.videos / kept, project.videos / f".{kept}{PART}"
        there = [path for path in (place, part) if path.is_file() and path not in self._arriving]
        if not there:
            raise HTTPException(404, "There is no such video.")
        for path in there:
            path.unlink(missing_ok=True)

    def check_room(self, needed: float = 0) -> None:
        """Raise HTTPException (507) where so many bytes more leave too little of the disk."""
        if self.room() < needed:
            raise HTTPException(507, NO_ROOM)

    def room(self) -> int:
        """Bytes that may still be written."""
        there = next(path for path in (self._folder, *self._folder.parents) if path.exists())
        return int(shutil.disk_usage(there).free - 1e6 * self._options.keep_free_mb)

    def _check(self, project: Project, place: Path, part: Path, at: int, size: int) -> None:
        limits = self._options
        if part in self._arriving:
            raise HTTPException(409, "This video is arriving already.")
        if place.exists():
            raise HTTPException(409, "There is a video of this name: delete it first.")
        if size > 1e6 * limits.max_video_mb:
            most = f"{limits.max_video_mb / 1000:g} GB"
            raise HTTPException(413, f"This video is larger than {most} (--max-video-mb).")
        there = part.stat().st_size if part.is_file() else 0
        if at and at != there:
            raise HTTPException(409, f"So far {there} bytes of this video are here: go on there.")
        others = [file for file in project.files() if file["name"] != place.name]
        if len(others) >= MOST_FILES:
            raise HTTPException(413, f"A world is made of at most {MOST_FILES} videos.")
        if sum(file["bytes"] for file in others) + size > 1e6 * limits.max_videos_mb:
            most = f"{limits.max_videos_mb / 1000:g} GB"
            raise HTTPException(413, f"The videos of a world may have {most} (--max-videos-mb).")
        self.check_room(size - at)


async def _append(part: Path, at: int, size: int, request: Request) -> int:
    """Write what arrives behind the first `at` bytes; returns how many there are then."""
    with open(part, "r+b" if at else "wb", buffering=BUFFER) as file:
        file.seek(at)
        try:
            async for piece in request.stream():
                at += len(piece)
                if at > size:
                    raise HTTPException(400, "The file is longer than was said.")
                file.write(piece)
        except ClientDisconnect:
            raise HTTPException(400, "The video did not arrive.") from None
        file.truncate()
    return at


def _cut(part: Path, length: int) -> None:
    """Keep what was there before a slice that did not arrive whole."""
    if length == 0:
        part.unlink(missing_ok=True)
    elif part.is_file():
        os.truncate(part, length)
