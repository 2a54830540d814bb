"""`playworld doctor`: this machine, its packages and its speed."""

from dataclasses import dataclass
from typing import ClassVar

from rich.console import Console

from playworld.cli.command import Command
from playworld.cli.progress import ProgressBars, say


@dataclass(frozen=True, kw_only=True)
class Doctor(Command):
    """Say what this machine is, what is installed, and how fast to expect it to be."""

    example: ClassVar[str] = "playworld doctor"

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.workflows.doctor import doctor

        say(console, doctor())
        return 0
