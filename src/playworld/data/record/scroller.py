"""A film with two layers, whose true movement is known: the fence is near, the town is far.

For measuring parallax: a camera slides to the left, to the right or not at all, and the fence
moves three times as far as the town behind it.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt8

NEAR, FAR = 1.5, 0.5
"""Pixels that fence and town move in a frame while a key is held."""
HORIZON = 32
"""Row at which the fence begins, of 64."""
LEFT, NONE, RIGHT = 1, 4, 7
"""The keys, numbered as in `games.ACTION_NAMES`."""
HELD = 2
"""Frames for which a key is held: one frame of a world of 10 frames per second. So the past never
gives the next frame away, and the action must be found."""
WIDE = 1_024
"""Columns after which a layer repeats."""
BROAD = (8, 20)
"""Fewest and most columns of a plank or a house."""
SKY = (180, 205, 235)
HOUSES = ((40, 70, 125), (60, 110, 165), (100, 150, 200))
ROOFS = (6, 12, 18, 24)
"""Rows at which a house may begin."""
PLANKS = ((120, 62, 30), (196, 120, 52), (232, 178, 96), (74, 36, 22))


def scroll(seed: int, frames: int) -> tuple[UInt8[np.ndarray, "T 64 64 3"], tuple[int, ...]]:
    """One film of its own land, and the key that was held at each frame."""
    rng = np.random.default_rng(seed)
    town, fence = _town(rng), _fence(rng)
    keys = _keys(rng, frames)
    way = np.array([{LEFT: -1, NONE: 0, RIGHT: 1}[key] for key in keys])
    place = np.concatenate([[0], np.cumsum(way)[:-1]])
    film = np.empty((frames, 64, 64, 3), np.uint8)
    for t, steps in enumerate(place):
        film[t, :HORIZON] = _window(town, FAR * steps)
        film[t, HORIZON:] = _window(fence, NEAR * steps)
    return film, tuple(keys)


def films(
    seeds: range, frames: int
) -> Iterator[tuple[int, UInt8[np.ndarray, "T 64 64 3"], tuple[int, ...]]]:
    """The seed of each film, its frames and its keys."""
    for seed in seeds:
        yield seed, *scroll(seed, frames)


def _keys(rng: np.random.Generator, frames: int) -> list[int]:
    keys = rng.choice([LEFT, NONE, RIGHT], size=-(-frames // HELD), p=[0.4, 0.2, 0.4])
    return keys.repeat(HELD)[:frames].tolist()


def _window(layer: UInt8[np.ndarray, "H W 3"], left: float) -> UInt8[np.ndarray, "H 64 3"]:
    return layer.take(np.arange(64) + int(np.floor(left)), axis=1, mode="wrap")


def _town(rng: np.random.Generator) -> UInt8[np.ndarray, "H W 3"]:
    """Houses of all heights before the sky."""
    layer = np.full((HORIZON, WIDE, 3), SKY, np.uint8)
    for left, right, paint in _things(rng, len(HOUSES)):
        layer[rng.choice(ROOFS) :, left:right] = HOUSES[paint]
    return layer


def _fence(rng: np.random.Generator) -> UInt8[np.ndarray, "H W 3"]:
    """Planks side by side."""
    layer = np.empty((64 - HORIZON, WIDE, 3), np.uint8)
    for left, right, paint in _things(rng, len(PLANKS)):
        layer[:, left:right] = PLANKS[paint]
    return layer


def _things(rng: np.random.Generator, paints: int) -> Iterator[tuple[int, int, int]]:
    """Where each thing of a layer begins and ends, and its paint: never that of the one before."""
    left = paint = 0
    while left < WIDE:
        right = min(left + int(rng.integers(*BROAD, endpoint=True)), WIDE)
        paint = (paint + int(rng.integers(1, paints))) % paints
        yield left, right, paint
        left = right
