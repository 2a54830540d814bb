"""`playworld agent`: policies cloned from video, planned or learned within a world."""

from dataclasses import dataclass
from typing import ClassVar

from rich.console import Console
from tyro.conf import CascadeSubcommandArgs, OmitArgPrefixes, OmitSubcommandPrefixes, configure

from playworld.cli.agent.clone import Clone
from playworld.cli.agent.evaluate import Evaluate
from playworld.cli.agent.goals import Goals
from playworld.cli.agent.plan import Plan
from playworld.cli.agent.ppo import Ppo
from playworld.cli.command import Command
from playworld.cli.progress import ProgressBars


@configure(CascadeSubcommandArgs, OmitArgPrefixes, OmitSubcommandPrefixes)
@dataclass(frozen=True, kw_only=True)
class Agent(Command):
    """Agents: clone a policy from an expert's video, and see what it solves in the real game."""

    example: ClassVar[str] = "playworld agent clone coinrun clips policy"

    step: Clone | Evaluate | Plan | Goals | Ppo

    def run(self, console: Console, progress: ProgressBars) -> int:
        return self.step.run(console, progress)
