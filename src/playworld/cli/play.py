"""`playworld play`: a world in the browser or in the terminal."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar
from urllib.parse import urlsplit

from rich.console import Console
from tyro.conf import FlagCreatePairsOff, Positional

from playworld.cli.browser import open_browser
from playworld.cli.command import FLAT, DeviceCommand
from playworld.cli.progress import ProgressBars, say
from playworld.config import InputError
from playworld.play.options import PlayOptions

if TYPE_CHECKING:
    from playworld.world import World


@dataclass(frozen=True, kw_only=True)
class Play(DeviceCommand):
    """Play a world in the browser, or in the terminal."""

    example: ClassVar[str] = "playworld play world --port 9000"
    groups: ClassVar[dict[str, str]] = {
        "who can reach the page": "host port allow-hosts",
        "limits of a game": "max-players idle-minutes max-nodes",
        "limits of a picture": "max-upload-mb max-upload-megapixels",
        "on this machine": "terminal browser",
        "the world": "device half stub-model",
    }

    world: Positional[str] = "coinrun"
    """Folder of a world or of a run in training, the name of a built-in world, or owner/name on the
    Hugging Face Hub."""
    terminal: FlagCreatePairsOff[bool] = False
    """Play right here, in half-block characters, and start no server."""
    trust_run: FlagCreatePairsOff[bool] = False
    """Read the shards of a run in training although their index is a pickle: say so only for a run
    of your own, or of somebody you trust."""
    half: FlagCreatePairsOff[bool] = False
    """bfloat16 weights: for a GPU, where they are faster and take half the memory."""
    stub_model: float | None = None
    """For load tests: instead of a world, frames that take this many milliseconds a batch and show
    their session's seed and their number."""
    options: Annotated[PlayOptions, FLAT]

    def run(self, console: Console, progress: ProgressBars) -> int:
        if self.terminal and self.stub_model is not None:
            raise InputError("--stub-model is for the server; leave out --terminal")
        if self.terminal:
            from playworld.play.terminal import check_terminal, play_in_terminal

            check_terminal()
            play_in_terminal(self.load())
            return 0
        from playworld.play import serve
        from playworld.play.addresses import network_links

        name = self.world if self.stub_model is None else "a stub model"

        def ready(address: str) -> None:
            say(console, f"playing {name} at {address} (Ctrl-C ends it)")
            for link in network_links(self.options.host, urlsplit(address).port or 80):
                say(console, f"for others on this network: {link}")
            if self.options.browser:
                open_browser(address)

        serve(self.load(), self.options, ready)
        return 0

    def load(self) -> "World":
        """The world, or what the newest checkpoint of a run has come to."""
        from playworld.machine import choose_device
        from playworld.train.preview import is_run, world_of_run
        from playworld.world import World
        from playworld.world.stub import StubWorld

        if self.stub_model is not None:
            return StubWorld(self.stub_model)
        device, run = choose_device(self.device), is_run(Path(self.world))
        path, trusted = Path(self.world), self.trust_run
        world = world_of_run(path, trusted) if run else World.load(self.world)
        return (world.half() if self.half else world).to(device)
