"""`playworld label`: keys for the buttons of a world, from moments of its videos."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.cli.browser import open_browser
from playworld.cli.command import Command, then
from playworld.cli.progress import ProgressBars, say
from playworld.config import InputError

if TYPE_CHECKING:
    from playworld.export.key_labels import Counts
    from playworld.world import World


@dataclass(frozen=True, kw_only=True)
class LabelKeys(Command):
    """Name the buttons of a world with the keys that you press for moments of its videos."""

    example: ClassVar[str] = "playworld label world clips --keys x=attack"
    groups: ClassVar[dict[str, str]] = {
        "where keys come from": "count keys labels actions seed",
        "how they are asked for": "terminal port browser",
        "what is written": "out",
    }

    world: Positional[Path]
    """Folder of the world; its buttons are named anew."""
    clips: Positional[Path]
    """Folder of clips, such as the one that `playworld create` names at its end."""
    count: int = 50
    """Moments that are shown, on a page of this machine."""
    keys: tuple[str, ...] = ()
    """Names of keys, such as x=attack or space=fly; without one a letter is its own name, and Space
    jumps."""
    labels: Path | None = None
    """Take the keys from this file, which --out wrote, instead of asking."""
    actions: bool = False
    """Take the keys from the action files that `record` and `import` write beside videos."""
    out: Path | None = None
    """File for the keys that were pressed, added to those in it; WORLD.keys.json if not given."""
    seed: int = 0
    """Chooses the moments."""
    terminal: bool = False
    """Show them in this terminal instead."""
    port: int = 8000
    """Port to listen at; the next free one where it is taken."""
    browser: bool = True
    """Open the page in a browser."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise InputError(f"port must be in 0..65535, got {self.port}")
        if self.count < 1:
            raise InputError(f"count must be at least 1, got {self.count}")
        if self.labels and self.actions:
            raise InputError("keys come from --labels or from --actions: leave one out")
        self.named_keys()

    def named_keys(self) -> dict[str, str]:
        """Names by what is typed."""
        pairs = [text.partition("=") for text in self.keys]
        typed = {" " if key == "space" else key: name for key, _, name in pairs}
        if wrong := [key for key, name in typed.items() if len(key) != 1 or not name.strip()]:
            raise InputError(f"--keys needs entries like x=attack or space=fly, got {wrong[0]!r}")
        return typed

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.export.key_labels import count_labels, count_recorded, read_labels
        from playworld.world import World

        if not self.world.is_dir():
            raise InputError(f"there is no folder {self.world}: label names a world of your own")
        world = World.load(self.world)
        if self.actions:
            rows = self._named(world, count_recorded(world, self.clips))
        elif self.labels:
            rows = self._named(world, count_labels(world, self.clips, read_labels(self.labels)))
        else:
            rows = self._asked(world, console)
        for code, row in enumerate(rows):
            say(console, "{:3} {arrow:2} {label:16} {keys}".format(code + 1, **row))
        say(console, then("buttons named", "play", self.world))
        return 0

    def _named(self, world: "World", counts: "Counts") -> list[dict[str, str]]:
        """Name the buttons and save the world; returns the arrow, the label and the keys of each.

        Those of the world that is given stay, so that it may be named again.
        """
        from playworld.export.card import renamed_card
        from playworld.export.key_labels import with_keys

        buttons = with_keys(world.buttons, counts)
        world.renamed(buttons=buttons).save(self.world, renamed_card(world.card, buttons))
        rows = []
        for code, button in enumerate(buttons):
            known = ", ".join(f"{key} {n}" for key, n in counts.get(code, Counter()).most_common())
            rows.append({"arrow": button.arrow, "label": button.label, "keys": known or "no label"})
        return rows

    def _asked(self, world: "World", console: Console) -> list[dict[str, str]]:
        from playworld.export.key_labels import (
            BEFORE,
            choose_moments,
            count_labels,
            labels_of,
            read_labels,
            write_labels,
        )

        out = self.out or self.world.with_name(f"{self.world.name}.keys.json")
        known = list(read_labels(out)) if out.exists() else []
        moments = choose_moments(world, self.clips, self.count, self.seed + len(known))
        films = list(moments.video.numpy())

        def keep(given: Mapping[int, str]) -> None:
            write_labels(out, [*known, *labels_of(moments, given)])

        def end(given: Mapping[int, str]) -> list[dict[str, str]]:
            labels = [*known, *labels_of(moments, given)]
            if not labels:
                raise InputError("no key was pressed: the buttons stay as they are")
            keep(given)
            return self._named(world, count_labels(world, self.clips, labels))

        if self.terminal:
            from playworld.play.label_terminal import ask

            return end(ask(films, BEFORE, moments.fps, self.named_keys()))
        from playworld.curate.key_labelling import Moments, ask_on_page

        named: list[dict[str, str]] = []

        def end_on_page(given: Mapping[int, str]) -> list[dict[str, str]]:
            named[:] = end(given)
            return named

        name, names = world.config.name, self.named_keys()
        shown = Moments(name, films, BEFORE, moments.fps, names, keep, end_on_page)
        given = ask_on_page(shown, self.port, lambda address: self._ready(console, address))
        return named or end(given)

    def _ready(self, console: Console, address: str) -> None:
        say(console, f"naming the buttons of {self.world} at {address} (Ctrl-C ends it)")
        if self.browser:
            open_browser(address)
