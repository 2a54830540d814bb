"""Draw the contact sheet of docs/zoo.md: moments of zoo games, and below them of unseen looks.

python runs/draw_zoo.py docs/images/zoo.png
"""

import sys
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from playworld.data.record.unseen.film import films as unseen_films
from playworld.data.record.zoo.film import films

SIZE = (64, 64)
COLUMNS = 11
MOMENT = 60
"""The frame that is shown of each film."""


def main(out: Path) -> None:
    """Write the picture."""
    zoo = [list(film.frames())[-1] for film in films(range(5 * COLUMNS), MOMENT, SIZE)]
    rest = [
        list(film.frames())[-1]
        for kind in ("photo", "drawn")
        for film in unseen_films(kind, range(COLUMNS), MOMENT, SIZE)
    ]
    gap = np.full((10, COLUMNS * 66, 3), 255, np.uint8)
    sheet = np.concatenate([_rows(zoo), gap, _rows(rest)])
    Image.fromarray(sheet).save(out, optimize=True)


def _rows(frames: list[UInt8[np.ndarray, "H W 3"]]) -> UInt8[np.ndarray, "H W 3"]:
    framed = [np.pad(frame, ((0, 2), (0, 2), (0, 0)), constant_values=255) for frame in frames]
    lines = [framed[k : k + COLUMNS] for k in range(0, len(framed), COLUMNS)]
    return np.concatenate([np.concatenate(line, axis=1) for line in lines])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
