"""`playworld label`: keys for the buttons of a world, from moments of its videos."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.console import Console
from tyro.conf import Positional

from playworld.cli.browser import open_browser
from playworld.cli.command import Command, then
from playworld.cli.progress import ProgressBars, say
from playworld.config import InputError, check_counts

if TYPE_CHECKING:
    from fastapi import APIRouter

    from playworld.curate.key_labelling import Moments
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
        check_counts(self, "count")
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
        if self.actions or self.labels:
            world = World.load(self.world)
            if self.labels:
                counts = count_labels(world, self.clips, read_labels(self.labels))
            else:
                counts = count_recorded(world, self.clips)
            rows = name_buttons(world, self.world, counts)
        else:
            rows = self._asked(console)
        for code, row in enumerate(rows):
            say(console, "{:3} {arrow:2} {label:16} {keys}".format(code + 1, **row))
        say(console, then("buttons named", "play", self.world))
        return 0

    def _asked(self, console: Console) -> list[dict[str, str]]:
        names = self.named_keys()
        moments = choose(self.world, self.clips, self.out, names, self.count, self.seed)
        if self.terminal:
            from playworld.play.label_terminal import ask

            return moments.end(ask(moments.films, moments.change, moments.fps, names))
        from playworld.curate.key_labelling import ask_on_page

        named: list[dict[str, str]] = []

        def end(given: Mapping[int, str]) -> list[dict[str, str]]:
            named[:] = moments.end(given)
            return named

        def ready(address: str) -> None:
            say(console, f"naming the buttons of {self.world} at {address} (Ctrl-C ends it)")
            if self.browser:
                open_browser(address)

        given = ask_on_page(replace(moments, end=end), self.port, ready)
        return named or moments.end(given)


def choose(
    folder: Path,
    clips: Path,
    out: Path | None = None,
    names: Mapping[str, str] | None = None,
    count: int = LabelKeys.count,
    seed: int = LabelKeys.seed,
    play: str = "",
) -> "Moments":
    """Moments for which somebody says what was pressed; the keys go to a file, then to the world.

    Args:
        folder: that of the world.
        clips: where the moments are from.
        out: file for the keys, whose others count, too; that of the world if not given.
        names: of single keys.
        count: of moments.
        seed: chooses them; other ones where the file has keys already.
        play: address of the page on which the world is played, if there is one.

    Raises:
        InputError: for a world, clips or a file that cannot be used.
    """
    from playworld.curate.key_labelling import Moments
    from playworld.export.key_labels import (
        BEFORE,
        choose_moments,
        count_labels,
        keys_file,
        labels_of,
        read_labels,
        write_labels,
    )
    from playworld.world import World

    world, out = World.load(folder), out or keys_file(folder)
    known = list(read_labels(out)) if out.exists() else []
    moments = choose_moments(world, clips, count, seed + len(known))

    def keep(given: Mapping[int, str]) -> None:
        write_labels(out, [*known, *labels_of(moments, given)])

    def end(given: Mapping[int, str]) -> list[dict[str, str]]:
        labels = [*known, *labels_of(moments, given)]
        if not labels:
            raise InputError("no key was pressed: the buttons stay as they are")
        keep(given)
        return name_buttons(world, folder, count_labels(world, clips, labels))

    films, fps = list(moments.video.numpy()), moments.fps
    return Moments(world.config.name, films, BEFORE, fps, names or {}, keep, end, play)


def name_buttons(world: "World", folder: Path, counts: "Counts") -> list[dict[str, str]]:
    """Name the buttons and save the world; returns the arrow, the label and the keys of each.

    Those of the world that is given stay, so that it may be named again.
    """
    from playworld.export.card import renamed_card
    from playworld.export.key_labels import with_keys

    buttons = with_keys(world.buttons, counts)
    world.renamed(buttons=buttons).save(folder, renamed_card(world.card, buttons))
    rows = []
    for code, button in enumerate(buttons):
        known = ", ".join(f"{key} {n}" for key, n in counts.get(code, Counter()).most_common())
        rows.append({"arrow": button.arrow, "label": button.label, "keys": known or "no label"})
    return rows


def naming_page(folder: Path, clips: Path, play: str) -> "APIRouter":
    """The page on which the buttons of a world are named, as a part of a server.

    Args:
        folder: that of the world.
        clips: where its moments are from; both are read when the page is opened.
        play: address of the page on which the world is played.
    """
    from playworld.curate.key_labelling import KeyDesk, key_page

    return key_page(KeyDesk(lambda: choose(folder, clips, play=play)))
