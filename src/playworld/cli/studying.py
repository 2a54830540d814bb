"""The commands that study: what training takes, ablations, and the machine itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional, arg

from playworld.cli.bars import Bars, say
from playworld.cli.verb import FLAT, Verb, endings
from playworld.studies.options import TABLES, AblateOptions, PlanOptions, ScaleOptions


@dataclass(frozen=True, kw_only=True)
class Plan(Verb):
    """Say what training a preset takes: parameters, memory per device, FLOPs, days."""

    example: ClassVar[str] = "playworld plan genie-10.7b --devices 256 --device-memory 80GB"

    preset: Positional[str]
    """Name of a preset, or `paper`: all models of the paper beside ours."""
    options: Annotated[PlanOptions, FLAT]

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.presets import preset
        from playworld.studies.plan import plan
        from playworld.studies.plan_table import compare_with_paper, format_plan

        if self.preset == "paper":
            say(console, compare_with_paper())
        else:
            say(console, format_plan(plan(preset(self.preset), self.options)))
        return 0


@dataclass(frozen=True, kw_only=True)
class Ablate(Verb):
    """Make and measure small worlds that differ in one thing, and print them as a table."""

    example: ClassVar[str] = "playworld ablate context --out study"

    table: Annotated[Positional[str], arg(help=f"One of {', '.join(TABLES)}.")]
    out: Path
    """Folder for recordings, runs and rows; what is there already is not made again."""
    options: Annotated[AblateOptions, FLAT]

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.studies.ablate import ablate

        with endings():
            say(console, ablate(self.table, self.out, self.options, bars))
        return 0


@dataclass(frozen=True, kw_only=True)
class Scale(Verb):
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

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.atomic import write_whole
        from playworld.evaluate.page.files import write_picture
        from playworld.studies.scale import scale
        from playworld.studies.scale_figure import draw_scale
        from playworld.studies.scale_report import format_scale, summarise

        with endings():
            made = scale(self.clips, self.out, self.options, bars)
        found = summarise(made, self.options)
        text = format_scale(found, self.options)
        write_picture(draw_scale(found), self.out / "scale.png")
        write_whole(self.out / "scale.md", text + "\n")
        say(console, f"{text}\n\nThe figure is {self.out / 'scale.png'}")
        return 0


@dataclass(frozen=True, kw_only=True)
class Doctor(Verb):
    """Say what this machine is, what is installed, and how fast to expect it to be."""

    example: ClassVar[str] = "playworld doctor"

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.studies.doctor import doctor

        say(console, doctor())
        return 0
