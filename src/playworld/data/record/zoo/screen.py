"""How a game looks on a screen: its layers, its figures, what lies over them."""

from dataclasses import replace

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from playworld.data.record.zoo.colour import palette
from playworld.data.record.zoo.figures import STRIDES, TURNS, Figure, figure, vehicle
from playworld.data.record.zoo.game import Game
from playworld.data.record.zoo.ground import Body
from playworld.data.record.zoo.level import Grid
from playworld.data.record.zoo.overlay import board, light, tones, weather
from playworld.data.record.zoo.scenery import backdrop, foreground
from playworld.data.record.zoo.terrain import side_terrain, style, top_terrain
from playworld.data.record.zoo.treasure import treasure

Rng = np.random.Generator


class Screen:
    """Draws a game as it stands; what it looks like is chosen by the game's seed."""

    def __init__(self, game: Game) -> None:
        self.game = game
        look, who, over = (np.random.default_rng((game.seed, k)) for k in (10, 11, 12))
        self.natural = bool(look.random() < 0.3)
        self.fine = 1 if game.crisp else 2
        self.pixels = (game.size[0] * self.fine, game.size[1] * self.fine)
        """Width and height as drawn."""
        self.palette = palette(look)
        if self.natural and look.random() < 0.5:  # as few things outdoors are colourful
            self.palette = replace(self.palette, chroma=0.5 * self.palette.chroma)
        self.line = max(1, round(game.ppu / 2)) if look.random() < 0.45 else 0
        self._dress(look)
        self._cast(who)
        self.near = foreground(over, self.palette, self.pixels, self.layers[-1])
        self.light = light(over, self.pixels, self.natural)
        self.weather = weather(over, game.ppu)
        self.board = board(over, self.palette, game.ppu)
        self.tones = tones(over)

    def _dress(self, rng: Rng) -> None:
        """Paint the layers of the level."""
        game = self.game
        look = style(rng, max(1, round(game.ppu / 2)), self.natural)
        rows, columns = game.grid.shape
        level = (max(columns * game.side, self.pixels[0]), max(rows * game.side, self.pixels[1]))
        grid = _padded(game.grid, level, game.side)
        if game.kind in ("top", "step"):
            self.layers = [top_terrain(rng, self.palette, look, grid, game.side)]
        else:
            self.layers = backdrop(rng, self.palette, self.pixels, level, game.side, self.natural)
            self.layers.append(side_terrain(rng, self.palette, look, grid, game.side))

    def _cast(self, rng: Rng) -> None:
        """Draw all characters and things of the level."""
        game = self.game

        def drawn(width: float, height: float) -> Figure:
            pixels = (round(width * game.ppu), round(height * game.ppu))
            look = figure(rng, self.palette, *pixels, self.line)
            return look.rounded() if self.natural else look

        body = game.body
        if game.kind in ("top", "air") and rng.random() < 0.5:
            side = round(max(body.width, body.height) * game.ppu)
            self.figure = vehicle(rng, self.palette, side, self.line)
        else:
            self.figure = drawn(body.width, body.height)
        sizes = {c.kind: (c.body.width, c.body.height) for c in game.critters}
        self.critters = {kind: drawn(*size) for kind, size in sorted(sizes.items())}
        sides = {item.kind: max(2, round(item.size * game.ppu)) for item in game.items}
        self.items = {
            kind: treasure(rng, self.palette, side, self.line)
            for kind, side in sorted(sides.items())
        }

    def picture(self) -> UInt8[np.ndarray, "H W 3"]:
        """The screen as it is now."""
        game, ppu = self.game, self.game.ppu
        view = np.zeros((self.pixels[1], self.pixels[0], 3), np.uint8)
        left, top = round(game.camera.x * ppu), round(game.camera.y * ppu)
        for layer in self.layers:
            layer.onto(view, left, top)
        for item in game.items:
            if item.there:
                x, y = item.place(game.time)
                sprites = self.items[item.kind]
                sprite = sprites[game.time // item.pace % len(sprites)]
                sprite.onto(view, round(x * ppu) - left, round(y * ppu) - top)
        for critter in game.critters:
            look = self.critters[critter.kind]
            self._draw(view, critter.body, look, left, top, critter.way == "patrol")
        self._draw(view, game.body, self.figure, left, top, game.heavy)
        if self.near is not None:
            self.near.onto(view, left, top)
        if self.weather is not None:
            self.weather(view, game.time, left, top)
        if self.light is not None:
            x, y = game.body.middle
            view = self.light(view, x * ppu - left, y * ppu - top)
        if self.board is not None:
            self.board(view, game.score)
        if self.fine > 1:
            view = np.asarray(Image.fromarray(view).reduce(self.fine))
        return view if self.tones is None else self.tones[view]

    def _draw(
        self, view: np.ndarray, body: Body, look: Figure, left: int, top: int, heavy: bool
    ) -> None:
        """Draw a character, feet on the ground."""
        if look.turns:
            sprite = look.sprite("turn", _turn(body, rolls=heavy), facing=1)
        else:
            sprite = look.sprite(*_pose(body, heavy), body.facing)
        x = (body.x + body.width / 2) * self.game.ppu - sprite.paint.shape[1] / 2
        y = (body.y + body.height) * self.game.ppu - sprite.paint.shape[0]
        sprite.onto(view, round(x) - left, round(y) - top)


def _turn(body: Body, rolls: bool) -> int:
    """Which of the turned pictures is shown: by the way rolled, or by the heading."""
    if rolls:
        return round(-body.facing * body.travelled / (np.pi * body.height) * TURNS)
    x, y = body.heading
    return round(np.arctan2(-y, x) / (2 * np.pi) * TURNS)


def _pose(body: Body, heavy: bool) -> tuple[str, int]:
    phase = int(body.travelled / max(1.5, body.height * 0.25))
    if body.climbing:
        return "climb", phase
    if heavy and not body.grounded:
        return ("jump" if body.vy < 0 else "fall"), 0
    moving = abs(body.vx) > 0.1 or (not heavy and abs(body.vy) > 0.1)
    return ("walk", phase % STRIDES) if moving else ("stand", 0)


def _padded(
    grid: Grid, level: tuple[int, int], side: int
) -> UInt8[np.ndarray, "more_rows more_columns"]:
    """The grid, with more of its last tiles where the screen is larger than the level."""
    rows, columns = -(-level[1] // side), -(-level[0] // side)
    more = ((0, max(0, rows - grid.shape[0])), (0, max(0, columns - grid.shape[1])))
    return np.pad(grid, more, mode="edge")
