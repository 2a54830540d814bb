"""`playworld ingest`: clips of a folder of videos."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import OmitArgPrefixes, Positional

from playworld.cli.command import FLAT, Command, then
from playworld.cli.progress import ProgressBars, say
from playworld.data.options import IngestOptions


@dataclass(frozen=True, kw_only=True)
class Ingest(Command):
    """Turn a folder of videos into clips, split by source video into training and validation."""

    example: ClassVar[str] = "playworld ingest videos clips --fps 10 --size 64x64"
    groups: ClassVar[dict[str, str]] = {
        "the frames": "fps size fit bars",
        "what is left out": "min-frames static static-change black black-level duplicates "
        "duplicate-bits",
        "scenes and splits": "cuts valid-fraction seed",
        "how the work is done": "workers engine",
    }

    videos: Positional[Path]
    """Folder of video files, in any container that FFmpeg reads."""
    clips: Positional[Path]
    """Folder for the clips; an older one is replaced once the new one is complete."""
    options: Annotated[IngestOptions, FLAT, OmitArgPrefixes]

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.data.ingest.documents import summary
        from playworld.data.ingest.pipeline import ingest

        report = ingest(self.videos, self.clips, self.options, progress("ingest"))
        say(console, f"{summary(report)}; look at {self.clips / 'report.html'}")
        say(console, then("ingested", "train", "small", self.clips, "WORLD"))
        return 0
