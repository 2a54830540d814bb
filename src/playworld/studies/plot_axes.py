"""Axes for a figure: x by factors, y as it is; lines, dots and bands."""

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from playworld.images import font, tiled

Colour = tuple[int, int, int]
Point = tuple[float, float]

WIDTH, HEIGHT = 620, 480
LEFT, RIGHT, TOP, BOTTOM = 70, 24, 64, 72
"""Pixels of a panel, and of its margins."""
INK, FAINT, PALE = (26, 28, 33), (104, 110, 122), (226, 229, 235)
COLOURS: tuple[Colour, ...] = (
    (36, 99, 235),
    (22, 150, 90),
    (214, 72, 50),
    (150, 80, 200),
    (210, 140, 20),
    (20, 150, 170),
)


class Panel:
    """One set of axes; `image` is the result."""

    def __init__(
        self, title: str, across: str, x: tuple[float, float], y: tuple[float, float]
    ) -> None:
        """Args: x and y as (lowest, highest); x above 0."""
        self.x, self.y = x, y
        self.image = Image.new("RGB", (WIDTH, HEIGHT), (255, 255, 255))
        self.draw = ImageDraw.Draw(self.image, "RGBA")
        self.draw.text((LEFT, 14), title, INK, font(20))
        self.draw.text((WIDTH - RIGHT, HEIGHT - 16), across, FAINT, font(15), anchor="rm")
        for value in _steps(*y):
            (_, at) = self.place((x[0], value))
            self.draw.line([(LEFT, at), (WIDTH - RIGHT, at)], fill=PALE)
            self.draw.text((LEFT - 8, at), f"{value:g}", FAINT, font(15), anchor="rm")
        for power in range(math.floor(math.log10(x[0])), math.ceil(math.log10(x[1])) + 1):
            for digit in (1, 3) if x[1] / x[0] < 2e3 else (1,):
                value = digit * 10.0**power
                if x[0] <= value <= x[1]:
                    self.tick(value, short(value))

    def tick(self, x: float, text: str) -> None:
        """A line up from the axis, and what stands below it."""
        (at, _) = self.place((x, self.y[0]))
        self.draw.line([(at, TOP), (at, HEIGHT - BOTTOM)], fill=PALE)
        self.draw.text((at, HEIGHT - BOTTOM + 8), text, FAINT, font(15), anchor="mt")

    def place(self, point: Point) -> Point:
        """Pixels of a point."""
        across = math.log(point[0] / self.x[0]) / math.log(self.x[1] / self.x[0])
        up = (point[1] - self.y[0]) / (self.y[1] - self.y[0])
        height = HEIGHT - TOP - BOTTOM
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * height

    def line(self, points: Sequence[Point], colour: Colour, dashed: bool = False) -> None:
        """A line through points."""
        pairs = list(zip(points, points[1:], strict=False))
        for one, other in pairs[::2] if dashed else pairs:
            self.draw.line([self.place(one), self.place(other)], fill=colour, width=3)

    def dots(self, points: Sequence[Point], colour: Colour) -> None:
        """A dot at each point."""
        for x, y in map(self.place, points):
            self.draw.ellipse([x - 5, y - 5, x + 5, y + 5], fill=colour)

    def band(self, low: Sequence[Point], high: Sequence[Point], colour: Colour) -> None:
        """A shade between two lines."""
        outline = [self.place(point) for point in (*low, *reversed(high))]
        self.draw.polygon(outline, fill=(*colour, 40))

    def key(self, names: Sequence[str], colours: Sequence[Colour]) -> None:
        """What the colours mean, below the title."""
        at = float(LEFT)
        for name, colour in zip(names, colours, strict=True):
            self.draw.rectangle([at, 44, at + 12, 56], fill=colour)
            self.draw.text((at + 18, 50), name, INK, font(15), anchor="lm")
            at += 34 + font(15).getlength(name)


def side_by_side(panels: Sequence[Panel], columns: int = 2) -> Image.Image:
    """Panels as one picture."""
    return tiled((panel.image for panel in panels), len(panels), columns)


def short(value: float) -> str:
    """A count in few characters: 160k, 5.6M, 3e13."""
    for size, letter in ((1e12, ""), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size and letter:
            return f"{value / size:.3g}{letter}"
        if value >= size:
            return f"{value:.2g}".replace("e+", "e")
    return f"{value:.3g}"


def _steps(low: float, high: float) -> list[float]:
    """Round numbers between two, about five of them."""
    rough = (high - low) / 5
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(s * size for s in (1, 2, 5, 10) if s * size >= rough)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
