"""Options of the page that makes worlds. Imports nothing heavy: the command line reads it."""

import os
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import FlagCreatePairsOff

from playworld.config import InputError
from playworld.play.options import PlayOptions

LIMITS = ("max_video_mb", "max_videos_mb", "max_making_minutes", "keep_free_mb")


@dataclass(frozen=True)
class MakingOptions:
    """Where worlds are made, from what, and how large they may become."""

    worlds_folder: Path | None = None
    """Folder of worlds to choose from, in which the page makes new ones; in the user's data folder
    (~/.local/share/playworld/worlds) if not given."""
    allow_making: FlagCreatePairsOff[bool] = False
    """Let all who reach the page make worlds on this machine, though others than it can."""
    making_from: str | None = None
    """The world that new ones start from: a folder, or a built-in name; that of `create` if not
    given."""
    max_video_mb: float = 4000.0
    """Largest video file that is taken, in millions of bytes."""
    max_videos_mb: float = 20_000.0
    """Videos of one world, in millions of bytes."""
    max_making_minutes: float = 1440.0
    """Longest time budget of one world, in minutes."""
    keep_free_mb: float = 2000.0
    """Millions of bytes that stay free on the disk: no video is taken beyond them."""

    def __post_init__(self) -> None:
        for name in LIMITS:
            if not 0 < getattr(self, name) < 1e9:
                raise ValueError(f"{name} must be above 0 and below 1e9, got {getattr(self, name)}")

    def allowed(self, server: PlayOptions) -> bool:
        """Whether worlds are made on this server."""
        return self.allow_making or server.is_local

    def folder(self) -> Path:
        """The folder of worlds, which need not be there yet.

        Raises:
            InputError: none is given, and the user has no home.
        """
        if self.worlds_folder is not None:
            return self.worlds_folder
        base = os.environ.get("XDG_DATA_HOME", "")
        if not os.path.isabs(base):  # the specification says to ignore a relative one
            base = os.path.expanduser("~/.local/share")
        if not os.path.isabs(base):
            raise InputError("this user has no home folder for worlds: give --worlds-folder")
        return Path(base) / "playworld" / "worlds"
