"""`playworld agent plan`: buttons from one picture to another."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.agents.options import PlannerOptions
from playworld.cli.command import FLAT
from playworld.cli.progress import ProgressBars, say


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Find the buttons that lead from one picture to another within a world."""

    example: ClassVar[str] = "playworld agent plan coinrun start.png goal.png --out plan"

    world: Positional[str]
    """Folder of a world, a built-in one such as coinrun, or owner/name on the Hugging Face Hub."""
    start: Positional[str]
    """A picture file, or the name of one of the world's own prompts."""
    goal: Positional[str]
    """What is to be seen at the end, as such a file or name."""
    out: Path = Path("plan")
    """Folder for plan.png, plan.gif and plan.json."""
    device: str = "auto"
    """Where the world runs: cpu, cuda (cuda:1 for the second), mps (a Mac's GPU), or auto."""
    options: Annotated[PlannerOptions, FLAT]

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.agents.plan_film import in_words, open_prompt, write_plan
        from playworld.agents.planner import make_plan
        from playworld.machine import choose_device
        from playworld.manifest import results_folder
        from playworld.world import World

        world = World.load(self.world, choose_device(self.device))
        results_folder(self.out)
        start, goal = (open_prompt(world, name) for name in (self.start, self.goal))
        plan = make_plan(world, start[None], goal, self.options)
        write_plan(world, plan, goal, self.out)
        say(console, f"{in_words(world, plan, goal)}\n\nwritten to {self.out}; see plan.png")
        return 0
