"""`playworld curate`: the clips to train on."""

from dataclasses import dataclass
from typing import ClassVar

from rich.console import Console
from tyro.conf import CascadeSubcommandArgs, OmitArgPrefixes, OmitSubcommandPrefixes, configure

from playworld.cli.command import Command
from playworld.cli.curate.apply import Apply
from playworld.cli.curate.label import Label
from playworld.cli.curate.train import Train
from playworld.cli.progress import ProgressBars


@configure(CascadeSubcommandArgs, OmitArgPrefixes, OmitSubcommandPrefixes)
@dataclass(frozen=True, kw_only=True)
class Curate(Command):
    """Choose what to train on: label clips with keys, train a filter on that, apply it."""

    example: ClassVar[str] = "playworld curate label clips"

    step: Label | Train | Apply

    def run(self, console: Console, progress: ProgressBars) -> int:
        return self.step.run(console, progress)
