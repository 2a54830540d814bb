"""A grid of enlarged frames with headings and names, under a title or without."""

import math
from collections.abc import Sequence

from jaxtyping import UInt8
from PIL import Image, ImageDraw
from torch import Tensor

from playworld.images import enlarged, enlargement, font, image

MARGIN, GAP, LEAD = 28, 8, 20
"""Pixels around the picture, between frames, and after the leading columns."""
TITLE, NOTE, HEAD = 30, 20, 19
"""Heights of the letters of title, line below it and headings."""
BADGE = 26
"""Width and height of the arrow on a frame."""
PAPER, INK, FAINT, ACCENT = (255, 255, 255), (26, 28, 33), (104, 110, 122), (36, 99, 235)

DIRECTIONS = {
    "→": (1, 0),
    "←": (-1, 0),
    "↑": (0, -1),
    "↓": (0, 1),
    "↗": (1, -1),
    "↖": (-1, -1),
    "↘": (1, 1),
    "↙": (-1, 1),
}
"""Way of an arrow, x right and y down. Drawn, as not every font has them."""


class FrameGrid:
    """The picture as it is being filled; `image` is the result."""

    def __init__(
        self,
        rows: int,
        columns: int,
        frame: tuple[int, int],
        title: str = "",
        note: str = "",
        lead: int = 0,
        names: Sequence[str] = (),
        letters: int = HEAD,
    ) -> None:
        """Args: frame as (height, width); `lead` columns stand apart; names go left of the rows."""
        self.scale, self.letters = enlargement(frame[1]), letters
        self.height, self.width = frame[0] * self.scale, frame[1] * self.scale
        self.lead, self.names = lead, names
        self.left = MARGIN + (max(self._length(name) for name in names) + LEAD if names else 0)
        self.top = MARGIN + (TITLE + NOTE + 26 if title else 0) + letters + 12
        size = (
            max(self._x(columns) - GAP, MARGIN + _width(title, TITLE), MARGIN + _width(note, NOTE)),
            self._y(rows) - GAP,
        )
        self.image = Image.new("RGB", (size[0] + MARGIN, size[1] + MARGIN), PAPER)
        self.draw = ImageDraw.Draw(self.image)
        self.draw.text((MARGIN, MARGIN - 8), title, INK, font(TITLE))
        self.draw.text((MARGIN, MARGIN + TITLE + 2), note, FAINT, font(NOTE))
        for row, name in enumerate(names):
            middle = self._y(row) + self.height // 2
            self.draw.text((MARGIN, middle), name, INK, font(letters), anchor="lm")

    def head(self, column: int, text: str, arrow: str = "") -> None:
        """A heading, in the middle over a column, with an arrow before it."""
        room = self.letters + 8 if arrow else 0
        middle, y = self._x(column) + self.width / 2, self.top - 12 - self.letters / 2
        left = middle - (self._length(text) + room) / 2
        if arrow:
            draw_arrow(self.draw, (left + self.letters / 2, y), self.letters, arrow, ACCENT)
        self.draw.text((left + room, y), text, INK, font(self.letters), anchor="lm")

    def frame(self, row: int, column: int, frame: UInt8[Tensor, "H W C"], arrow: str = "") -> None:
        """A frame, enlarged without smoothing, with a small arrow in its corner."""
        x, y = self._x(column), self._y(row)
        self.image.paste(enlarged(image(frame), self.scale), (x, y))
        if arrow:
            box = [x + 5, y + self.height - BADGE - 5, x + 5 + BADGE, y + self.height - 5]
            self.draw.rounded_rectangle(box, radius=6, fill=PAPER)
            middle = (box[0] + BADGE / 2, box[1] + BADGE / 2)
            draw_arrow(self.draw, middle, BADGE - 9, arrow, ACCENT)

    def mark(self, row: int, column: int, down: float, across: float, text: str) -> None:
        """A movement on a frame: an arrow of `across` pixels of the frame, `down` from its top.

        `down` is a share of the height; the text says how far.
        """
        x, y = self._x(column) + self.width / 2, self._y(row) + down * self.height
        box = [x - self.width / 3, y - HEAD / 2 - 2, x + self.width / 3, y + HEAD / 2 + 2]
        self.draw.rounded_rectangle(box, radius=6, fill=PAPER)
        self.draw.text((box[0] + 6, y), text, INK, font(HEAD), anchor="lm")
        arrow, size = "→" if across > 0 else "←", min(8 * abs(across), self.width / 4)
        if size >= 4:  # longer than the movement, or a pixel would not be seen
            draw_arrow(self.draw, (x + self.width / 6, y), size, arrow, ACCENT)

    def _length(self, text: str) -> int:
        return _width(text, self.letters)

    def _x(self, column: int) -> int:
        return self.left + column * (self.width + GAP) + (LEAD if column >= self.lead else 0)

    def _y(self, row: int) -> int:
        return self.top + row * (self.height + GAP)


def draw_arrow(
    draw: ImageDraw.ImageDraw,
    middle: tuple[float, float],
    size: float,
    arrow: str,
    colour: tuple[int, int, int],
) -> None:
    """An arrow (or the dot that means standing still) of this size around a point."""
    x, y = middle
    if arrow not in DIRECTIONS:
        draw.ellipse([x - size / 5, y - size / 5, x + size / 5, y + size / 5], fill=colour)
        return
    angle = math.atan2(*reversed(DIRECTIONS[arrow]))

    def at(along: float, aside: float) -> tuple[float, float]:
        """A point in the arrow's own axes, in halves of its size."""
        forward = (along * math.cos(angle) - aside * math.sin(angle)) * size / 2
        across = (along * math.sin(angle) + aside * math.cos(angle)) * size / 2
        return x + forward, y + across

    draw.line([at(-1, 0), at(0.4, 0)], fill=colour, width=max(2, round(size / 6)))
    draw.polygon([at(1, 0), at(0.1, 0.65), at(0.1, -0.65)], fill=colour)


def _width(text: str, size: int) -> int:
    return math.ceil(font(size).getlength(text))
