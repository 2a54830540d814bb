"""Prompts of a finished world: held-out frames from which it plays well, and chosen pictures."""

from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from playworld.atomic import may_be_ignored
from playworld.config import InputError
from playworld.data.video.pictures import read_picture
from playworld.export.choose_prompts import open_starts
from playworld.images import to_png
from playworld.train.preview_pictures import NUM_PROMPTS, held_out_prompts, numbered
from playworld.world.world import World

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
"""What files of pictures are called."""


def choose_prompts(clips: Path, world: World) -> dict[str, bytes]:
    """Held-out frames from which the world moves well, as PNG files by name."""
    frames = open_starts(world, clips, NUM_PROMPTS)
    return held_out_prompts(clips) if frames is None else numbered(frames)


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
    return {name: to_png(world.prompt(picture)) for name, picture in pictures.items()}
