"""A film with two layers, whose true movement is known: the ground is near, the hills are far.

For measuring parallax: a camera slides to the left, to the right or not at all, and the ground
moves three times as far as the hills behind it.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt8

NEAR, FAR = 1.5, 0.5
"""Pixels that ground and hills move in a frame while a key is held."""
HORIZON = 32
"""Row at which the ground begins, of 64."""
LEFT, NONE, RIGHT = 1, 4, 7
"""The keys, numbered as in `games.ACTION_NAMES`."""
HELD = (2, 6)
"""Fewest and most frames for which a key is held. At half the rate that is one to three frames of a
world: were it more, the past would give the next frame away, and no action need be found."""
WIDE = 1_024
"""Columns after which a layer repeats."""


def scroll(seed: int, frames: int) -> tuple[UInt8[np.ndarray, "T 64 64 3"], tuple[int, ...]]:
    """One film of its own land, and the key that was held at each frame."""
    rng = np.random.default_rng(seed)
    hills, ground = _hills(rng), _ground(rng)
    keys = _keys(rng, frames)
    way = np.array([{LEFT: -1, NONE: 0, RIGHT: 1}[key] for key in keys])
    place = np.concatenate([[0], np.cumsum(way)[:-1]])
    film = np.empty((frames, 64, 64, 3), np.uint8)
    for t, steps in enumerate(place):
        film[t, :HORIZON] = _window(hills, FAR * steps)
        film[t, HORIZON:] = _window(ground, NEAR * steps)
    return film, tuple(keys)


def films(
    seeds: range, frames: int
) -> Iterator[tuple[int, UInt8[np.ndarray, "T 64 64 3"], tuple[int, ...]]]:
    """The seed of each film, its frames and its keys."""
    for seed in seeds:
        yield seed, *scroll(seed, frames)


def _keys(rng: np.random.Generator, frames: int) -> list[int]:
    keys: list[int] = []
    while len(keys) < frames:
        keys += [int(rng.choice([LEFT, NONE, RIGHT], p=[0.4, 0.2, 0.4]))] * int(
            rng.integers(*HELD, endpoint=True)
        )
    return keys[:frames]


def _window(layer: UInt8[np.ndarray, "H W 3"], left: float) -> UInt8[np.ndarray, "H 64 3"]:
    return layer.take(np.arange(64) + int(np.floor(left)), axis=1, mode="wrap")


def _hills(rng: np.random.Generator) -> UInt8[np.ndarray, "H W 3"]:
    """Blue hills of many heights before a pale sky, with windows of light on them."""
    layer = np.full((HORIZON, WIDE, 3), (180, 205, 235), np.uint8)
    for _ in range(WIDE // 12):
        left, width = rng.integers(WIDE), rng.integers(6, 20)
        top, shade = rng.integers(4, HORIZON - 4), rng.integers(60, 150)
        columns = np.arange(left, left + width) % WIDE
        layer[top:, columns] = np.array([shade // 2, shade, shade + 50])
        layer[top + 2, columns[::3]] = (250, 240, 180)
    return layer


def _ground(rng: np.random.Generator) -> UInt8[np.ndarray, "H W 3"]:
    """Brown blocks of all shades, four pixels wide."""
    shades = rng.integers(40, 200, ((64 - HORIZON) // 4, WIDE // 4))
    blocks = np.stack([shades, shades * 3 // 5, shades // 4], axis=-1).astype(np.uint8)
    return blocks.repeat(4, axis=0).repeat(4, axis=1)
