"""Pictures drawn by hand: wobbling strokes, hatching and washes on paper or on a blackboard.

Nothing here is shared with `playworld.data.record.zoo`, whose games are trained on.
"""

from collections.abc import Callable, Sequence
from math import cos, pi, sin

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Rng = np.random.Generator
Ink = tuple[int, int, int]
Point = tuple[float, float]
PAPERS: tuple[Ink, ...] = (
    (252, 252, 250),
    (247, 240, 222),
    (214, 186, 148),
    (38, 60, 50),
    (30, 30, 36),
)
"""White, cream, wrapping paper, a blackboard, black card."""
CRAYONS: tuple[Ink, ...] = (
    *((214, 60, 50), (240, 150, 40), (245, 215, 70), (90, 165, 70), (60, 125, 200)),
    *((130, 85, 165), (150, 95, 55), (240, 150, 180), (110, 190, 200), (120, 120, 120)),
)


class Brush:
    """Draws with one kind of pen; lengths are shares of the paper's height."""

    def __init__(self, rng: Rng, width: int, height: int) -> None:
        self.rng, self.scale = rng, height
        paper = PAPERS[rng.choice(5, p=[0.4, 0.25, 0.1, 0.15, 0.1])]
        self.dark = sum(paper) < 200
        self.paper = paper
        self.image = Image.new("RGB", (width, height), paper)
        self.width = width / height
        self.fill = str(rng.choice(["none", "hatch", "flat", "wash"], p=[0.2, 0.35, 0.25, 0.2]))
        self.thick = float(rng.uniform(0.006, 0.02))
        self.shake = float(rng.uniform(0.002, 0.008))
        self.coloured = bool(rng.random() < 0.4)

    def ink(self) -> Ink:
        """The colour of an outline."""
        if self.coloured:
            return CRAYONS[self.rng.integers(len(CRAYONS))]
        return (238, 238, 230) if self.dark else (30, 28, 40)

    def crayon(self) -> Ink:
        """The colour of a surface."""
        return CRAYONS[self.rng.integers(len(CRAYONS))]

    def stroke(self, points: Sequence[Point], ink: Ink | None = None, thick: float = 1.0) -> None:
        """A line through these points, with a hand's unsteadiness and pressure."""
        draw, ink = ImageDraw.Draw(self.image), ink or self.ink()
        path = self._shaken(points)
        for k, (start, end) in enumerate(zip(path[:-1], path[1:], strict=True)):
            press = thick * self.thick * self.scale * (0.75 + 0.35 * sin(k * 0.7))
            draw.line([start, end], ink, max(1, round(press)))
            r = press / 2
            draw.ellipse([end[0] - r, end[1] - r, end[0] + r, end[1] + r], ink)

    def outline(self, points: Sequence[Point], paint: Ink | None = None) -> None:
        """A closed line, and what is in it coloured."""
        path = self._shaken([*points, points[0]])
        if self.fill != "none":
            self._colour(path, paint or self.crayon())
        self.stroke([*points, points[0]])

    def round(
        self, x: float, y: float, across: float, down: float, paint: Ink | None = None
    ) -> None:
        """Something round; its ends do not quite meet."""
        start, over = self.rng.uniform(0, 2 * pi), self.rng.uniform(-0.15, 0.3)
        turns = [start + (2 * pi + over) * k / 24 for k in range(25)]
        points = [(x + across * cos(a), y + down * sin(a)) for a in turns]
        if self.fill != "none":
            self._colour(self._shaken(points), paint or self.crayon())
        self.stroke(points)

    def _shaken(self, points: Sequence[Point]) -> list[Point]:
        path: list[Point] = []
        for (x0, y0), (x1, y1) in zip(points[:-1], points[1:], strict=True):
            steps = max(2, int(np.hypot(x1 - x0, y1 - y0) / 0.04))
            for k in range(steps):
                jolt = self.rng.normal(0, self.shake, 2)
                x = x0 + (x1 - x0) * k / steps + jolt[0]
                y = y0 + (y1 - y0) * k / steps + jolt[1]
                path.append((x * self.scale, y * self.scale))
        path.append((points[-1][0] * self.scale, points[-1][1] * self.scale))
        return path

    def _colour(self, path: Sequence[Point], paint: Ink) -> None:
        area = Image.new("L", self.image.size)
        ImageDraw.Draw(area).polygon(list(path), 255)
        if self.fill == "hatch":
            area = ImageChops.multiply(area, self._hatching(area.getbbox()))
        elif self.fill == "wash":
            area = area.filter(ImageFilter.GaussianBlur(self.scale * 0.008)).point(
                lambda v: v * 0.6
            )
        self.image.paste(paint, (0, 0), area)

    def _hatching(self, box: tuple[int, int, int, int] | None) -> Image.Image:
        lines = Image.new("L", self.image.size)
        if box is None:
            return lines
        draw, gap = ImageDraw.Draw(lines), max(2.0, self.scale * 0.022)
        left, top, right, bottom = box
        tall = bottom - top
        for x in np.arange(left - tall, right, gap):
            a, b = self.rng.normal(0, gap * 0.3, 2)
            wide = max(1, round(gap * self.rng.uniform(0.4, 0.8)))
            draw.line([(x + a, bottom), (x + tall + b, top)], 255, wide)
        return lines


