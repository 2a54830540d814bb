"""`playworld plan`: the parameters, memory and time that a preset takes."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.cli.command import FLAT, Command
from playworld.cli.progress import ProgressBars, say
from playworld.workflows.options import TrainingPlanOptions


@dataclass(frozen=True, kw_only=True)
class Plan(Command):
    """Say what training a preset takes: parameters, memory per device, FLOPs, days."""

    example: ClassVar[str] = "playworld plan genie-10.7b --devices 256 --device-memory 80GB"

    preset: Positional[str]
    """Name of a preset, or `paper`: all models of the paper beside ours."""
    options: Annotated[TrainingPlanOptions, FLAT]

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.presets import preset
        from playworld.workflows.plan import plan
        from playworld.workflows.plan_table import compare_with_paper, format_plan

        if self.preset == "paper":
            say(console, compare_with_paper())
        else:
            say(console, format_plan(plan(preset(self.preset), self.options)))
        return 0
