"""Draw videos of what lies between games in the wild: menus, noise, fades and slides.

`python draw_menus.py FOLDER [COUNT]` writes COUNT (20) videos of 12 seconds, 64x64 at 20 frames per
second, lossless.
"""

import sys
from pathlib import Path

import numpy as np

from playworld.data.record.recordings import write_video

FRAMES, SIZE = 240, 64


def menu(rng: np.random.Generator) -> np.ndarray:
    """Lines of "text" on a plain ground; a bar hops from one to the next."""
    back, ink, bar = rng.integers(0, 256, (3, 3))
    page = np.full((SIZE, SIZE, 3), back, dtype=np.uint8)
    rows = range(10, 58, 12)
    for top in rows:
        width = int(rng.integers(12, 40))
        letters = rng.random((5, width)) < 0.6
        page[top : top + 5, 8 : 8 + width][letters] = ink
    film, row = [], 0
    for k in range(FRAMES):
        if k % 12 == 0:
            row = int(rng.integers(0, len(rows)))
        frame = page.copy()
        frame[rows[row] + 6 : rows[row] + 8, 6:58] = bar
        film.append(frame)
    return np.stack(film)


def noise(rng: np.random.Generator) -> np.ndarray:
    """A detuned screen, in squares of 1 to 8 pixels."""
    side = int(rng.choice([1, 2, 4, 8]))
    small = rng.integers(0, 256, (FRAMES, SIZE // side, SIZE // side, 3), dtype=np.uint8)
    return small.repeat(side, axis=1).repeat(side, axis=2)


def fade(rng: np.random.Generator) -> np.ndarray:
    """One colour turns into another, and back."""
    one, other = rng.integers(0, 256, (2, 3))
    share = 0.5 - 0.5 * np.cos(np.linspace(0, 4 * np.pi, FRAMES))[:, None]
    colours = one + share * (other - one)
    return np.broadcast_to(colours[:, None, None], (FRAMES, SIZE, SIZE, 3)).astype(np.uint8)


def slides(rng: np.random.Generator) -> np.ndarray:
    """Still pictures of blocks, each shown for three seconds."""
    pages = rng.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    return pages.repeat(8, axis=1).repeat(8, axis=2).repeat(FRAMES // 4, axis=0)


def main(folder: Path, count: int) -> None:
    """Write the videos, in turn of each kind."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = (menu, noise, fade, slides)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        film = kind(np.random.default_rng(number))
        write_video(folder / f"{kind.__name__}-{number:02d}.mp4", film)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20)
