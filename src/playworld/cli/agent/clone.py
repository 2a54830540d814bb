"""`playworld agent clone`: a policy from clips of an expert."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from rich.console import Console
from tyro.conf import Positional

from playworld.agents.options import CloneOptions
from playworld.cli.command import FLAT, endings
from playworld.cli.progress import ProgressBars, say
from playworld.words import counted


@dataclass(frozen=True, kw_only=True)
class Clone:
    """Clone a policy from an expert's clips, on a world's latent actions or the true ones."""

    example: ClassVar[str] = "playworld agent clone coinrun clips policy --minutes 10"

    world: Positional[str]
    """A world: a folder, a built-in name, or owner/name on the Hub; it finds the latent
    actions."""
    clips: Positional[Path]
    """Folder that `playworld ingest` wrote from videos of the expert."""
    policy: Positional[Path]
    """Folder for the policy. One that the same inputs and options made is kept, another one is
    replaced once the new one is finished."""
    labels: Literal["latent", "true"] = "latent"
    """What is cloned: latent actions, which need no action file, or the true ones."""
    seed: int = 0
    """Seed of the weights and of the order."""
    options: Annotated[CloneOptions, FLAT]

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.agents.clone import clone, label
        from playworld.agents.policy import WEIGHTS
        from playworld.machine import choose_device
        from playworld.manifest import refuse_foreign
        from playworld.world import World

        with endings():
            refuse_foreign(self.policy, [WEIGHTS])
            world = World.load(self.world, choose_device(self.options.device))
            dataset = label(self.clips, world, self.labels, self.options.minutes)
            made = clone(dataset, self.policy, self.options, self.seed, progress("clone"))
        measured = made.report["measured"]
        say(
            console,
            f"predicts {measured['accuracy']:.0%} of "
            f"{counted(measured['transitions'], 'held-out choice')} "
            f"(always the commonest: {measured['commonest']:.0%}); the policy is in {self.policy}",
        )
        return 0
