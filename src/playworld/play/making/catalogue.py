"""Worlds to choose from that are not loaded yet: built-in ones, and those in a folder."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from playworld.config import InputError, from_dict
from playworld.play.making.project import Project, read_document
from playworld.play.making.workshop import Workshop
from playworld.play.served import slug
from playworld.world import WorldConfig, built_in_worlds
from playworld.world import folder as files
from playworld.world.hub import locate


@dataclass(frozen=True)
class Listed:
    """A world that is loaded once somebody opens it."""

    name: str
    """In addresses."""
    title: str | None
    """What it is called where it was made here; else its own name counts."""
    kind: Literal["built-in", "made here", "folder"]
    source: str
    """What is loaded: a folder, or a built-in name."""
    stamp: Any
    """Another one is a newer state of it."""
    config: WorldConfig
    card: str
    picture: Path | None
    is_finished: bool = False
    """Whether it was made here and nothing is trained on: its buttons can be named."""


class Catalogue:
    """The worlds that a server offers beside those that it was started with."""

    def __init__(self, workshop: Workshop, served: Sequence[str]) -> None:
        """Args: `served` are the names in addresses of the worlds that are loaded anyway."""
        self._workshop, self._served = workshop, set(served)

    def all(self) -> list[Listed]:
        """Each of them under a name of its own, those that were made here first."""
        taken, found = set(self._served), []
        for world in (*self._made(), *self._in_folder(), *self._built_in()):
            if world.kind == "folder":
                world = replace(world, name=_free(world.name, taken))
            if world.name not in taken:
                taken.add(world.name)
                found.append(world)
        return found

    def find(self, name: str) -> Listed | None:
        """The world of this name."""
        return next((world for world in self.all() if world.name == name), None)

    def taken(self) -> set[str]:
        """Names that a new world cannot have."""
        return self._served | {world.name for world in self.all()} | set(built_in_worlds())

    def _made(self) -> Iterator[Listed]:
        for project in self._workshop.projects():
            folder, shown = project.playable(), project.shown()
            if folder is not None and shown is not None:
                title, stamp = project.about()["title"], project.stamp()
                found = _listed(project.name, title, "made here", shown, str(folder), stamp)
                yield from (replace(w, is_finished=project.is_finished) for w in found)

    def _in_folder(self) -> Iterator[Listed]:
        for path in self._workshop.folders():
            if not Project(path).exists:
                yield from _listed(slug(path.name), None, "folder", path, str(path), _stamp(path))

    def _built_in(self) -> Iterator[Listed]:
        for name in built_in_worlds():
            with locate(name) as path:
                found = list(_listed(name, None, "built-in", path, name, None))
            yield from (w for w in found if slug(w.config.name) not in self._served)


def _listed(
    name: str,
    title: str | None,
    kind: Literal["built-in", "made here", "folder"],
    folder: Path,
    source: str,
    stamp: Any,
) -> Iterator[Listed]:
    """The world, unless it is none or its documents cannot be read; weights are read later."""
    if not (folder / files.CONFIG_FILE).is_file():
        return
    try:
        config = from_dict(WorldConfig, read_document(folder / files.CONFIG_FILE), str(folder))
        card = folder / files.CARD_FILE
        text = card.read_text(errors="replace") if card.is_file() else ""
    except (InputError, ValueError, OSError):
        return
    pictures = sorted((folder / files.PROMPTS_FOLDER).glob("*.png"))
    picture = pictures[0] if pictures else None
    yield Listed(name, title, kind, source, stamp, config, text, picture)


def _free(name: str, taken: set[str]) -> str:
    numbered = (f"{name}-{n}" for n in itertools.count(2))
    return next(n for n in itertools.chain([name], numbered) if n not in taken)


def _stamp(path: Path) -> int | None:
    try:
        return (path / "manifest.json").stat().st_mtime_ns
    except OSError:
        return None
