"""Draws five prompts that no world was trained on.

    python runs/draw_prompts.py FOLDER

    sketch    pencil on paper           photo    a valley in the evening, with the grain of a camera
    crayon    wax crayons on paper      dream    smooth shapes in the manner of a picture generator
    blocks    another platform game

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
    """Pencil: steps of ground with hatching below, a tree, a house, a figure."""
    sheet = paper(np.random.default_rng(1), (248, 245, 236))
    pencil, grey, dark = Pen(sheet, 1, 9, 3.0), (96, 96, 104), (52, 52, 60)
    ground = [(0, 400), (170, 396), (176, 330), (330, 326), (336, 404), (512, 398)]
    for y, (left, right) in ((430, (4, 510)), (462, (4, 510)), (494, (4, 510)), (368, (184, 330))):
        for x in np.arange(left, right - 26, 30):
            pencil.line([(x, y + 14), (x + 22, y - 12)], (168, 168, 174), 0.7)
    pencil.line(ground, dark, 1.5)
    pencil.line([(48, 396), (50, 300), (112, 300), (112, 396)], dark)
    pencil.line([(36, 304), (80, 250), (124, 304)], dark)
    pencil.line([(72, 396), (72, 350), (92, 350), (92, 396)], grey)
    pencil.line([(430, 400), (434, 300)], dark, 1.6)
    for x, y, radius in ((410, 270, 36), (458, 262, 38), (434, 226, 36)):
        pencil.line(ring(x, y, radius), grey)
    pencil.line(ring(256, 232, 20), dark, 1.1)
    pencil.line([(256, 252), (256, 292)], dark, 1.3)
    pencil.line([(232, 264), (256, 268), (282, 256)], dark)
    pencil.line([(238, 326), (256, 292), (276, 324)], dark, 1.2)
    pencil.line([(60, 96), (90, 70), (130, 78), (160, 60), (196, 84), (220, 104), (64, 104)], grey)
    pencil.line(ring(420, 84, 34), grey)
    return small(sheet)


def crayon() -> Image.Image:
    """Wax crayons: a sun, a meadow, a red house, somebody in blue on a platform."""
    sheet = paper(np.random.default_rng(2), (252, 250, 240))
    wax = Pen(sheet, 2, 20, 5.0)
    wax.fill((-10, 24, 522, 130), (150, 205, 246), 26)
    wax.fill((-10, 420, 522, 512), (96, 178, 66), 16)
    wax.line([(-10, 408), (140, 400), (300, 412), (522, 402)], (44, 122, 40), 1.3)
    wax.fill((300, 322, 500, 350), (170, 112, 60), 13)
    wax.line([(292, 312), (508, 316)], (110, 68, 34), 1.2)
    wax.fill((40, 300, 150, 400), (222, 60, 52), 15)
    wax.line([(24, 298), (96, 222), (168, 298), (24, 298)], (128, 52, 140), 1.2)
    wax.line([(96, 400), (96, 350), (124, 350), (124, 400)], (120, 70, 30))
    wax.line(ring(420, 86, 30), (250, 196, 30), 1.6)
    wax.line(ring(420, 86, 12), (250, 196, 30), 1.6)
    for angle in np.arange(0, 2 * np.pi, np.pi / 4):
        reach = [(420 + r * np.cos(angle), 86 + r * np.sin(angle)) for r in (54, 84)]
        wax.line(reach, (250, 196, 30), 0.8)
    wax.line(ring(262, 300, 20), (246, 190, 150), 1.2)
    wax.line([(262, 330), (262, 372)], (40, 84, 200), 1.5)
    wax.line([(230, 340), (262, 346), (294, 336)], (40, 84, 200), 0.8)
    wax.line([(242, 406), (262, 372), (284, 404)], (30, 40, 90), 0.9)
    return small(sheet)


def photo() -> Image.Image:
    """Ridges behind each other under an evening sky, hazier the further; blur, grain, vignette."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:LARGE, 0:LARGE] / LARGE
    glow = np.exp(-(((x - 0.68) / 0.35) ** 2 + ((y - 0.42) / 0.2) ** 2))[..., None]
    sky = (1 - y[..., None]) * np.array([0.30, 0.44, 0.66]) + y[..., None] * np.array([1, 0.8, 0.6])
    clouds = np.clip(noise(rng, 0.6) * 2.2 - 1.1, 0, 1)[..., None] * (1 - y[..., None])
    scene = sky + 0.4 * glow * np.array([1, 0.7, 0.35]) + 0.35 * clouds
    near, far = np.array([0.07, 0.12, 0.07]), np.array([0.62, 0.58, 0.62])
    for number, (height, rough) in enumerate(((0.47, 0.20), (0.56, 0.16), (0.66, 0.13))):
        ridge = height - rough * (noise(rng, 0.55)[200 + number] - 0.4)
        distance = 1 - number / 2.4
        colour = near + distance * (far - near)
        lit = 0.75 + 0.5 * noise(rng, 0.8)[..., None] * (1 - distance)
        scene = np.where((y > ridge[None])[..., None], colour * lit, scene)
    meadow = 0.8 + 0.05 * np.sin(x * 5)
    grass = np.array([0.26, 0.30, 0.10]) * (0.5 + 0.9 * noise(rng, 0.95, 7)[..., None])
    scene = np.where((y > meadow)[..., None], grass + 0.10 * glow, scene)
    picture = Image.fromarray((scene.clip(0, 1) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for trunk, top, wide in ((70, 170, 52), (122, 250, 34)):  # firs against the light
        for tier in range(6):
            down = top + (430 - top) * (tier + 1) / 6
            half = wide * (tier + 2) / 7
            draw.polygon(
                [(trunk, down - 90), (trunk - half, down), (trunk + half, down)], (16, 26, 18)
            )
    blurred = np.asarray(picture.filter(ImageFilter.GaussianBlur(3))) / 255
    vignette = 1 - 0.5 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)[..., None]
    final = np.asarray(small(Image.fromarray((blurred * vignette * 255).astype(np.uint8))))
    grain = rng.normal(0, 5, (SIZE, SIZE, 1)) + rng.normal(0, 2, (SIZE, SIZE, 3))
    return Image.fromarray((final + grain).clip(0, 255).astype(np.uint8))


def dream() -> Image.Image:
    """Glassy balls over folded colours, lit from the upper left."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[0:LARGE, 0:LARGE] / LARGE
    bend, fold = noise(rng, 0.45, 4), noise(rng, 0.45, 4)
    phase = 2 * np.pi * (0.9 * (x + 0.5 * bend) + 1.4 * (y + 0.6 * fold))
    waves = [0.5 + 0.5 * np.cos(phase + shift) for shift in (0.3, 1.9, 3.6)]
    scene = np.stack(waves, axis=-1) * np.array([0.75, 0.55, 0.85]) + np.array([0.1, 0.08, 0.15])
    floor = y > 0.78 + 0.03 * np.sin(9 * x)
    scene[floor] = scene[floor] * 0.35 + np.array([0.10, 0.05, 0.22])
    balls = [(0.26, 0.62, 0.15, (1, 0.45, 0.35)), (0.60, 0.36, 0.10, (0.35, 0.9, 0.85))]
    balls += [(0.80, 0.66, 0.12, (1.0, 0.85, 0.3)), (0.40, 0.20, 0.06, (0.9, 0.5, 1.0))]
    for across, down, radius, colour in balls:
        u, v = (x - across) / radius, (y - down) / radius
        inside = u**2 + v**2 < 1
        depth = np.sqrt(np.clip(1 - u**2 - v**2, 0, 1))
        light = np.clip(-0.5 * u - 0.6 * v + 0.62 * depth, 0, 1)[..., None]
        shine = np.clip(light, 0, 1) ** 24
        ball = np.array(colour) * (0.25 + 0.8 * light) + 0.8 * shine
        scene = np.where(inside[..., None], 0.85 * ball + 0.15 * scene, scene)
    picture = Image.fromarray((scene.clip(0, 1) * 255).astype(np.uint8))
    return small(picture.filter(ImageFilter.GaussianBlur(2)))


def blocks() -> Image.Image:
    """Tiles of 8 pixels, drawn at full size: stone, a ladder, gems, and a small round robot."""
    rng = np.random.default_rng(5)
    picture = Image.new("RGB", (SIZE, SIZE), (44, 30, 66))
    draw = ImageDraw.Draw(picture)
    for x, y in rng.integers(0, (SIZE, 40), (26, 2)):
        draw.point([(int(x), int(y))], fill=(150, 130, 190))
    solid = [(x, y) for x in range(0, SIZE, 8) for y in (48, 56)]
    solid += [(0, 40), (40, 24), (48, 24), (56, 24), (8, 16), (16, 16)]
    for x, y in solid:
        draw.rectangle([x, y, x + 7, y + 7], fill=(70, 132, 140), outline=(34, 74, 92))
        draw.line([(x + 1, y + 1), (x + 6, y + 1)], fill=(150, 214, 196))
        draw.point([(x + 2, y + 4), (x + 5, y + 5)], fill=(34, 74, 92))
    for y in range(24, 48, 4):
        draw.line([(49, y), (54, y)], fill=(226, 170, 92))
    for x in (48, 55):
        draw.line([(x, 24), (x, 47)], fill=(176, 112, 56))
    for x, y in ((12, 12), (44, 20), (60, 20)):
        draw.polygon([(x, y - 4), (x + 3, y), (x, y + 3), (x - 3, y)], fill=(255, 96, 150))
        draw.point([(x - 1, y - 1)], fill=(255, 220, 235))
    draw.ellipse([24, 37, 33, 46], fill=(250, 206, 70), outline=(120, 76, 20))
    draw.rectangle([29, 40, 31, 42], fill=(30, 30, 40))
    draw.line([(26, 47), (27, 47)], fill=(120, 76, 20))
    draw.line([(30, 47), (31, 47)], fill=(120, 76, 20))
    draw.line([(28, 33), (28, 37)], fill=(226, 226, 240))
    draw.point([(28, 32)], fill=(255, 80, 80))
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
