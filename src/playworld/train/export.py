"""What a trained world needs before people play it: button names, prompts and a card."""

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from playworld.atomic import may_be_ignored
from playworld.config import InputError
from playworld.data.clips.dataset import ClipDataset
from playworld.data.video.pictures import read_picture
from playworld.evaluate.buttons import PRESSES, measure_buttons
from playworld.evaluate.movement import camera_of
from playworld.evaluate.options import STARTS
from playworld.evaluate.starts import level_starts
from playworld.train.openings import open_starts
from playworld.words import counted
from playworld.world.world import World

NUM_PROMPTS = 8
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
"""What files of pictures are called."""
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


def held_out(clips: Path, count: int, length: int) -> UInt8[Tensor, "count length H W C"]:
    """Held-out clips spread evenly over the videos; training clips where none is long enough."""
    try:
        dataset = ClipDataset(clips, "valid", length)
    except InputError:
        dataset = ClipDataset(clips, "train", length)
    picks = np.linspace(0, dataset.num_clips - 1, count).astype(int)
    return torch.from_numpy(np.stack([dataset.read(dataset.clip(int(i))) for i in picks]))


def name_buttons(world: World, clips: Path) -> World:
    """The world with its buttons labelled by what they do from held-out starts on level ground."""
    try:
        starts = level_starts(clips, STARTS)
    except InputError:
        starts = level_starts(clips, STARTS, split="train")
    camera = camera_of(starts.video)
    config = replace(world.config, buttons=measure_buttons(world, starts.video, camera=camera))
    return World(config, world.tokenizer, world.actions, world.dynamics)


def choose_prompts(clips: Path, world: World | None = None) -> dict[str, bytes]:
    """Held-out frames as PNG files by name; of a trained world those from which it moves well."""
    frames = None if world is None else open_starts(world, clips, NUM_PROMPTS)
    if frames is None:
        frames = held_out(clips, NUM_PROMPTS, 1)[:, 0]
    return {f"{number:02d}": png(frame) for number, frame in enumerate(frames, start=1)}


def read_pictures(folder: Path) -> dict[str, Image.Image]:
    """The pictures of a folder by name, for prompts that no video has.

    Raises:
        InputError: if there is no folder or no picture in it, two share a name, or one is damaged.
    """
    files = (path for path in folder.glob("*") if not may_be_ignored(path.name))
    paths = sorted(path for path in files if path.suffix.lower() in PICTURES)
    if not paths:
        raise InputError(f"{folder} has no pictures ({', '.join(PICTURES)})")
    pictures: dict[str, Image.Image] = {}
    for path in paths:
        if path.stem in pictures:
            raise InputError(f"{folder}: two pictures are called {path.stem!r}")
        try:
            pictures[path.stem] = read_picture(path.read_bytes())
        except (InputError, OSError) as error:
            raise InputError(f"{path} cannot be read: {error}") from None
    return pictures


def fit_prompts(world: World, pictures: Mapping[str, Image.Image]) -> dict[str, bytes]:
    """Pictures as prompts of the world's size: PNG files by name."""
    return {name: png(world.prompt(picture)) for name, picture in pictures.items()}


def read_about(path: Path) -> str:
    """What a card says of the videos, in the user's words.

    Raises:
        InputError: where there is no such text file.
    """
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a text file: {error}") from error


def png(frame: UInt8[Tensor, "H W C"]) -> bytes:
    """A frame as a PNG file."""
    out = io.BytesIO()
    Image.fromarray(frame.numpy()).save(out, "PNG")
    return out.getvalue()


def first_card(world: World, recipe: str, clips: Path, history: str, about: str = "") -> str:
    """README.md of a world: what it learned from and how; figures follow once it is evaluated."""
    train, config = ClipDataset(clips, "train", 1), world.config
    minutes = train.num_frames / train.fps / 60
    videos = len({scene.source for scene in train.scenes})
    buttons = "\n".join(
        f"| {code + 1} | {button.label} | {button.arrow} |"
        for code, button in enumerate(world.buttons)
    )
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

| button | does | |
|---|---|---|
{buttons}
"""


def measured_card(card: str, table: str, command: str) -> str:
    """The card with the table of an evaluation, in place of an older one."""
    kept = card.split(MEASURED)[0].rstrip()
    return f"{kept}\n\n{MEASURED}\n\n`{command}` printed:\n\n```\n{table.rstrip()}\n```\n"
