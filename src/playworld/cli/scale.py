"""`playworld scale`: how the loss of the dynamics falls with their size."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.cli.command import FLAT, Command, endings
from playworld.cli.progress import ProgressBars, say
from playworld.studies.options import ScaleOptions


@dataclass(frozen=True, kw_only=True)
class Scale(Command):
    """Train dynamics of many sizes at equal tokens, and fit how the loss falls."""

    example: ClassVar[str] = "playworld scale clips --out study"
    groups: ClassVar[dict[str, str]] = {
        "what is compared": "sizes batches seeds",
        "how long": "tokens batch-size held-out",
    }

    clips: Positional[Path]
    """Folder that `playworld ingest` wrote."""
    out: Path
    """Folder for rows, tokens and figure; what is there already is not made again."""
    options: Annotated[ScaleOptions, FLAT]

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.atomic import write_whole
        from playworld.evaluate.page.files import write_picture
        from playworld.studies.scale import scale
        from playworld.studies.scale_figure import draw_scale
        from playworld.studies.scale_report import format_scale, summarise

        with endings():
            made = scale(self.clips, self.out, self.options, progress)
        found = summarise(made, self.options)
        text = format_scale(found, self.options)
        write_picture(draw_scale(found), self.out / "scale.png")
        write_whole(self.out / "scale.md", text + "\n")
        say(console, f"{text}\n\nThe figure is {self.out / 'scale.png'}")
        return 0
