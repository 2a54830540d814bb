"""Pictures as text: the upper half of a character cell in one colour, the lower half in another."""

import os
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image
from rich.cells import set_cell_size

UPPER_HALF = "▀"
CUBE = np.array([0, 95, 135, 175, 215, 255])
"""Levels of red, green and blue in the 6x6x6 cube of xterm's 256 colours (numbers 16 to 231)."""
GREYS = np.arange(8, 239, 10)
"""The levels of its 24 greys, numbers 232 to 255."""
BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""Around what should appear at once; terminals that do not know it ignore it."""


def many_colours() -> bool:
    """Whether the terminal promises 24-bit colour; nearly all of them have 256."""
    return os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit")


def fit(width: int, height: int, columns: int, rows: int) -> tuple[int, int]:
    """Columns and rows of cells that a picture fills, its shape kept: a cell is two pixels high."""
    scale = min(columns / width, 2 * rows / height)
    return max(int(width * scale), 1), max(int(height * scale / 2), 1)


def cells(
    frame: UInt8[np.ndarray, "H W 3"], columns: int, rows: int, full: bool
) -> Int[np.ndarray, "rows columns 2"]:
    """The colour of the upper and of the lower half of every cell.

    A colour is its number among xterm's 256, or 65536 red + 256 green + blue where `full`.
    """
    grows = columns >= frame.shape[1]
    how = Image.Resampling.NEAREST if grows else Image.Resampling.BOX  # pixels stay sharp, or mix
    pixels = np.asarray(Image.fromarray(frame).resize((columns, 2 * rows), how)).astype(np.int64)
    colours = pixels @ np.array([65536, 256, 1]) if full else of_256(pixels)
    return np.stack([colours[0::2], colours[1::2]], axis=-1)


def of_256(pixels: Int[np.ndarray, "H W 3"]) -> Int[np.ndarray, "H W"]:
    """The nearest of xterm's 256 colours, without the first 16, which people choose themselves."""
    steps = np.abs(pixels[..., None] - CUBE).argmin(-1)
    grey = np.abs(pixels.mean(-1)[..., None] - GREYS).argmin(-1)
    in_cube = ((pixels - CUBE[steps]) ** 2).sum(-1)
    in_grey = ((pixels - GREYS[grey][..., None]) ** 2).sum(-1)
    return np.where(in_grey < in_cube, 232 + grey, 16 + steps @ np.array([36, 6, 1]))


class HalfBlockCanvas:
    """What a terminal shows, so that only what changed is written: it may be far away."""

    def __init__(self, full: bool) -> None:
        self._full = full
        self._size = (0, 0)
        self._cells = np.zeros((0, 0, 2), np.int64)
        self._lines: list[str] = []

    def draw(
        self, frame: UInt8[np.ndarray, "H W 3"], lines: Sequence[str], columns: int, rows: int
    ) -> str:
        """What to write to a terminal of this size to show a picture with lines of text below it.

        Lines that are too long are cut; where there are too many, the last ones are left out.
        """
        text = list(lines[: rows // 2])
        width, height = fit(frame.shape[1], frame.shape[0], columns, max(rows - len(text), 1))
        left = (columns - width) // 2
        out: list[str] = []
        new = cells(frame, width, height, self._full)
        if (columns, rows) != self._size or new.shape != self._cells.shape:
            self._size, self._lines, self._cells = (columns, rows), [], np.full_like(new, -1)
            out.append("\x1b[0m\x1b[2J")
        for row in np.flatnonzero((new != self._cells).any(axis=(1, 2))):
            (changed,) = np.nonzero((new[row] != self._cells[row]).any(axis=1))
            first, last = changed[0], changed[-1] + 1
            out.append(f"\x1b[{row + 1};{left + first + 1}H{self._paint(new[row, first:last])}")
        for number, line in enumerate(text):
            if number >= len(self._lines) or self._lines[number] != line:
                cut = set_cell_size(line, columns - 1).rstrip()
                out.append(f"\x1b[0m\x1b[{height + number + 1};1H{cut}\x1b[K")
        self._cells, self._lines = new, text
        return BEGIN + "".join(out) + END if out else ""

    def _paint(self, row: Int[np.ndarray, "W 2"]) -> str:
        """Cells beside each other; a colour is named only where it changes."""
        upper = lower = -1
        out = []
        for above, below in row.tolist():
            if above != upper:
                out.append(f"\x1b[38;{self._colour(above)}m")
            if below != lower:
                out.append(f"\x1b[48;{self._colour(below)}m")
            out.append(UPPER_HALF)
            upper, lower = above, below
        return "".join(out)

    def _colour(self, number: int) -> str:
        if self._full:
            return f"2;{number >> 16};{number >> 8 & 255};{number & 255}"
        return f"5;{number}"
