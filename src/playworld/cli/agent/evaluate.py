"""`playworld agent evaluate`: cloned policies in the real game."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.agents.options import CloneOptions
from playworld.cli.command import FLAT, endings
from playworld.cli.progress import ProgressBars, say
from playworld.studies.options import CloningOptions


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Play held-out levels with clones on latent actions, on true ones, and without any.

    Clones policies of its own and makes a table, a figure and one file of results for each arm
    and seed; what is there already is not made again, and more seeds and samples can be added.
    """

    example: ClassVar[str] = "playworld agent evaluate coinrun clips study --seeds 5"
    groups: ClassVar[dict[str, str]] = {
        "what is compared": "samples moves temperature",
        "the games": "difficulty games levels max-steps seeds",
        "how a policy is cloned": "kind frames steps batch-size learning-rate shift minutes",
    }

    world: Positional[str]
    """Folder of a world, a built-in one such as coinrun, or owner/name on the Hugging Face Hub."""
    clips: Positional[Path]
    """Folder that `playworld ingest` wrote from videos of the expert, whose action files still
    lie beside them."""
    out: Positional[Path]
    """Folder for policies, results, table and figure."""
    options: Annotated[CloningOptions, FLAT]
    recipe: Annotated[CloneOptions, FLAT]

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.atomic import write_whole
        from playworld.evaluate.page.files import write_picture
        from playworld.machine import choose_device
        from playworld.studies.cloning import study
        from playworld.studies.cloning_figure import draw_cloning
        from playworld.studies.cloning_report import format_scores, scores
        from playworld.world import World

        with endings():
            world = World.load(self.world, choose_device(self.recipe.device))
            made = study(world, self.clips, self.out, self.options, self.recipe, progress)
        found = scores(made)
        write_picture(draw_cloning(found), self.out / "cloning.png")
        write_whole(self.out / "cloning.md", format_scores(found) + "\n")
        say(console, f"{format_scores(found)}\n\nThe figure is {self.out / 'cloning.png'}")
        return 0