def scenery(rng: Rng, width: int, height: int) -> tuple[Brush, float]:
    """A drawn land with a line of ground, and how far down that line is, as a share."""
    brush = Brush(rng, width, height)
    ground = float(rng.uniform(0.72, 0.86))
    if rng.random() < 0.5:
        _hills(brush, ground)
    brush.round(float(rng.random()) * brush.width, 0.16, 0.09, 0.09, CRAYONS[2])
    for _ in range(int(rng.integers(1, 5))):
        _cloud(brush, float(rng.random()) * brush.width, float(rng.uniform(0.08, 0.3)))
    things = (_house, _tree, _fir, _flower, _fence, _car, _bush, _lamp)
    x = 0.05
    while x < brush.width:
        things[rng.integers(len(things))](brush, x, ground)
        x += float(rng.uniform(0.15, 0.5))
    brush.stroke([(0.0, ground), (brush.width / 2, ground), (brush.width, ground)], thick=1.3)
    for x in np.arange(0, brush.width, 0.06):
        if rng.random() < 0.6:
            brush.stroke(
                [(x, ground), (x + 0.02, ground + float(rng.uniform(0.03, 0.12)))], thick=0.7
            )
    return brush, ground


def _hills(brush: Brush, ground: float) -> None:
    turn = brush.rng.uniform(0, 6, 2)
    line = [
        (x, ground - 0.25 + 0.1 * sin(3 * x + turn[0]) + 0.05 * sin(7 * x + turn[1]))
        for x in np.arange(-0.1, brush.width + 0.1, 0.06).tolist()
    ]
    brush.outline([*line, (brush.width + 0.1, ground), (-0.1, ground)])


def _cloud(brush: Brush, x: float, y: float) -> None:
    bumps = [(-0.1, 0.0), (-0.05, -0.05), (0.03, -0.06), (0.1, -0.02), (0.12, 0.02), (-0.1, 0.02)]
    brush.outline([(x + a, y + b) for a, b in bumps], (225, 230, 240))


def _house(brush: Brush, x: float, ground: float) -> None:
    wide, tall = (float(v) for v in brush.rng.uniform((0.2, 0.18), (0.38, 0.36)))
    top = ground - tall
    brush.outline([(x, ground), (x, top), (x + wide, top), (x + wide, ground)])
    brush.outline([(x - 0.03, top), (x + wide / 2, top - 0.16), (x + wide + 0.03, top)])
    brush.outline(
        [
            (x + 0.04, top + 0.05),
            (x + 0.1, top + 0.05),
            (x + 0.1, top + 0.11),
            (x + 0.04, top + 0.11),
        ]
    )
    door = x + wide - 0.1
    brush.outline(
        [(door, ground), (door, ground - 0.13), (door + 0.07, ground - 0.13), (door + 0.07, ground)]
    )


def _tree(brush: Brush, x: float, ground: float) -> None:
    tall = float(brush.rng.uniform(0.25, 0.45))
    brush.outline(
        [(x, ground), (x + 0.01, ground - tall), (x + 0.05, ground - tall), (x + 0.06, ground)],
        CRAYONS[6],
    )
    brush.round(x + 0.03, ground - tall, 0.13, 0.11, CRAYONS[3])


def _fir(brush: Brush, x: float, ground: float) -> None:
    for k in range(3):
        y, half = ground - 0.1 - 0.1 * k, 0.12 - 0.03 * k
        brush.outline([(x - half, y), (x, y - 0.16), (x + half, y)], CRAYONS[3])
    brush.stroke([(x, ground), (x, ground - 0.1)], thick=1.6)


def _flower(brush: Brush, x: float, ground: float) -> None:
    tall = float(brush.rng.uniform(0.06, 0.14))
    brush.stroke([(x, ground), (x + 0.01, ground - tall)], CRAYONS[3])
    brush.round(x + 0.01, ground - tall, 0.03, 0.03)


