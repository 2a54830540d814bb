"""The commands that take a world: measure it, draw it, play it."""

import os
import sys
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar
from urllib.parse import urlsplit

from rich.console import Console
from tyro.conf import FlagCreatePairsOff, Positional, arg

from playworld.cli.bars import Bars, say
from playworld.cli.verb import FLAT, OnDevice
from playworld.config import InputError
from playworld.evaluate.options import EvaluateOptions, GalleryOptions
from playworld.play.options import PlayOptions

if TYPE_CHECKING:
    from playworld.world import World


def has_screen() -> bool:
    """Whether to open a browser: without a screen it would be one that takes over the terminal."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@dataclass(frozen=True, kw_only=True)
class Evaluate(OnDevice):
    """Measure a world, or several side by side, on held-out clips: pictures, control, speed."""

    example: ClassVar[str] = "playworld evaluate world clips --out report"
    groups: ClassVar[dict[str, str]] = {
        "clips and rollouts": "num-clips prompt-frames horizon arm-clips seed",
        "play": "button-starts return-starts away long-rollouts long-frames speed-frames",
        "how the world samples": "steps temperature order",
        "networks of others": "i3d lpips",
        "where the results go": "out card",
        "the machine": "device batch-size camera",
    }

    paths: Annotated[Positional[tuple[str, ...]], arg(metavar="WORLD... CLIPS")]
    """Folders of worlds, built-in names or owner/name on the Hugging Face Hub; and the folder that
    `playworld ingest` wrote, or a URL of one."""
    out: Path | None = None
    """Folder for report.html, report.json and pictures."""
    card: FlagCreatePairsOff[bool] = False
    """Write the table into the card of the world, its README.md."""
    options: Annotated[EvaluateOptions, FLAT]

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.checkpoint import MANIFEST, results_folder
        from playworld.data.clips.remote import at_hand
        from playworld.evaluate import compare, format_table, short_names, write_report
        from playworld.machine import choose_device
        from playworld.train.export import measured_card
        from playworld.world import World

        if len(self.paths) < 2:
            raise InputError("evaluate needs a WORLD (or several) and then CLIPS")
        *names, last = self.paths
        clips = at_hand(last)
        if self.card and (len(names) > 1 or not (Path(names[0]) / MANIFEST).is_file()):
            raise InputError(f"--card writes into one world's folder, not {' '.join(names)}")
        device = choose_device(self.device)
        worlds = [World.load(name, device) for name in names]
        named = dict(zip(short_names(names), worlds, strict=True))
        if self.out is not None:
            results_folder(self.out)
        report = compare(named, clips, self.options, bars("evaluate"))
        say(console, format_table(report))
        if self.out is not None:
            write_report(report, self.out)
            say(console, f"\nwritten to {self.out}; open {self.out / 'report.html'}")
        if self.card:
            command = f"playworld evaluate {Path(names[0]).name} {Path(last).name}"
            card = measured_card(worlds[0].card, format_table(report), command)
            worlds[0].save(Path(names[0]), card)
        return 0


@dataclass(frozen=True, kw_only=True)
class Gallery(OnDevice):
    """Draw what a world's buttons do: from its own prompts, as pictures for a page."""

    example: ClassVar[str] = "playworld gallery coinrun --out pictures"
    groups: ClassVar[dict[str, str]] = {
        "what is drawn": "presses starts frames every prompt prompts seed",
    }

    world: Positional[str]
    """Folder of a world, a built-in one such as coinrun, or owner/name on the Hugging Face Hub."""
    out: Path
    """Folder for the pictures."""
    prompts: Path | None = None
    """Folder of pictures of your own, which prompts.png then shows; they are fitted to the
    size of the world."""
    options: Annotated[GalleryOptions, FLAT]

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.checkpoint import results_folder
        from playworld.evaluate.gallery import gallery, write_gallery
        from playworld.machine import choose_device
        from playworld.train.export import read_pictures
        from playworld.world import World

        own = read_pictures(self.prompts) if self.prompts else {}
        world = World.load(self.world, choose_device(self.device))
        results_folder(self.out)
        write_gallery(gallery(world, self.options, own), self.out)
        say(console, f"written to {self.out}")
        return 0


@dataclass(frozen=True, kw_only=True)
class Play(OnDevice):
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

    def run(self, console: Console, bars: Bars) -> int:
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
            if self.options.browser and has_screen():
                webbrowser.open(address)

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
