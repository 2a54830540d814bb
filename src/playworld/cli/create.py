"""`playworld create`: from videos to a world within a time budget."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.cli.command import FLAT, Command, endings
from playworld.cli.progress import ProgressBars, say
from playworld.workflows.options import CreateOptions


@dataclass(frozen=True, kw_only=True)
class Create(Command):
    """Make a world from a folder of videos within a time budget: ingest, train, evaluate."""

    example: ClassVar[str] = "playworld create videos world --minutes 60"
    groups: ClassVar[dict[str, str]] = {
        "what it starts from": "from scratch preset",
        "the world": "minutes fps size name",
        "the run": "run ingest-only progress-to seed device",
    }

    videos: Positional[Path]
    """Folder of video files, in any container that FFmpeg reads."""
    world: Positional[Path]
    """Folder for the world."""
    progress_to: Path | None = None
    """Keep a JSON file in which other programs read how far the work is."""
    options: Annotated[CreateOptions, FLAT]

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.workflows.create import create

        progress.file = self.progress_to
        with endings():
            say(console, create(self.videos, self.world, self.options, progress))
        return 0
