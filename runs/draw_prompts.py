"""Draws five prompts that no world was trained on.

    python runs/draw_prompts.py FOLDER

    sketch    chalk on a blackboard     photo    a valley at night, with the grain of a camera
    crayon    wax on black paper        dream    smooth shapes in the manner of a picture generator
    blocks    another platform game

In each a figure stands in the middle on open ground that is lighter than the sky, as in CoinRun,
with a step far to the right and something brown far to the left, by which its way can be seen.

Everything is computed, nothing is copied from anywhere, and the same files come out every time.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = 64
"""Pixels along each side of a prompt."""
LARGE = 512
"""Pixels at which all but `blocks` is drawn, then made small."""
GROUND = 282
"""Where the ground begins in the large pictures: a little below the middle."""
STEP, UP = 420, 80
"""From where on it is higher, and by how much."""

Point = tuple[float, float]
Colour = tuple[int, int, int]


def noise(rng: np.random.Generator, rough: float, octaves: int = 6) -> np.ndarray:
    """Clouds in [0, 1]: noise of ever finer grain, each octave `rough` times as strong."""
    total = np.zeros((LARGE, LARGE))
    for octave in range(octaves):
        cells = rng.random((2 ** (octave + 2), 2 ** (octave + 2)))
        grain = Image.fromarray(cells.astype(np.float32))
        total += rough**octave * np.asarray(grain.resize((LARGE, LARGE), Image.Resampling.BICUBIC))
    total -= total.min()
    return total / total.max()


def wobbly(rng: np.random.Generator, points: Sequence[Point], shake: float) -> list[Point]:
    """A line through the points as a hand draws it: it strays slowly, and never quite straight."""
    path: list[Point] = []
    stray = rng.normal(0, shake, 2)
    for (x0, y0), (x1, y1) in zip(points[:-1], points[1:], strict=True):
        steps = max(2, int(np.hypot(x1 - x0, y1 - y0) / 6))
        for t in np.linspace(0, 1, steps, endpoint=False):
            stray = 0.9 * stray + rng.normal(0, 0.45 * shake, 2)
            path.append((x0 + (x1 - x0) * t + stray[0], y0 + (y1 - y0) * t + stray[1]))
    return [*path, points[-1]]


def ring(x: float, y: float, radius: float, turns: float = 1.05) -> list[Point]:
    """A circle that overshoots a little, as hands do."""
    angles = np.linspace(0, 2 * np.pi * turns, 24)
    return [(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles]


class Pen:
    """Lines of one tool on one sheet."""

    def __init__(self, sheet: Image.Image, seed: int, width: float, shake: float) -> None:
        self.draw, self.rng = ImageDraw.Draw(sheet), np.random.default_rng(seed)
        self.width, self.shake = width, shake

    def line(self, points: Sequence[Point], colour: Colour, width: float = 1.0) -> None:
        """One stroke, thicker and thinner as it goes."""
        path = wobbly(self.rng, points, self.shake)
        for one, two in zip(path[:-1], path[1:], strict=True):
            thick = self.width * width * self.rng.uniform(0.75, 1.15)
            self.draw.line([one, two], fill=colour, width=round(thick))
            x, y, half = *two, thick / 2
            self.draw.ellipse([x - half, y - half, x + half, y + half], fill=colour)

    def fill(self, box: tuple[float, float, float, float], colour: Colour, step: float) -> None:
        """Hatching to and fro over a box, the way a child fills a shape."""
        left, top, right, bottom = box
        rows = np.arange(top, bottom, step)
        turns = [(left if row % 2 else right, y) for row, y in enumerate(rows)]
        if len(turns) > 1:
            self.line(turns, colour)


def paper(rng: np.random.Generator, colour: Colour) -> Image.Image:
    """A sheet with a faint grain."""
    grain = 1 - 0.06 * noise(rng, 0.9)[..., None]
    return Image.fromarray((np.array(colour) * grain).astype(np.uint8))


def small(picture: Image.Image) -> Image.Image:
    """The picture at the size of a prompt."""
    return picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def sketch() -> Image.Image:
    """Chalk: level ground, hatched below, a crate, a cloud, a moon, a figure."""
    sheet = paper(np.random.default_rng(1), (14, 17, 18))
    chalk, faint, white = Pen(sheet, 1, 9, 3.0), (58, 60, 62), (228, 228, 220)
    for x in range(-20, 530, 14):
        chalk.line([(x, ground(x)), (x, 522)], (180, 190, 188), 2.4)
    chalk.line([(-10, GROUND), (STEP, GROUND), (STEP, GROUND - UP), (522, GROUND - UP)], white, 1.5)
    chalk.fill((76, 206, 126, 280), (150, 100, 62), 9)
    chalk.line([(150, 90), (178, 68), (214, 76), (246, 58), (280, 84), (154, 96)], faint, 0.6)
    chalk.line(ring(404, 66, 26), faint, 0.7)
    figure(chalk, white, white)
    return small(sheet)


def crayon() -> Image.Image:
    """Wax crayons on black: a moon, a meadow, a brown house, somebody in blue."""
    sheet = paper(np.random.default_rng(2), (12, 12, 16))
    wax = Pen(sheet, 2, 20, 4.0)
    for x in range(-20, 530, 18):
        wax.line([(x, ground(x) + 8), (x, 522)], (176, 206, 190), 1.5)
    wax.fill((82, 210, 122, 276), (150, 92, 54), 10)
    edge = [(-10, GROUND), (STEP, GROUND), (STEP, GROUND - UP), (522, GROUND - UP)]
    Pen(sheet, 2, 12, 2.0).line(edge, (214, 226, 206))
    wax.line(ring(404, 60, 16), (34, 30, 22), 0.9)
    figure(Pen(sheet, 2, 12, 3.0), (246, 226, 196), (188, 206, 244))
    return small(sheet)


def ground(x: float) -> float:
    """Height of the ground: level, with a step up at the right."""
    return GROUND - UP * (x >= STEP)


def figure(pen: Pen, skin: Colour, clothes: Colour) -> None:
    """Somebody in the middle of the sheet, on the ground."""
    pen.line(ring(256, 236, 9), skin)
    pen.line([(256, 248), (256, 264)], clothes, 1.2)
    pen.line([(246, GROUND - 4), (256, 264), (266, GROUND - 4)], clothes, 0.7)


def photo() -> Image.Image:
    """A ridge under the stars, snow in the moonlight, a walker; blur, grain, vignette."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:LARGE, 0:LARGE] / LARGE
    top = (GROUND - UP * (x * LARGE >= STEP)) / LARGE
    glow = np.exp(-(((x - 0.7) / 0.3) ** 2 + ((y - 0.5) / 0.1) ** 2))[..., None]
    scene = np.array([0.02, 0.025, 0.05]) + 0.05 * glow * np.array([1, 0.8, 0.6])
    stars = rng.random((LARGE, LARGE)) > 0.9995
    scene = np.where(stars[..., None], 0.5, scene)
    for number, height in enumerate((0.50, 0.53)):
        ridge = height - 0.08 * (noise(rng, 0.5)[200 + number] - 0.4)
        dark = np.array([0.05, 0.06, 0.09]) * (1 - 0.5 * number)
        scene = np.where((y > ridge[None])[..., None], dark, scene)
    snow = np.array([0.68, 0.74, 0.76]) * (0.8 + 0.3 * noise(rng, 0.9, 7)[..., None])
    scene = np.where((y > top)[..., None], snow, scene)
    scene = np.where((abs(y - top - 0.01) < 0.01)[..., None], np.array([0.74, 0.5, 0.3]), scene)
    picture = Image.fromarray((scene.clip(0, 1) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.rectangle([80, 202, 130, GROUND], fill=(140, 92, 54))
    draw.ellipse([249, 226, 263, 242], fill=(232, 206, 176))
    draw.rounded_rectangle([246, 240, 266, 268], 6, fill=(226, 216, 196))
    for leg in (249, 259):
        draw.rectangle([leg, 266, leg + 5, GROUND], fill=(210, 200, 186))
    blurred = np.asarray(picture.filter(ImageFilter.GaussianBlur(2))) / 255
    vignette = 1 - 0.3 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)[..., None]
    final = np.asarray(small(Image.fromarray((blurred * vignette * 255).astype(np.uint8))))
    grain = rng.normal(0, 3, (SIZE, SIZE, 1)) + rng.normal(0, 1.5, (SIZE, SIZE, 3))
    return Image.fromarray((final + grain).clip(0, 255).astype(np.uint8))


def dream() -> Image.Image:
    """Glassy balls in the dark over a floor of folded colours, lit from the upper left."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[0:LARGE, 0:LARGE] / LARGE
    bend, fold = noise(rng, 0.45, 4), noise(rng, 0.45, 4)
    phase = 2 * np.pi * (0.9 * (x + 0.5 * bend) + 1.4 * (y + 0.6 * fold))
    waves = [0.5 + 0.5 * np.cos(phase + shift) for shift in (0.3, 1.9, 3.6)]
    folds = np.stack(waves, axis=-1) * np.array([0.75, 0.55, 0.85])
    top = (GROUND - UP * (x * LARGE >= STEP)) / LARGE
    floor = 0.25 * folds + np.array([0.52, 0.60, 0.60])
    scene = np.where((y > top)[..., None], floor, 0.05 * folds)
    scene = np.where((abs(y - top - 0.01) < 0.01)[..., None], np.array([0.8, 0.52, 0.32]), scene)
    balls = [(0.12, 0.16, 0.05, (0.25, 0.1, 0.08)), (0.66, 0.12, 0.04, (0.08, 0.2, 0.2))]
    balls += [(0.90, 0.20, 0.05, (0.22, 0.18, 0.07)), (0.5, 0.475, 0.032, (0.95, 0.85, 0.7))]
    balls += [(0.5, 0.525, 0.025, (0.9, 0.8, 0.66)), (0.2, 0.48, 0.07, (0.65, 0.42, 0.22))]
    for across, down, radius, colour in balls:
        u, v = (x - across) / radius, (y - down) / radius
        inside = u**2 + v**2 < 1
        depth = np.sqrt(np.clip(1 - u**2 - v**2, 0, 1))
        light = np.clip(-0.5 * u - 0.6 * v + 0.62 * depth, 0, 1)[..., None]
        shine = np.clip(light, 0, 1) ** 24
        ball = np.array(colour) * (0.25 + 0.8 * light + 0.8 * shine)
        scene = np.where(inside[..., None], 0.85 * ball + 0.15 * scene, scene)
    picture = Image.fromarray((scene.clip(0, 1) * 255).astype(np.uint8))
    return small(picture.filter(ImageFilter.GaussianBlur(2)))


def blocks() -> Image.Image:
    """Tiles of 8 pixels, drawn at full size: stone, gems, and a small round robot."""
    rng = np.random.default_rng(5)
    picture = Image.new("RGB", (SIZE, SIZE), (20, 14, 34))
    draw = ImageDraw.Draw(picture)
    for x, y in rng.integers(0, (SIZE, 28), (12, 2)):
        draw.point([(int(x), int(y))], fill=(70, 60, 100))
    solid = [(x, y) for x in range(0, SIZE, 8) for y in (36, 44, 52, 60)]
    solid += [(56, 28)]
    for x, y in solid:
        draw.rectangle([x, y, x + 7, y + 7], fill=(150, 186, 184), outline=(110, 146, 150))
        draw.point([(x + 2, y + 4), (x + 5, y + 5)], fill=(110, 146, 150))
    draw.line([(0, 36), (55, 36)], fill=(226, 150, 92))
    draw.line([(56, 28), (63, 28)], fill=(226, 150, 92))
    draw.rectangle([10, 26, 15, 35], fill=(166, 112, 60), outline=(120, 76, 36))
    for x, y in ((8, 8), (52, 12)):
        draw.polygon([(x, y - 3), (x + 2, y), (x, y + 2), (x - 2, y)], fill=(150, 56, 90))
    draw.ellipse([29, 29, 34, 34], fill=(250, 226, 150))
    draw.point([(33, 31)], fill=(30, 30, 40))
    draw.point([(30, 35), (33, 35)], fill=(200, 170, 120))
    return picture


PICTURES = (sketch, crayon, photo, dream, blocks)


def main() -> None:
    """Write all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for draw in PICTURES:
        draw().save(folder / f"{draw.__name__}.png")


if __name__ == "__main__":
    main()
