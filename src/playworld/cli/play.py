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
        "the world": "device half",
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
    options: Annotated[PlayOptions, FLAT]

    def run(self, console: Console, progress: ProgressBars) -> int:
        if self.terminal:
            from playworld.play.terminal import check_terminal, play_in_terminal

            check_terminal()
            play_in_terminal(self.load())
            return 0
        from playworld.play import serve
        from playworld.play.addresses import network_links

        def ready(address: str) -> None:
            say(console, f"playing {self.world} at {address} (Ctrl-C ends it)")
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

        device, run = choose_device(self.device), is_run(Path(self.world))
        path, trusted = Path(self.world), self.trust_run
        world = world_of_run(path, trusted) if run else World.load(self.world)
        return (world.half() if self.half else world).to(device)
