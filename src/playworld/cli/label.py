"""`playworld label`: keys for the buttons of a world, from moments of its videos."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.console import Console
from tyro.conf import Positional

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
        "what is written": "out",
    }

    world: Positional[Path]
    """Folder of the world; its buttons are named anew."""
    clips: Positional[Path]
    """Folder of clips, such as the one that `playworld create` names at its end."""
    count: int = 50
    """Moments that are shown, in this terminal."""
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

    def __post_init__(self) -> None:
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
        from playworld.export.card import renamed_card
        from playworld.export.key_labels import count_recorded, with_keys
        from playworld.world import World

        if not self.world.is_dir():
            raise InputError(f"there is no folder {self.world}: label names a world of your own")
        world = World.load(self.world)
        counts = count_recorded(world, self.clips) if self.actions else self._labelled(world)
        buttons = with_keys(world.buttons, counts)
        for code, button in enumerate(buttons):
            known = ", ".join(f"{key} {n}" for key, n in counts.get(code, Counter()).most_common())
            say(console, f"{code + 1:3} {button.arrow:2} {button.label:16} {known or 'no label'}")
        world.renamed(buttons=buttons).save(self.world, renamed_card(world.card, buttons))
        say(console, then("buttons named", "play", self.world))
        return 0

    def _labelled(self, world: "World") -> "Counts":
        from playworld.export.key_labels import (
            BEFORE,
            choose_moments,
            count_labels,
            labels_of,
            read_labels,
            write_labels,
        )
        from playworld.play.label_terminal import ask

        if self.labels:
            return count_labels(world, self.clips, read_labels(self.labels))
        out = self.out or self.world.with_name(f"{self.world.name}.keys.json")
        known = list(read_labels(out)) if out.exists() else []
        moments = choose_moments(world, self.clips, self.count, self.seed + len(known))
        given = ask(list(moments.video.numpy()), BEFORE, moments.fps, self.named_keys())
        labels = [*known, *labels_of(moments, given)]
        if not labels:
            raise InputError("no key was pressed: the buttons stay as they are")
        write_labels(out, labels)
        return count_labels(world, self.clips, labels)
