"""`playworld ablate`: tables of small worlds that differ in one thing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional, arg

from playworld.cli.command import FLAT, Command, endings
from playworld.cli.progress import ProgressBars, say
from playworld.studies.options import TABLES, AblateOptions


@dataclass(frozen=True, kw_only=True)
class Ablate(Command):
    """Make and measure small worlds that differ in one thing, and print them as a table."""

    example: ClassVar[str] = "playworld ablate context --out study"

    table: Annotated[Positional[str], arg(help=f"One of {', '.join(TABLES)}.")]
    out: Path
    """Folder for recordings, runs and rows; what is there already is not made again."""
    options: Annotated[AblateOptions, FLAT]

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.studies.ablate import ablate

        with endings():
            say(console, ablate(self.table, self.out, self.options, progress))
        return 0
