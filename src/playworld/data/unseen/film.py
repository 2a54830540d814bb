"""Films of pictures: a camera that keys move over a photo, and a drawn figure that obeys them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from playworld.data.unseen.drawn import actor, scenery
from playworld.data.unseen.photo import photo

Rng = np.random.Generator
Frames = UInt8[np.ndarray, "T H W 3"]
HELD = (2, 40)
"""Fewest and most frames for which a key is held; always an even number."""
LARGEST = 1024
"""Rows of the largest picture that is made; larger screens show it enlarged."""


@dataclass(frozen=True)
class Film:
    """One film; `keys` has one entry per frame, numbered as in `games.ACTION_NAMES`."""

    seed: int
    frames: Frames
    keys: tuple[int, ...]
    about: dict[str, object]


def films(kind: str, seeds: range, frames: int, size: tuple[int, int]) -> Iterator[Film]:
    """A film of a `photo` or a `drawn` scene per seed; it depends on that and its size alone."""
    make = {"photo": panned, "drawn": walked}[kind]
    return (make(seed, frames, size) for seed in seeds)


def _held(rng: Rng, frames: int, ways: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Keys for so many frames, each held for a while: left or right and down or up, -1, 0 or 1."""
    keys: list[tuple[int, int]] = []
    while len(keys) < frames:
        keys += [ways[rng.integers(len(ways))]] * (2 * int(rng.integers(HELD[0], HELD[1] + 1) // 2))
    return keys[:frames]


def _numbered(keys: list[tuple[int, int]]) -> tuple[int, ...]:
    return tuple((dx + 1) * 3 + up + 1 for dx, up in keys)


def panned(seed: int, frames: int, size: tuple[int, int]) -> Film:
    """A camera that keys pan over a photo-like picture, and that zooms a little by itself."""
    rng, hand = np.random.default_rng((seed, 101)), np.random.default_rng((seed, 102))
    tall = min(3 * max(size), LARGEST)
    picture = Image.fromarray(photo(rng, 2 * tall, tall))
    zoom, breath = rng.uniform(0.45, 0.8), rng.uniform(0, 0.2)
    pace, inertia = rng.uniform(0.4, 2.5), rng.uniform(0, 0.9)
    ways = [(-1, 0), (-1, 0), (1, 0), (1, 0), (0, 1), (0, -1), (0, 0), (-1, 1), (1, -1)]
    keys = _held(hand, frames, ways)
    unit = min(tall / 3 / 64, tall / 64)
    middle, speed = np.array([tall * rng.uniform(0.7, 1.3), tall / 2]), np.zeros(2)
    film = np.empty((frames, size[1], size[0], 3), np.uint8)
    for time, (dx, up) in enumerate(keys):
        share = zoom * (1 - breath * (0.5 + 0.5 * np.cos(2 * np.pi * time / 200)))
        seen = np.array(size) * (share * tall / max(size))
        low, high = seen / 2, np.array([2 * tall, tall]) - seen / 2
        middle = np.clip(middle, low, high)
        box = (*(middle - seen / 2).tolist(), *(middle + seen / 2).tolist())
        film[time] = np.asarray(picture.resize(size, Image.Resampling.BILINEAR, box))
        speed = inertia * speed + (1 - inertia) * pace * unit * np.array([dx, -up])
        middle = middle + speed
    about: dict[str, object] = {"view": "photo", "speed": round(float(pace), 2)}
    return Film(seed, film, _numbered(keys), about)


def walked(seed: int, frames: int, size: tuple[int, int]) -> Film:
    """Somebody drawn who walks and jumps before a drawn land, with a camera that follows."""
    rng, hand = np.random.default_rng((seed, 201)), np.random.default_rng((seed, 202))
    tall = min(2 * size[1], LARGEST)
    wide = round(tall * max(4.0, 2 * size[0] / size[1]))
    sheet, ground = scenery(rng, wide, tall)
    side = round(tall * rng.uniform(0.16, 0.3))
    looks = actor(rng, sheet, side)
    pace, leap, rise = rng.uniform(0.012, 0.035), rng.uniform(0.15, 0.35), rng.uniform(5, 11)
    pull = 2 * leap / rise**2
    ways = [(-1, 0), (-1, 0), (1, 0), (1, 0), (0, 0), (0, 1), (-1, 1), (1, 1)]
    keys = _held(hand, frames, ways)
    across = tall * size[0] / size[1]
    x, high, climb, facing, trod = wide / tall * rng.uniform(0.3, 0.7), 0.0, 0.0, 1, 0.0
    film = np.empty((frames, size[1], size[0], 3), np.uint8)
    for time, (dx, up) in enumerate(keys):
        facing = dx or facing
        pose = 3 if high > 0 else (1 + int(trod / 0.08) % 2 if dx else 0)
        left = min(max(x * tall - across / 2, 0.0), wide - across)
        view = sheet.image.crop((int(left), 0, int(left) + round(across), tall))
        look = looks[pose] if facing > 0 else looks[pose][:, ::-1]
        place = (round(x * tall - side / 2) - int(left), round((ground - high) * tall) - side)
        view.paste(Image.fromarray(look[..., :3]), place, Image.fromarray(look[..., 3]))
        film[time] = np.asarray(view.resize(size, Image.Resampling.BOX))
        if up and high <= 0:
            climb = pull * rise
        high, climb = max(0.0, high + climb), climb - pull
        x = min(max(x + dx * pace, 0.1), wide / tall - 0.1)
        trod += abs(dx) * pace
    about: dict[str, object] = {"view": "drawn", "speed": round(float(pace * 64), 2)}
    return Film(seed, film, _numbered(keys), about)
