"""`playworld curate apply`: the clips that a filter keeps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.cli.command import FLAT, then
from playworld.cli.progress import ProgressBars, say
from playworld.curate.options import ApplyOptions


@dataclass(frozen=True, kw_only=True)
class Apply:
    """Write what a filter keeps as a folder of clips like any other."""

    example: ClassVar[str] = "playworld curate apply clips filter kept --keep 4"

    clips: Positional[Path]
    """Folder that `playworld ingest` wrote; it stays as it is."""
    filter: Positional[Path]
    """Folder that `playworld curate train` wrote."""
    out: Positional[Path]
    """Folder for the clips that are kept; an older one is replaced once that is complete."""
    options: Annotated[ApplyOptions, FLAT]

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.curate.apply import apply_filter, format_report

        bar = progress("judge")
        report = apply_filter(self.clips, self.filter, self.out, self.options, bar)
        say(console, format_report(report))
        say(console, then("written", "train", "small", self.out, "WORLD"))
        return 0
