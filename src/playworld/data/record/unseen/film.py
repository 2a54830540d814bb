"""Films of pictures: a camera that keys move over a photo, and a drawn figure that obeys them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from playworld.data.record.unseen.drawn import actor, scenery
from playworld.data.record.unseen.photo import photo

Rng = np.random.Generator
Frames = Iterator[UInt8[np.ndarray, "H W 3"]]
Held = tuple[tuple[int, int], ...]
"""Left or right and down or up, -1, 0 or 1, for each frame."""
HELD = (2, 40)
"""Fewest and most frames for which a key is held; always an even number."""
LARGEST = 1024
"""Rows of the largest picture that is made; larger screens show it enlarged."""


@dataclass(frozen=True)
class PictureFilm:
    """One film, drawn when it is asked for; `keys` has one entry per frame."""

    seed: int
    keys: tuple[int, ...]
    """Numbered as in `games.ACTION_NAMES`."""
    frames: Callable[[], Frames]
    about: dict[str, object]
    """Facts about it, for information."""


def films(kind: str, seeds: range, frames: int, size: tuple[int, int]) -> Iterator[PictureFilm]:
    """A film of a `photo` or a `drawn` scene per seed; it depends on that and its size alone."""
    draw, ways = {"photo": (panned, PANS), "drawn": (walked, WALKS)}[kind]
    for seed in seeds:
        held = _held(np.random.default_rng((seed, 100)), frames, ways)
        keys = tuple((dx + 1) * 3 + up + 1 for dx, up in held)
        yield PictureFilm(seed, keys, partial(draw, seed, held, size), {"view": kind})


PANS = ((-1, 0), (-1, 0), (1, 0), (1, 0), (0, 1), (0, -1), (0, 0), (-1, 1), (1, -1))
WALKS = ((-1, 0), (-1, 0), (1, 0), (1, 0), (0, 0), (0, 1), (-1, 1), (1, 1))
"""The keys that are held, some more often than others."""


def _held(rng: Rng, frames: int, ways: Held) -> Held:
    """Keys for so many frames, each held for a while."""
    keys: list[tuple[int, int]] = []
    while len(keys) < frames:
        keys += [ways[rng.integers(len(ways))]] * (2 * int(rng.integers(HELD[0], HELD[1] + 1) // 2))
    return tuple(keys[:frames])


def panned(seed: int, held: Held, size: tuple[int, int]) -> Frames:
    """A camera that keys pan over a photo-like picture, and that zooms a little by itself."""
    rng = np.random.default_rng((seed, 101))
    tall = min(3 * max(size), LARGEST)
    picture = Image.fromarray(photo(rng, 2 * tall, tall))
    zoom, breath = rng.uniform(0.45, 0.8), rng.uniform(0, 0.2)
    pace, inertia = rng.uniform(0.4, 2.5) * tall / 192, rng.uniform(0, 0.9)
    middle, speed = np.array([tall * rng.uniform(0.7, 1.3), tall / 2]), np.zeros(2)
    for time, (dx, up) in enumerate(held):
        share = zoom * (1 - breath * (0.5 + 0.5 * np.cos(2 * np.pi * time / 200)))
        view = np.array(size) * (share * tall / max(size))
        middle = np.clip(middle, view / 2, np.array([2 * tall, tall]) - view / 2)
        box = (*(middle - view / 2).tolist(), *(middle + view / 2).tolist())
        yield np.asarray(picture.resize(size, Image.Resampling.BILINEAR, box))
        speed = inertia * speed + (1 - inertia) * pace * np.array([dx, -up])
        middle = middle + speed


def walked(seed: int, held: Held, size: tuple[int, int]) -> Frames:
    """A drawn character that walks and jumps before a drawn land, with a camera that follows."""
    rng = np.random.default_rng((seed, 201))
    tall = min(2 * size[1], LARGEST)
    wide = round(tall * max(4.0, 2 * size[0] / size[1]))
    sheet, ground = scenery(rng, wide, tall)
    side = round(tall * rng.uniform(0.16, 0.3))
    looks = actor(rng, sheet, side)
    pace, leap, rise = rng.uniform(0.012, 0.035), rng.uniform(0.15, 0.35), rng.uniform(5, 11)
    pull = 2 * leap / rise**2
    across = tall * size[0] / size[1]
    x, high, climb, facing, trod = wide / tall * rng.uniform(0.3, 0.7), 0.0, 0.0, 1, 0.0
    for dx, up in held:
        facing = dx or facing
        pose = 3 if high > 0 else (1 + int(trod / 0.08) % 2 if dx else 0)
        left = int(min(max(x * tall - across / 2, 0.0), wide - across))
        view = sheet.image.crop((left, 0, left + round(across), tall))
        look = looks[pose] if facing > 0 else looks[pose][:, ::-1]
        place = (round(x * tall - side / 2) - left, round((ground - high) * tall) - side)
        view.paste(Image.fromarray(look[..., :3]), place, Image.fromarray(look[..., 3]))
        yield np.asarray(view.resize(size, Image.Resampling.BOX))
        if up and high <= 0:
            climb = pull * rise
        high, climb = max(0.0, high + climb), climb - pull
        x = min(max(x + dx * pace, 0.1), wide / tall - 0.1)
        trod += abs(dx) * pace
