"""`playworld curate train`: a filter from labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.cli.command import FLAT, endings, then
from playworld.cli.progress import ProgressBars, say
from playworld.curate.options import FilterOptions


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train a filter on labels and print its precision and recall on held-out ones."""

    example: ClassVar[str] = "playworld curate train clips clips.labels.json filter"

    clips: Positional[Path]
    """The folder that was labelled."""
    labels: Positional[Path]
    """The file of labels."""
    filter: Positional[Path]
    """Folder for the filter."""
    options: Annotated[FilterOptions, FLAT]

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.curate.measure import format_measured
        from playworld.curate.training import train_filter

        bar = progress("filter")
        with endings():
            made = train_filter(self.clips, self.labels, self.filter, self.options, bar)
        say(console, format_measured(made.report))
        say(console, then("trained", "curate", "apply", self.clips, self.filter, "OUT"))
        return 0
