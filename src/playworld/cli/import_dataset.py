"""`playworld import`: videos of a LeRobot dataset."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.cli.command import FLAT, Command, then
from playworld.cli.progress import ProgressBars, say
from playworld.data.options import ImportOptions
from playworld.words import counted


@dataclass(frozen=True, kw_only=True)
class Import(Command):
    """Turn a LeRobot dataset into video files, with the true actions beside them."""

    example: ClassVar[str] = "playworld import lerobot/pusht videos --camera observation.image"

    dataset: Positional[Path]
    """Folder of a dataset of version 2 or 3 on this machine."""
    videos: Positional[Path]
    """Folder for the video files."""
    options: Annotated[ImportOptions, FLAT]

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.data.record.import_dataset import import_dataset

        counts = import_dataset(self.dataset, self.videos, self.options, progress("import"))
        done = f"{counted(counts['episodes'], 'episode')} imported, {counts['skipped']} left out"
        parts = {"without_actions": "without actions", "corrected": "with a corrected start"}
        for what, words in parts.items():
            done += f", {counts[what]} {words}" if counts[what] else ""
        say(console, then(done, "ingest", self.videos, "CLIPS"))
        return 0
