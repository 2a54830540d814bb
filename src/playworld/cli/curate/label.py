"""`playworld curate label`: a page on which clips are labelled."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.cli.browser import open_browser
from playworld.cli.command import FLAT, then
from playworld.cli.progress import ProgressBars, say
from playworld.curate.options import LabelOptions


@dataclass(frozen=True, kw_only=True)
class Label:
    """Open a page that shows one clip at a time and takes keys 1 (worst) to 5 (best)."""

    example: ClassVar[str] = "playworld curate label clips"

    clips: Positional[Path]
    """Folder that `playworld ingest` wrote; it stays as it is."""
    options: Annotated[LabelOptions, FLAT]

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.curate.labelling import label

        def ready(address: str) -> None:
            say(console, f"labelling {self.clips} at {address} (Ctrl-C ends it)")
            if self.options.browser:
                open_browser(address)

        path = label(self.clips, self.options, ready)
        say(console, then(f"labels in {path}", "curate", "train", self.clips, path, "FILTER"))
        return 0
