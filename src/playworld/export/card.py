"""The card of a world: README.md of its folder."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import dropwhile
from pathlib import Path

from playworld.config import InputError
from playworld.data.clips.dataset import ClipDataset
from playworld.evaluate.buttons import PRESSES
from playworld.words import counted
from playworld.world.folder import Button
from playworld.world.world import World

FRONT_MATTER = """---
library_name: playworld
tags:
- world-model
- latent-actions
- video-generation
---
"""
"""How the Hugging Face Hub knows a card."""
MEASURED = "## Measured"
"""Heading of the card's section that `playworld evaluate --card` writes."""
BUTTONS = "| button | does | |\n|---|---|---|\n"
"""Head of the card's table of buttons."""


def read_about(path: Path) -> str:
    """What a card says of the videos, in the user's words.

    Raises:
        InputError: where there is no such text file.
    """
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a text file: {error}") from error


def first_card(world: World, recipe: str, clips: Path, history: str, about: str = "") -> str:
    """README.md of a world: what it learned from and how; figures follow once it is evaluated."""
    train, config = ClipDataset(clips, "train", 1), world.config
    minutes = train.num_frames / train.fps / 60
    videos = len({scene.source for scene in train.scenes})
    about = about and f"\n{about}\n"
    return f"""{FRONT_MATTER}
# {config.name}: a world to play

Made with [Playworld](https://github.com/playworld/playworld) on {datetime.now(UTC):%Y-%m-%d}.

| | |
|---|---|
| recipe | `{recipe}`: {history} |
| learned from | {counted(train.num_frames, "frame")} ({counted(round(minutes), "minute")}) \
of {counted(videos, "video")}, \
{world.width}x{world.height} at {config.fps:g} frames per second |
| one press lasts | {1000 / config.fps:.0f} ms |
| tokens per frame | {config.tokenizer.summary} |
| memory | {counted(config.dynamics.transformer.window, "frame")} |
{about}
No actions were used: the buttons were found in the video alone. What they do, measured after
training from held-out moments on level ground, {counted(PRESSES, "press", "presses")} each:

{BUTTONS}{_rows(world.buttons)}"""


def renamed_card(card: str, buttons: Sequence[Button]) -> str:
    """The card with other names in its table of buttons; as it is where it has no such table."""
    head, found, rest = card.partition(BUTTONS)
    after = dropwhile(lambda line: line.startswith("|"), rest.splitlines(keepends=True))
    return head + found + _rows(buttons) + "".join(after) if found else card


def _rows(buttons: Sequence[Button]) -> str:
    rows = (f"| {code + 1} | {b.label} | {b.arrow} |\n" for code, b in enumerate(buttons))
    return "".join(rows)


def measured_card(card: str, table: str, command: str) -> str:
    """The card with the table of an evaluation, in place of an older one."""
    kept = card.split(MEASURED)[0].rstrip()
    return f"{kept}\n\n{MEASURED}\n\n`{command}` printed:\n\n```\n{table.rstrip()}\n```\n"
