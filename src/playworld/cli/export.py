"""`playworld export`: a world as ONNX graphs."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.cli.command import Command
from playworld.cli.progress import ProgressBars, say
from playworld.onnx.layout import Precision


@dataclass(frozen=True, kw_only=True)
class Export(Command):
    """Write a world as ONNX graphs, which play it without PyTorch."""

    example: ClassVar[str] = "playworld export coinrun site --precision int8"

    world: Positional[str]
    """Folder of a world, a built-in one such as coinrun, or owner/name on the Hugging Face Hub."""
    folder: Positional[Path]
    """Folder for the graphs."""
    precision: Precision = "fp32"
    """How weights are stored; all compute in fp32."""

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.atomic import check_place
        from playworld.onnx.export import export_world
        from playworld.world import World

        check_place(self.folder)
        export_world(World.load(self.world), self.folder, self.precision)
        size = sum(file.stat().st_size for file in self.folder.glob("*.onnx"))
        say(console, f"{size / 1e6:.1f} MB of graphs written to {self.folder}")
        return 0
