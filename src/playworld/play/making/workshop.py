"""All worlds that are made in one folder: their videos, the command at work, and their state."""

import sys
import time
from pathlib import Path
from typing import Any

from fastapi import HTTPException

from playworld.play.making.jobs import Busy, Job, Jobs
from playworld.play.making.options import MakingOptions
from playworld.play.making.project import LONGEST_TITLE, Project, read_document
from playworld.play.making.videos import Videos
from playworld.play.served import slug

END_SECONDS = 30.0
"""How long a command may take to save before its world is deleted."""
MOST_PROJECTS = 500

AT_WORK = "Another world is being made on this machine: one at a time. Stop it first."
AT_WORK_HERE = "This is being worked on: stop it first."
TRAINED = "A world was trained on these videos already: make another world for others."


class Workshop:
    """The worlds that are made in one folder."""

    def __init__(self, folder: Path, options: MakingOptions) -> None:
        self.folder, self.options = folder, options
        self.jobs, self.videos = Jobs(folder), Videos(folder, options)

    def find(self, name: str) -> Project:
        """The project of this name.

        Raises:
            HTTPException: 404.
        """
        project = Project(self.folder / name)
        if slug(name) != name or not project.exists:
            raise HTTPException(404, "There is no such world in the making.")
        return project

    def folders(self) -> list[Path]:
        """Every folder beside the others, in the order of their names."""
        try:
            found = sorted(path for path in self.folder.iterdir() if path.is_dir())
        except OSError:  # there is none yet, or it cannot be read
            return []
        return [path for path in found if not path.name.startswith(".")]

    def projects(self) -> list[Project]:
        """All of them, in the order of their names."""
        found = (Project(path) for path in self.folders())
        return [
            project for project in found if project.exists and slug(name := project.name) == name
        ]

    def begin(self, title: str, taken: set[str]) -> Project:
        """A new project; `taken` are names in addresses that other worlds have.

        Raises:
            HTTPException: with 400, 409 or 507.
        """
        title = " ".join(title.split())
        if not title or len(title) > LONGEST_TITLE or not title.isprintable():
            raise HTTPException(400, f"A world's name has 1 to {LONGEST_TITLE} characters.")
        if len(self.projects()) >= MOST_PROJECTS:
            raise HTTPException(409, f"There are {MOST_PROJECTS} worlds here: delete some first.")
        self._end_deleted()
        self.videos.check_room()
        name, count = slug(title), 1
        while name in taken or (self.folder / name).exists():
            count += 1
            name = f"{slug(title)}-{count}"
        try:
            return Project.begin(self.folder / name, title)
        except OSError as error:
            reason = f"{self.folder} cannot be written ({error.strerror})"
            raise HTTPException(507, f"{reason}: choose another --worlds-folder.") from None

    def refuse_fixed(self, project: Project) -> None:
        """Raise HTTPException (409) where the videos cannot change, else forget their clips."""
        if self._job(project) is not None:
            raise HTTPException(409, AT_WORK_HERE)
        if project.is_trained:
            raise HTTPException(409, TRAINED)
        project.forget_clips()

    def read(self, project: Project) -> None:
        """Begin to cut the videos into clips, to see what is in them.

        Raises:
            HTTPException: with 409 or 507.
        """
        if project.is_trained:
            raise HTTPException(409, TRAINED)
        self._start(project, "read", "--ingest-only")

    def train(self, project: Project, minutes: float, gravity: bool = False) -> None:
        """Begin to make the world, or go on with it, with the gravity that it was begun with.

        Raises:
            HTTPException: with 400, 409 or 507.
        """
        most, before = self.options.max_making_minutes, project.budget().get("asked", {})
        if not 0 < minutes <= most:
            raise HTTPException(400, f"A world is made in up to {most:g} minutes.")
        if project.is_trained and minutes < before.get("minutes", 0):
            raise HTTPException(400, f"It was begun with {before['minutes']:g} minutes: give more.")
        if project.is_trained:
            gravity = before.get("gravity", False)
        options = ["--minutes", f"{minutes:g}", *(["--gravity"] if gravity else [])]
        self._start(project, "train", *options)
        project.remember(minutes=minutes, gravity=gravity)

    def stop(self, project: Project) -> None:
        """Ask the command at work to save and end.

        Raises:
            HTTPException: 409, there is none.
        """
        if not self.jobs.stop(project.name):
            raise HTTPException(409, "Nothing is at work here.")

    def delete(self, project: Project) -> None:
        """End what is at work, and delete all that belongs to the project.

        Raises:
            HTTPException: 409.
        """
        self.jobs.end(project.name, END_SECONDS)
        try:
            project.delete()
        except OSError as error:
            raise HTTPException(409, f"It cannot be deleted ({error.strerror}).") from None

    def state(self, project: Project) -> dict[str, Any]:
        """What the page shows of a project in a list."""
        ours, about = self._job(project), project.about()
        return {
            "name": project.name,
            "title": about["title"],
            "minutes": about["minutes"],
            "gravity": about["gravity"],
            "state": _state(project, ours),
            "is_stopping": ours is not None and self.jobs.is_stopping(ours),
            "said": "" if ours else project.last_words(),
            "progress": None if ours is None else _progress(project, ours),
            "is_playable": project.playable() is not None,
        }

    def _job(self, project: Project) -> Job | None:
        """The command at work, if it is the one that makes this."""
        job = self.jobs.current()
        return job if job is not None and job.name == project.name else None

    def _end_deleted(self) -> None:
        """End the command at work where somebody has deleted the folder of its world."""
        job = self.jobs.current()
        if job is not None and job.pid and not Project(self.folder / job.name).exists:
            self.jobs.end(job.name, END_SECONDS)

    def _start(self, project: Project, kind: str, *options: str) -> None:
        self._end_deleted()
        self.videos.check_room()
        if not any(file["whole"] for file in project.files()):
            raise HTTPException(409, "There is no video yet.")
        project.progress.unlink(missing_ok=True)
        places = [str(path.absolute()) for path in (project.videos, project.world)]
        command = [sys.executable, "-m", "playworld", "create", *places, *options]
        command += ["--run", str(project.run.absolute()), f"--name={project.about()['title']}"]
        if self.options.making_from is not None:
            command += ["--from", self.options.making_from]
        command += ["--progress-to", str(project.progress.absolute())]
        spent = project.budget().get("spent", 0.0) if project.is_begun else 0.0
        try:
            self.jobs.start(Job(project.name, kind, time.time(), spent), command, project.log)
        except Busy:
            raise HTTPException(409, AT_WORK) from None


def _state(project: Project, job: Job | None) -> str:
    """In one word: videos, reading, read, training, stopped or ready."""
    if job is not None:
        return {"read": "reading"}.get(job.kind, "training")
    if project.is_finished:
        return "ready"
    if project.is_begun:
        return "stopped"
    return "read" if project.report() else "videos"


def _progress(project: Project, job: Job) -> dict[str, Any]:
    """How far the command is: its stage, and of training the time that is spent and left."""
    at = read_document(project.progress)
    return {
        "stage": str(at.get("stage", "")),
        "note": str(at.get("note", "")),
        "done": at.get("done", 0),
        "of": at.get("of", 0),
        "seconds": round(job.spent + time.time() - job.began, 1),
    }
