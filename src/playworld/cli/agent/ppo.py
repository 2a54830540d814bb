"""`playworld agent ppo`: an agent trained within a world."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.agents.options import PPOOptions
from playworld.cli.command import FLAT, INTERRUPTED, PREEMPTED, Ended
from playworld.cli.progress import ProgressBars, say
from playworld.studies.options import TransferOptions


@dataclass(frozen=True, kw_only=True)
class Ppo:
    """Train an agent only within a world, then try it in the real game."""

    example: ClassVar[str] = "playworld agent ppo coinrun clips out --minutes 15"
    groups: ClassVar[dict[str, str]] = {
        "how long it learns": "minutes total-timesteps seed",
        "how it learns": "episodes presses n-epochs learning-rate gamma entropy",
        "what it sees": "frames prompts prompt-frames steps",
        "how it is tried": "starts games levels difficulty max-steps labels",
    }

    world: Positional[str]
    """Folder of a world, a built-in one such as coinrun, or owner/name on the Hugging Face Hub."""
    clips: Positional[Path]
    """Folder that `playworld ingest` wrote from recordings of the game: where episodes start,
    and 200 labelled transitions for the dictionary."""
    out: Positional[Path]
    """Folder for agent.zip, transfer.json and curve.png. An agent that the same world, clips
    and options made is tried again, not trained again; another one is replaced."""
    options: Annotated[PPOOptions, FLAT]
    trial: Annotated[TransferOptions, FLAT]
    device: str = "auto"
    """Where the world runs: cpu, cuda (cuda:1 for the second), mps (a Mac's GPU), or auto."""

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.agents.ppo import is_kept
        from playworld.machine import choose_device
        from playworld.studies.transfer import AGENT_FILE, format_transfer, made_from, transfer
        from playworld.world import World

        world = World.load(self.world, choose_device(self.device))
        try:
            report = transfer(world, self.clips, self.out, self.options, self.trial, progress)
        except KeyboardInterrupt:
            if is_kept(self.out / AGENT_FILE, made_from(world, self.clips, self.options)):
                kept = "the agent is trained and kept; the same command goes on with its trial"
                raise Ended(f"stopped; {kept}", PREEMPTED) from None
            raise Ended("stopped; half a training is not kept", INTERRUPTED) from None
        say(console, f"{format_transfer(report)}\n\nwritten to {self.out}")
        return 0
