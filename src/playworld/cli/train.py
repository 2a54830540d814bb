"""`playworld train`: a world of a folder of clips."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.cli.command import FLAT, Command, endings, then
from playworld.cli.progress import ProgressBars, say
from playworld.train.options import TrainOptions


@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Train a world on clips; the same command again goes on where it stopped."""

    example: ClassVar[str] = "playworld train small clips world"
    groups: ClassVar[dict[str, str]] = {
        "what is trained": "stage from keep-actions masking tokens",
        "steps": "tokenizer-steps world-steps batch-size learning-rate seed",
        "the finished world": "name about prompts",
        "checkpoints and logs": "run save-every wandb",
        "devices and memory": "device parallel tensor-parallel gradient-accumulation-steps "
        "activation-checkpointing",
    }

    preset: Positional[str]
    """Name of a preset: tiny (for tests), small (for 2 cores), robotics-small (that at 160x90),
    motion (any picture stays itself), platformer (that for one game seen from the side),
    coinrun-paper, or one of the paper's sizes, genie-41m to genie-10.7b (docs/scale.md)."""
    clips: Positional[str]
    """Folder that `playworld ingest` wrote, or a URL of one, such as s3://bucket/clips."""
    world: Positional[Path]
    """Folder for the world."""
    options: Annotated[TrainOptions, FLAT]

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.data.clips.remote import at_hand
        from playworld.export.train_world import train_world
        from playworld.presets import preset

        recipe = preset(self.preset)
        with endings():
            made = train_world(recipe, at_hand(self.clips), self.world, self.options, progress)
        if os.environ.get("RANK", "0") != "0":  # one of several processes under torchrun
            return 0
        words: tuple[object, ...] = ("evaluate", self.world, self.clips)
        if made is None:
            words = ("train", self.preset, self.clips, self.world, "--stage", "world")
            words += ("--run", self.options.run) if self.options.run else ()
        say(console, then("trained", *words))
        return 0
