"""A world in the making: a folder with its videos, what `create` makes of them, and the world.

All that is known of it is read from the disk, where the commands write it: so a server that was
started again, or another one, knows the same.
"""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from playworld.atomic import write_whole
from playworld.config import InputError
from playworld.data.clips.shards import read_json

DOCUMENT = "project.json"
LONGEST_TITLE = 60
STOPPED = "stopped;"
"""How the last sentence of a command begins that was asked to end."""
PICTURES = ("world/pictures/rollouts.png", "tokenizer/pictures/clips.png")
"""What the stages of training draw."""
REPORT = "round-{}/report/rollouts.png"
"""What is drawn when the world of a round is measured."""


class Project:
    """One of them, which may be no more than a title yet."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.name
        self.videos, self.run, self.world = (folder / part for part in ("videos", "run", "world"))
        self.clips = self.run / "clips"
        self.log, self.progress = folder / "log.txt", folder / "progress.json"

    @classmethod
    def begin(cls, folder: Path, title: str) -> "Project":
        """A new one."""
        project = cls(folder)
        project.videos.mkdir(parents=True)
        project.remember(title=title, minutes=None)
        return project

    @property
    def exists(self) -> bool:
        """Whether there is such a project."""
        return (self.folder / DOCUMENT).is_file()

    def about(self) -> dict[str, Any]:
        """Title, and minutes and gravity once they are chosen."""
        usual = {"title": self.name, "minutes": None, "gravity": False}
        return usual | read_document(self.folder / DOCUMENT)

    def remember(self, **known: Any) -> None:
        """Write down some of `about`."""
        write_whole(self.folder / DOCUMENT, json.dumps(self.about() | known))

    def budget(self) -> dict[str, Any]:
        """What `create` has decided and spent."""
        return read_document(self.run / "budget.json")

    def report(self) -> dict[str, Any]:
        """What `ingest` made of the videos; empty before."""
        return read_document(self.clips / "report.json")

    @property
    def is_trained(self) -> bool:
        """Whether something was trained on the videos, so that they cannot be others any more."""
        budget = self.budget()
        has_steps = bool({"tokenizer_steps", "world_steps"} & budget.keys())
        return has_steps or budget.get("round", 1) > 1

    @property
    def is_begun(self) -> bool:
        """Whether `create` has come past the videos."""
        return self.is_trained or self.budget().get("best") is not None

    @property
    def is_finished(self) -> bool:
        """Whether `create` came to its end with the minutes that it was given last."""
        return bool(self.budget().get("finished")) and self.world.is_dir()

    def forget_clips(self) -> None:
        """Make nothing of the videos yet: they are others now."""
        shutil.rmtree(self.run, ignore_errors=True)

    def delete(self) -> None:
        """Remove it with all that belongs to it; it is gone at once, whatever takes time."""
        aside = self.folder.with_name(f".deleted-{self.name}-{time.time_ns()}")
        os.rename(self.folder, aside)
        shutil.rmtree(aside, ignore_errors=True)

    def playable(self) -> Path | None:
        """The folder of its newest state that can be played: a world, or the run in training."""
        if self.is_finished:
            return self.world
        has_run = "world_steps" in self.budget() and (self.run / "preview").is_dir()
        if has_run and self.checkpoint():
            return self.run
        return self.world if self.world.is_dir() else self.best()

    def best(self) -> Path | None:
        """The best world so far, from which the one in training starts; None before."""
        best = self.budget().get("best")
        found = self.run / f"round-{best}" / "world"
        return found if best is not None and found.is_dir() else None

    def shown(self) -> Path | None:
        """The folder with config and card of what is playable: a run itself names no buttons."""
        folder = self.playable()
        if folder != self.run:
            return folder
        # What is trained further has the buttons of the world so far, which may have been named.
        return self.world if self.world.is_dir() else self.best() or self.run / "preview"

    def stamp(self) -> tuple[str, str] | None:
        """What changes when there is a newer state to play."""
        folder = self.playable()
        if folder is None:
            return None
        manifest = folder / "manifest.json"
        return str(folder), self.checkpoint() if folder == self.run else str(_written(manifest))

    def checkpoint(self) -> str:
        """Name of the newest checkpoint of the world in training; empty where there is none."""
        return max((path.name for path in (self.run / "world").glob("step-*")), default="")

    def picture(self) -> Path | None:
        """What was drawn last: held-out clips, and below them what the world makes of them."""
        drawn = [self.run / place for place in PICTURES]
        drawn += self.run.glob(REPORT.format("*"))
        if self.is_finished:
            drawn = [self.run / REPORT.format(self.budget()["best"])]
        return max(filter(Path.is_file, drawn), key=_written, default=None)

    def printed(self) -> str:
        """What the last command printed."""
        try:
            text = self.log.read_text(errors="replace")
        except OSError:
            return ""
        return text.replace(f"{self.folder}{os.sep}", "")

    def last_words(self) -> str:
        """The sentence with which the last command ended early; empty where it ended well.

        What a stopped one says is for a terminal, where the same command goes on.
        """
        lines, mark = self.printed().splitlines(), "playworld: "
        said = next((line for line in reversed(lines) if line.strip()), "")
        said = said.removeprefix(mark) if said.startswith(mark) else ""
        return "" if said.startswith(STOPPED) else said

    def files(self) -> list[dict[str, Any]]:
        """Names and sizes of its videos, those that are still arriving after the others."""
        try:
            found = sorted((path for path in self.videos.iterdir() if path.is_file()), key=_place)
            return [_file(path) for path in found]
        except OSError:  # one was deleted meanwhile
            return []


PART = ".part"
"""Ending of a video that is still arriving; its name begins with a dot, so nobody reads it."""


def _place(path: Path) -> tuple[bool, str]:
    return path.name.startswith("."), path.name


def _file(path: Path) -> dict[str, Any]:
    name, whole = path.name, not path.name.startswith(".")
    shown = name if whole else name.removeprefix(".").removesuffix(PART)
    return {"name": shown, "bytes": path.stat().st_size, "whole": whole}


def read_document(path: Path) -> dict[str, Any]:
    """What a JSON file of a project says; nothing where it is not there or damaged."""
    if not path.is_file():
        return {}
    try:
        found = read_json(path)
    except (InputError, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
