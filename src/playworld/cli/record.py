"""`playworld record`: videos of games and simulated robots."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.cli.command import FLAT, Command, then
from playworld.cli.progress import ProgressBars, say
from playworld.data.options import RecordOptions
from playworld.words import counted


@dataclass(frozen=True, kw_only=True)
class Record(Command):
    """Film games or a simulated robot; the true actions go beside, for evaluation."""

    example: ClassVar[str] = "playworld record coinrun videos --episodes 200 --no-backgrounds"
    groups: ClassVar[dict[str, str]] = {
        "how much": "episodes max-frames min-frames seed",
        "how it looks": "mode backgrounds themes smooth size",
        "who plays": "player blunders",
    }

    game: Positional[str]
    """A game, such as coinrun, a robot's scene, such as fetch, zoo, platforms, photo, drawn or
    scroller; or several: procgen (all but ninja and climber, for training) or unseen (for tests of
    looks)."""
    videos: Positional[Path]
    """Folder for the video files."""
    options: Annotated[RecordOptions, FLAT]

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.data.record.recorder import record

        counts = record(self.game, self.videos, self.options, progress("record"))
        done = "recorded"
        if self.options.player == "expert":
            solved = counted(int(str(counts["episodes"])), "level")
            done = f"{solved} solved, {counts['unsolved']} left out"
        say(console, then(done, "ingest", self.videos, "CLIPS"))
        return 0