def _fence(brush: Brush, x: float, ground: float) -> None:
    for k in range(6):
        brush.stroke([(x + 0.05 * k, ground), (x + 0.05 * k, ground - 0.12)])
    for y in (0.04, 0.09):
        brush.stroke([(x - 0.02, ground - y), (x + 0.28, ground - y)])


def _car(brush: Brush, x: float, ground: float) -> None:
    brush.outline(
        [
            (x + a, ground - b)
            for a, b in (
                (0, 0.05),
                (0, 0.11),
                (0.07, 0.12),
                (0.11, 0.18),
                (0.22, 0.18),
                (0.26, 0.12),
                (0.33, 0.1),
                (0.33, 0.05),
            )
        ]
    )
    for wheel in (0.08, 0.25):
        brush.round(x + wheel, ground - 0.045, 0.04, 0.04, (60, 60, 70))


def _bush(brush: Brush, x: float, ground: float) -> None:
    brush.outline(
        [(x + 0.09 * k - 0.09, ground - b) for k, b in enumerate((0, 0.08, 0.11, 0.06, 0))],
        CRAYONS[3],
    )


def _lamp(brush: Brush, x: float, ground: float) -> None:
    brush.stroke([(x, ground), (x, ground - 0.34), (x + 0.06, ground - 0.36)], thick=1.3)
    brush.round(x + 0.08, ground - 0.34, 0.03, 0.03, CRAYONS[2])


def actor(rng: Rng, brush: Brush, pixels: int) -> list[UInt8[np.ndarray, "H W 4"]]:
    """Pictures of a character in the same pen: standing, two of a walk, jumping; facing right.

    They are square, of `pixels` a side, and see-through around the lines.
    """
    kind = int(rng.integers(3))
    fill, ink = brush.crayon(), brush.ink()
    pictures = []
    for stride in (0.02, 0.14, -0.1, 0.2):
        sheet = Brush.__new__(Brush)
        sheet.__dict__.update(brush.__dict__)
        sheet.scale, sheet.image, sheet.width = pixels, Image.new("RGB", (pixels, pixels), KEY), 1.0
        sheet.thick = max(0.06, brush.thick * 2)
        sheet.fill = "flat"
        (_stick_man, _cat, _ghost)[kind](sheet, stride, fill, ink)
        rgb = np.asarray(sheet.image)
        opaque = np.any(rgb != np.array(KEY, np.uint8), axis=2)
        pictures.append(np.dstack([rgb, np.where(opaque, 255, 0).astype(np.uint8)]))
    return pictures


KEY: Ink = (1, 2, 3)
"""The colour of nothing on the sheet that an actor is drawn on."""


def _stick_man(brush: Brush, stride: float, fill: Ink, ink: Ink) -> None:
    brush.stroke([(0.5, 0.35), (0.5, 0.65)], ink)
    for sign in (-1, 1):
        brush.stroke(
            [(0.5, 0.65), (0.5 + sign * stride, 0.8), (0.48 + 1.6 * sign * stride, 0.96)], ink
        )
        brush.stroke([(0.5, 0.42), (0.5 + sign * (0.1 + stride), 0.58 - abs(stride))], ink)
    brush.round(0.5, 0.2, 0.15, 0.15, fill)


def _cat(brush: Brush, stride: float, fill: Ink, ink: Ink) -> None:
    for x, sign in ((0.3, 1), (0.4, -1), (0.6, 1), (0.7, -1)):
        brush.stroke([(x, 0.65), (x + sign * stride, 0.95)], ink)
    brush.stroke([(0.25, 0.6), (0.1, 0.45), (0.12, 0.3 + stride)], ink)
    brush.round(0.48, 0.6, 0.26, 0.14, fill)
    brush.round(0.76, 0.42, 0.15, 0.14, fill)
    for x in (0.67, 0.83):
        brush.stroke([(x - 0.05, 0.34), (x, 0.2), (x + 0.05, 0.33)], ink)


def _ghost(brush: Brush, stride: float, fill: Ink, ink: Ink) -> None:
    hem = [
        (0.25, 0.9),
        (0.37, 0.8 + stride / 2),
        (0.5, 0.92),
        (0.63, 0.8 - stride / 2),
        (0.75, 0.9),
    ]
    brush.outline([*hem, (0.78, 0.4), (0.62, 0.12), (0.38, 0.12), (0.22, 0.4)], fill)
    for x in (0.48, 0.66):
        brush.round(x, 0.36, 0.04, 0.06, (250, 250, 250))


Thing = Callable[[Brush, float, float], None]
