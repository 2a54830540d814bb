"""`playworld export`: worlds as static files, for a browser or for Python without PyTorch."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.console import Console
from tyro.conf import FlagCreatePairsOff, Positional, UseAppendAction

from playworld.cli.command import Command
from playworld.cli.progress import ProgressBars, say
from playworld.config import InputError
from playworld.onnx.layout import Precision

if TYPE_CHECKING:
    from playworld.site.export import Exported

ADVICE = """\
open it: python -m http.server 8080 -d {folder}, then http://localhost:8080
any static host can serve it, under any path. It computes with threads where the host sends
Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp; elsewhere
its service worker adds them (with HTTPS, and on this machine). Without them, it has one thread."""

SPACE = "a static Space: hf upload USER/NAME {folder} . --repo-type space --delete '*/*'"
"""Folders of older versions are deleted there."""


@dataclass(frozen=True, kw_only=True)
class Export(Command):
    """Write a world as static files that play in any browser without a server."""

    example: ClassVar[str] = "playworld export platformer site --also any"

    world: Positional[str]
    """Folder of a world, a built-in one such as coinrun, or owner/name on the Hugging Face Hub."""
    folder: Positional[Path]
    """Folder for the site."""
    also: UseAppendAction[tuple[str, ...]] = ()
    """A further world of the same site, which then begins with a page to choose from."""
    precision: Precision | None = None
    """How weights are stored; all compute in fp32. If not given, the smallest in which frames stay
    the same to the eye, found by playing some; fp32 with --graphs-only."""
    space: FlagCreatePairsOff[bool] = False
    """Add the README.md of a static Space of the Hugging Face Hub, with its headers for threads."""
    graphs_only: FlagCreatePairsOff[bool] = False
    """Write the ONNX graphs and prompts of the world, and no page."""

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.atomic import check_place
        from playworld.world import World

        check_place(self.folder)
        if self.graphs_only:
            self._write_graphs(console)
            return 0
        from playworld.site.export import check_runtime, own_files, write_site

        check_runtime()
        worlds = [World.load(name) for name in (self.world, *self.also)]
        for exported in write_site(worlds, self.folder, self.precision, self.space):
            say(console, sizes(exported))
        total = sum((self.folder / name).stat().st_size for name in own_files(self.folder))
        say(console, f"{total / 1e6:.1f} MB written to {self.folder}")
        folder = shlex.quote(str(self.folder))
        say(console, ADVICE.format(folder=folder))
        if self.space:
            say(console, SPACE.format(folder=folder))
        return 0

    def _write_graphs(self, console: Console) -> None:
        from playworld.onnx.export import export_world
        from playworld.world import World

        if self.also or self.space:
            raise InputError("--graphs-only writes one world and no page: leave --also and --space")
        export_world(World.load(self.world), self.folder, self.precision or "fp32")
        size = sum(file.stat().st_size for file in self.folder.glob("*.onnx"))
        say(console, f"{size / 1e6:.1f} MB of graphs written to {self.folder}")


def sizes(exported: "Exported") -> str:
    """How much a browser downloads for a world."""
    download = exported.download
    plain, packed = (f"{size / 1e6:.1f} MB" for size in download.played)
    more, more_packed = (f"{size / 1e6:.1f} MB" for size in download.webgpu)
    return (
        f"{exported.name}: a browser downloads {plain}, {packed} with gzip, of which "
        f"{download.graphs / 1e6:.1f} MB are weights in {exported.precision}; to try WebGPU it "
        f"loads {more} more, {more_packed} with gzip"
    )
