"""`playworld play`: a world in the browser or in the terminal."""

import logging
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from rich.console import Console
from tyro.conf import FlagCreatePairsOff, Positional

from playworld.cli.browser import open_browser
from playworld.cli.progress import ProgressBars, say
from playworld.cli.server import ServerCommand
from playworld.config import InputError


@dataclass(frozen=True, kw_only=True)
class Play(ServerCommand):
    """Play a world in the browser, or in the terminal."""

    example: ClassVar[str] = "playworld play world --port 9000"
    groups: ClassVar[dict[str, str]] = {
        **ServerCommand.groups,
        "on this machine": "terminal browser",
    }

    world: Positional[str] = "platformer"
    """Folder of a world or of a run in training, the name of a built-in world, or owner/name on the
    Hugging Face Hub."""
    terminal: FlagCreatePairsOff[bool] = False
    """Play right here, in half-block characters, and start no server."""
    browser: bool = True
    """Open the page in a browser."""

    def run(self, console: Console, progress: ProgressBars) -> int:
        if self.terminal and self.stub_model is not None:
            raise InputError("--stub-model is for the server; leave out --terminal")
        if self.terminal:
            from playworld.play.terminal import check_terminal, play_in_terminal

            check_terminal()
            play_in_terminal(self.load(self.world))
            return 0
        from playworld.play import serve
        from playworld.play.links import network_links
        from playworld.play.logs import ACCESS

        logging.getLogger(ACCESS).setLevel(logging.WARNING)  # who plays wants no line a request

        name = self.world if self.stub_model is None else "a stub model"

        def ready(address: str) -> None:
            say(console, f"playing {name} at {address} (Ctrl-C ends it)")
            for link in network_links(self.options.host, urlsplit(address).port or 80):
                say(console, f"for others on this network: {link}")
            if self.browser:
                open_browser(address)

        options = self.served()
        making = self.workshop()
        serve(self.load(self.world), options, ready, making=making)
        if making is not None and (at_work := making.at_work()):
            say(console, f"{at_work!r} is still being made: playworld play shows it, and stops it")
        return 0
