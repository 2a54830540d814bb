"""`playworld evaluate`: measurements of worlds on held-out clips."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import FlagCreatePairsOff, Positional, arg

from playworld.cli.command import FLAT, DeviceCommand
from playworld.cli.progress import ProgressBars, say
from playworld.config import InputError
from playworld.evaluate.options import EvaluateOptions


@dataclass(frozen=True, kw_only=True)
class Evaluate(DeviceCommand):
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

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.data.clips.remote import at_hand
        from playworld.evaluate import compare, format_table, short_names, write_report
        from playworld.export.card import measured_card
        from playworld.machine import choose_device
        from playworld.manifest import MANIFEST, results_folder
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
        report = compare(named, clips, self.options, progress("evaluate"))
        say(console, format_table(report))
        if self.out is not None:
            write_report(report, self.out)
            say(console, f"\nwritten to {self.out}; open {self.out / 'report.html'}")
        if self.card:
            command = f"playworld evaluate {Path(names[0]).name} {Path(last).name}"
            card = measured_card(worlds[0].card, format_table(report), command)
            worlds[0].save(Path(names[0]), card)
        return 0
