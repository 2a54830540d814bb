"""`playworld gallery`: pictures of what a world's buttons do."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.cli.command import FLAT, DeviceCommand
from playworld.cli.progress import ProgressBars, say
from playworld.evaluate.options import GalleryOptions


@dataclass(frozen=True, kw_only=True)
class Gallery(DeviceCommand):
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

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.evaluate.gallery import gallery, write_gallery
        from playworld.export.prompts import read_pictures
        from playworld.machine import choose_device
        from playworld.manifest import results_folder
        from playworld.world import World

        own = read_pictures(self.prompts) if self.prompts else {}
        world = World.load(self.world, choose_device(self.device))
        results_folder(self.out)
        write_gallery(gallery(world, self.options, own), self.out)
        say(console, f"written to {self.out}")
        return 0
