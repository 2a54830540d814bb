"""The command that looks into a folder of clips, and its tables."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from tyro.conf import FlagCreatePairsOff, Positional, arg

from playworld.cli.command import FAILED, Command, Ended
from playworld.cli.progress import ProgressBars, say
from playworld.config import InputError
from playworld.words import counted

if TYPE_CHECKING:
    from playworld.data.clips.inventory import Inventory

BAR = 32
"""Letters of the longest bar of a histogram."""
CLIP = 16
"""Frames of the clips that are counted, as most presets read them."""


@dataclass(frozen=True, kw_only=True)
class Inspect(Command):
    """Say what a folder of clips holds, and draw a sheet of its scenes."""

    example: ClassVar[str] = "playworld inspect clips --scenes 20"

    clips: Positional[Path]
    """Folder that `playworld ingest` wrote."""
    out: Annotated[Path | None, arg(metavar="PNG")] = None
    """Where the sheet goes; CLIPS-contact.png beside the folder if not given."""
    scenes: int = 10
    """Scenes on the sheet, 1 to 100; spread evenly over all."""
    verify: FlagCreatePairsOff[bool] = False
    """Compare every shard with its checksum first."""

    def __post_init__(self) -> None:
        if not 1 <= self.scenes <= 100:
            raise InputError(f"--scenes should be 1 to 100, got {self.scenes}")

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.atomic import write_whole
        from playworld.data.clips.inventory import contact_sheet, damage, take_inventory

        inventory = take_inventory(self.clips)
        problems = damage(self.clips) if self.verify else []
        console.print(tables(inventory))
        if problems:
            raise Ended("; ".join(problems), FAILED)
        folder = self.clips.resolve()
        out = self.out or folder.with_name(f"{folder.name}-contact.png")
        sheet = io.BytesIO()
        contact_sheet(self.clips, self.scenes).save(sheet, "PNG")
        write_whole(out, sheet.getvalue())
        say(console, f"every shard is as it was written\n{out}" if self.verify else str(out))
        return 0


def tables(inventory: "Inventory") -> Group:
    """All that is known, as tables."""
    size = f"{inventory.width}x{inventory.height}, {inventory.fps:g} frames per second"
    head = Text.assemble((str(inventory.folder), "bold"), f"  {size}")
    lines = [Text(f"from {inventory.videos}")] if inventory.videos else []
    if inventory.used is not None:
        lines.append(Text(f"{counted(inventory.used, 'file')} used, {inventory.unused} not"))
    lines += [Text(f"note: {warning}") for warning in inventory.warnings]
    parts = [_holdings(inventory), _lengths(inventory)]
    if inventory.dropped is not None:
        parts.append(_dropped(inventory))
    return Group(head, *lines, *(Padding(part, (1, 0, 0, 0)) for part in parts), "")


def _table(*columns: str) -> Table:
    """A plain table whose first column names the rows."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column(columns[0])
    for column in columns[1:]:
        table.add_column(column, justify="right")
    return table


def _holdings(inventory: "Inventory") -> Table:
    from playworld.data.clips.inventory import Holding

    table = _table("split", "videos", "scenes", "frames", "hours", "disk", "bytes per frame")
    holdings = inventory.holdings
    # A single video may lie on both sides.
    videos = inventory.used or sum(held.videos for held in holdings.values())
    whole = Holding(videos, inventory.lengths, sum(held.disk for held in holdings.values()))
    for name, held in (holdings | {"both": whole}).items():
        hours = f"{held.frames / inventory.fps / 3600:.2f}"
        each = f"{held.disk / held.frames:,.0f}" if held.frames else ""
        counts = f"{held.videos:,}", f"{len(held.lengths):,}", f"{held.frames:,}"
        table.add_row(name, *counts, hours, _bytes(held.disk), each)
    table.caption = f"{counted(inventory.clips(CLIP), 'clip')} of {CLIP} frames"
    table.caption_justify = "left"
    return table


def _lengths(inventory: "Inventory") -> Table:
    from playworld.data.clips.inventory import histogram

    rows = histogram(inventory.lengths)
    most = max((count for *_, count in rows), default=1)
    table = _table("frames in a scene", "seconds", "scenes")
    table.add_column()
    for low, high, count in rows:
        seconds = f"{low / inventory.fps:g} to {high / inventory.fps:g}"
        bar = "█" * max(round(BAR * count / most), min(count, 1))
        table.add_row(f"{low:,} to {high:,}", seconds, f"{count:,}", Text(bar, "green"))
    return table


def _dropped(inventory: "Inventory") -> Table:
    assert inventory.dropped is not None
    gone = {name: count["frames"] for name, count in inventory.dropped.items()}
    whole = sum(gone.values()) + int(inventory.lengths.sum())
    table = _table("left out", "stretches", "seconds", "share")
    for name, count in inventory.dropped.items():
        share = f"{100 * gone[name] / whole:.1f}%"
        table.add_row(name, f"{count['stretches']:,}", f"{count['seconds']:,.1f}", share)
    return table


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
