"""`playworld agent goals`: how often planning reaches its goal."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.agents.options import PlannerOptions
from playworld.cli.command import FLAT
from playworld.cli.progress import ProgressBars, say
from playworld.studies.options import GoalOptions


@dataclass(frozen=True, kw_only=True)
class Goals:
    """Measure planning: from held-out moments to pictures that random presses led to."""

    example: ClassVar[str] = "playworld agent goals coinrun clips out"
    groups: ClassVar[dict[str, str]] = {
        "the goals": "starts goal-presses goal-hold reached",
        "the search": "horizon hold candidates elites rounds smoothing steps seed",
    }

    world: Positional[str]
    """Folder of a world, a built-in one such as coinrun, or owner/name on the Hugging Face Hub."""
    clips: Positional[Path]
    """Folder that `playworld ingest` wrote."""
    out: Positional[Path]
    """Folder for goals.json and goals.png."""
    options: Annotated[GoalOptions, FLAT]
    search: Annotated[PlannerOptions, FLAT]
    device: str = "auto"
    """Where the world runs: cpu, cuda (cuda:1 for the second), mps (a Mac's GPU), or auto."""

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.machine import choose_device
        from playworld.manifest import results_folder
        from playworld.studies.goals import format_goals, seek_goals
        from playworld.world import World

        world = World.load(self.world, choose_device(self.device))
        results_folder(self.out)
        found = seek_goals(world, self.clips, self.options, self.search, progress("plan"))
        found.write(self.out)
        say(console, f"{format_goals(found.report)}\n\nwritten to {self.out}")
        return 0
