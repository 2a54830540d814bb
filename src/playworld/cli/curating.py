"""The command that chooses what to train on: label clips, train a filter on that, apply it."""

import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import (
    CascadeSubcommandArgs,
    OmitArgPrefixes,
    OmitSubcommandPrefixes,
    Positional,
    configure,
)

from playworld.cli.bars import Bars, say
from playworld.cli.using import has_screen
from playworld.cli.verb import FLAT, Verb, endings, then
from playworld.curate.options import ApplyOptions, FilterOptions, LabelOptions


@dataclass(frozen=True, kw_only=True)
class Label:
    """Open a page that shows one clip at a time and takes keys 1 (worst) to 5 (best)."""

    example: ClassVar[str] = "playworld curate label clips"

    clips: Positional[Path]
    """Folder that `playworld ingest` wrote; it stays as it is."""
    options: Annotated[LabelOptions, FLAT]

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.curate.labelling import label

        def ready(address: str) -> None:
            say(console, f"labelling {self.clips} at {address} (Ctrl-C ends it)")
            if self.options.browser and has_screen():
                webbrowser.open(address)

        path = label(self.clips, self.options, ready)
        say(console, then(f"labels in {path}", "curate", "train", self.clips, path, "FILTER"))
        return 0


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train a filter on labels and print its precision and recall on held-out ones."""

    example: ClassVar[str] = "playworld curate train clips clips.labels.json filter"

    clips: Positional[Path]
    """The folder that was labelled."""
    labels: Positional[Path]
    """The file of labels."""
    filter: Positional[Path]
    """Folder for the filter."""
    options: Annotated[FilterOptions, FLAT]

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.curate.measure import format_measured
        from playworld.curate.training import train_filter

        told = bars("filter")
        with endings():
            made = train_filter(self.clips, self.labels, self.filter, self.options, told)
        say(console, format_measured(made.report))
        say(console, then("trained", "curate", "apply", self.clips, self.filter, "OUT"))
        return 0


@dataclass(frozen=True, kw_only=True)
class Apply:
    """Write what a filter keeps as a folder of clips like any other."""

    example: ClassVar[str] = "playworld curate apply clips filter kept --keep 4"

    clips: Positional[Path]
    """Folder that `playworld ingest` wrote; it stays as it is."""
    filter: Positional[Path]
    """Folder that `playworld curate train` wrote."""
    out: Positional[Path]
    """Folder for the clips that are kept; an older one is replaced once that is complete."""
    options: Annotated[ApplyOptions, FLAT]

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.curate.verdict import apply_filter, format_verdict

        told = bars("judge")
        report = apply_filter(self.clips, self.filter, self.out, self.options, told)
        say(console, format_verdict(report))
        say(console, then("written", "train", "small", self.out, "WORLD"))
        return 0


@configure(CascadeSubcommandArgs, OmitArgPrefixes, OmitSubcommandPrefixes)
@dataclass(frozen=True, kw_only=True)
class Curate(Verb):
    """Choose what to train on: label clips with keys, train a filter on that, apply it."""

    example: ClassVar[str] = "playworld curate label clips"

    step: Label | Train | Apply

    def run(self, console: Console, bars: Bars) -> int:
        return self.step.run(console, bars)
