"""A game made of a seed, played and filmed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from playworld.data.zoo.camera import camera
from playworld.data.zoo.colour import palette
from playworld.data.zoo.figures import STRIDES, TURNS, Figure, figure, vehicle
from playworld.data.zoo.level import Grid, air_level, side_level, top_level
from playworld.data.zoo.physics import Body, Ground, Mover, Roamer, Roams, Runner, Runs, Stepper
from playworld.data.zoo.player import HELD, Player
from playworld.data.zoo.scenery import backdrop
from playworld.data.zoo.terrain import side_terrain, style, top_terrain
from playworld.data.zoo.things import critters, items, weather

Rng = np.random.Generator
UNITS = 64
"""Units along the shorter side of the screen: one pixel at 64x64."""
KINDS = {"side": 0.58, "top": 0.2, "step": 0.08, "air": 0.14}
"""What is played, and how often: seen from the side, from above, from tile to tile, in the air."""
SHAPES = ("wide", "single", "tall", "large")
FINEST = 256
"""Screens with a shorter side of more pixels than this are not drawn twice as finely."""


@dataclass(frozen=True)
class Film:
    """One episode; `keys` has one entry per frame."""

    seed: int
    frames: UInt8[np.ndarray, "T H W 3"]
    keys: tuple[int, ...]
    """What was held from each frame on, numbered as in `games.ACTION_NAMES`."""
    about: dict[str, object]
    """Facts about the game, for information."""


def films(seeds: range, frames: int, size: tuple[int, int]) -> Iterator[Film]:
    """One film of `frames` frames per seed; `size` is width and height in pixels.

    A film depends on its seed and its size alone, and a shorter one is the beginning of a longer.
    """
    return (film(seed, frames, size) for seed in seeds)


def film(seed: int, frames: int, size: tuple[int, int]) -> Film:
    """Make the game of a seed, and play it for so many frames."""
    game = Game(seed, size)
    pictures = np.empty((frames, size[1], size[0], 3), np.uint8)
    held: list[int] = []
    keys = game.player.keys()
    for time in range(frames):
        if time % HELD == 0:
            dx, up = next(keys)
        pictures[time] = game.picture()
        held.append((dx + 1) * 3 + up + 1)
        game.step(dx, up)
    return Film(seed, pictures, tuple(held), game.about())


class Game:
    """One game: its rules, its looks, and how it stands."""

    def __init__(self, seed: int, size: tuple[int, int]) -> None:
        plan, look, who, play, things = (np.random.default_rng((seed, k)) for k in range(5))
        self.size = size
        self.kind = str(plan.choice(list(KINDS), p=list(KINDS.values())))
        self.natural = bool(look.random() < 0.3)
        self.crisp = bool(look.random() < 0.35) or min(size) > FINEST
        """Whether it is drawn at the size of its frames, else twice as large and then halved."""
        self.fine = 1 if self.crisp else 2
        self._lay_out(plan)
        self.palette = palette(look)
        line = max(1, round(self.ppu / 2)) if look.random() < 0.45 else 0
        self._dress(look, line)
        self._people(who, line)
        self._rules(plan)
        self.player = Player(play, self.mover)
        self._furnish(things, line)
        self.camera = camera(plan, self.view, (self.ground.width, self.ground.height), self.heavy)
        self.camera.begin(self.body)
        self.tones = _tones(look)
        self.time = 0
        for _ in range(12):  # so that the figure stands on the ground when the film begins
            self.step(0, 0)
        self.time = 0

    def _lay_out(self, rng: Rng) -> None:
        """Choose the size of tiles and the level, and lay the level out."""
        tile = int(rng.integers(5, 15)) if self.kind == "side" else int(rng.integers(6, 13))
        scale = self.fine * min(self.size) / UNITS
        self.side = max(2, round(tile * scale))
        self.ppu = self.side / tile
        """Pixels, as drawn, per unit."""
        self.view = (self.size[0] * self.fine / self.ppu, self.size[1] * self.fine / self.ppu)
        screen = [max(4, round(v / tile)) for v in self.view]
        chances = [0.62, 0.14, 0.12, 0.12] if self.kind == "side" else [0.3, 0.25, 0.1, 0.35]
        self.shape = str(rng.choice(SHAPES, p=chances))
        spread = {"wide": (8, 1.4), "single": (1, 1), "tall": (1.3, 6), "large": (4, 3)}[self.shape]
        columns, rows = (
            max(5, round(n * (1 if s == 1 else rng.uniform(1 + (s - 1) * 0.3, s))))
            for n, s in zip(screen, spread, strict=True)
        )
        self.leap = int(rng.integers(1, 4)) if tile > 7 else int(rng.integers(2, 5))
        if self.kind == "side":
            self.grid = side_level(rng, columns, rows, self.leap)
        elif self.kind == "air":
            self.grid = air_level(rng, columns, rows)
        else:
            self.grid = top_level(rng, columns, rows)
        self.tile = tile
        self.heavy = self.kind == "side"
        self.ground = Ground(self.grid, tile, roof=not self.heavy)

    def _dress(self, rng: Rng, line: int) -> None:
        """Paint the layers."""
        look = style(rng, max(1, round(self.ppu / 2)), self.natural)
        level = (self.grid.shape[1] * self.side, self.grid.shape[0] * self.side)
        view = (self.size[0] * self.fine, self.size[1] * self.fine)
        level = (max(level[0], view[0]), max(level[1], view[1]))
        grid = _padded(self.grid, level, self.side)
        if self.kind in ("top", "step"):
            self.layers = [top_terrain(rng, self.palette, look, grid, self.side)]
        else:
            self.layers = backdrop(rng, self.palette, view, level, self.side, self.natural)
            self.layers.append(side_terrain(rng, self.palette, look, grid, self.side))

    def _people(self, rng: Rng, line: int) -> None:
        """Choose who is played, and put them on a free place."""
        room = 0.8 if self.kind in ("top", "step") else 1.5
        # Smaller than this, nobody could be made out.
        height = min(max(self.tile * rng.uniform(0.55, room), 4.8), 16.0)
        width = min(max(height * rng.uniform(0.55, 1.0), 4.0), self.tile * 0.95)
        pixels = (round(width * self.ppu), round(height * self.ppu))
        turned = self.kind in ("top", "air") and rng.random() < 0.5
        self.figure: Figure = (
            vehicle(rng, self.palette, max(pixels), line)
            if turned
            else figure(rng, self.palette, *pixels, line)
        )
        x, y = _free_place(rng, self.ground, width, height)
        self.body = Body(x, y, width, height, facing=int(rng.choice([-1, 1])))

    def _rules(self, rng: Rng) -> None:
        """Choose how the figure moves."""
        speed = float(rng.uniform(0.7, 3.2))
        grip = float(
            rng.choice([1.0, rng.uniform(0.3, 0.8), rng.uniform(0.05, 0.2)], p=[0.3, 0.5, 0.2])
        )
        self.mover: Mover
        if self.kind == "side":
            how = Runs(
                speed,
                grip,
                air=float(grip * rng.uniform(0.3, 1.0)),
                leap=(self.leap + float(rng.uniform(0.25, 0.6))) * self.tile,
                rise=float(rng.uniform(5, 13)),
                cut=float(rng.choice([1.0, 0.85, 0.5])),
                again=bool(rng.random() < 0.5),
                double=bool(rng.random() < 0.12),
                fall=float(rng.uniform(3, 7)),
            )
            self.mover = Runner(self.body, self.ground, how)
        elif self.kind == "step":
            self.body.x, self.body.y = _centred(self.body, self.tile)
            self.mover = Stepper(self.body, self.ground, int(rng.integers(2, 7)))
        else:
            floats = self.kind == "air" and rng.random() < 0.6
            inertia = float(rng.uniform(0.04, 0.15)) if floats else grip
            sink = float(rng.uniform(0, 0.05)) if floats and rng.random() < 0.4 else 0.0
            how_far = Roams(speed, inertia, sink, bool(rng.random() < 0.5))
            self.mover = Roamer(self.body, self.ground, how_far)
        self.speed = speed

    def _furnish(self, rng: Rng, line: int) -> None:
        """Put things and critters into the level, and perhaps weather and a score before it."""
        screens = max(1.0, self.ground.width * self.ground.height / (self.view[0] * self.view[1]))
        common = (self.palette, self.ground, self.ppu, line)
        self.items = (
            items(rng, *common, count=round(screens * rng.uniform(0.5, 4)))
            if rng.random() < 0.6
            else []
        )
        self.critters = (
            critters(
                rng,
                *common,
                count=min(24, round(screens * rng.uniform(0.3, 2.5))),
                gravity=self.heavy,
            )
            if rng.random() < 0.7
            else []
        )
        self.weather = weather(rng, self.ppu) if rng.random() < 0.08 else None
        self.score = 0
        self.board = bool(rng.random() < 0.15)
        self.board_paint = self.palette.accent(rng), self.palette.tone(rng, 0.08)
        self.board_low = bool(rng.random() < 0.3)

    def step(self, dx: int, up: int) -> None:
        """One frame with these keys, each -1, 0 or 1."""
        self.mover.step(dx, up)
        for critter in self.critters:
            critter.step(self.ground)
        for item in self.items:
            self.score += item.step(self.body)
        self.camera.step(self.body)
        self.time += 1

    def picture(self) -> UInt8[np.ndarray, "H W 3"]:
        """The screen as it is now."""
        ppu, fine = self.ppu, self.fine
        view = np.zeros((self.size[1] * fine, self.size[0] * fine, 3), np.uint8)
        left, top = round(self.camera.x * ppu), round(self.camera.y * ppu)
        for layer in self.layers:
            layer.onto(view, left, top)
        for item in self.items:
            if item.there:
                x, y = item.place(self.time)
                item.sprite(self.time).onto(view, round(x * ppu) - left, round(y * ppu) - top)
        for critter in self.critters:
            self._draw(view, critter.body, critter.look, left, top, critter.way == "patrol")
        self._draw(view, self.body, self.figure, left, top, self.heavy)
        if self.weather is not None:
            self.weather(view, self.time, left, top)
        if self.board:
            self._draw_board(view)
        if fine > 1:
            view = np.asarray(Image.fromarray(view).reduce(fine))
        return view if self.tones is None else self.tones[view]

    def _draw(
        self, view: np.ndarray, body: Body, look: Figure, left: int, top: int, heavy: bool
    ) -> None:
        if look.turns:
            pose, phase = "turn", _turn(body, rolls=heavy)
        else:
            pose, phase = _pose(body, heavy)
        facing = 1 if look.turns else body.facing
        sprite = look.sprite(pose, phase, facing)
        x = (body.x + body.width / 2) * self.ppu - sprite.paint.shape[1] / 2
        y = (body.y + body.height) * self.ppu - sprite.paint.shape[0]
        sprite.onto(view, round(x) - left, round(y) - top)

    def _draw_board(self, view: np.ndarray) -> None:
        """A bar with the score, in lamps."""
        height = max(2, round(6 * self.ppu))
        bar = view[-height:] if self.board_low else view[:height]
        bar[:] = self.board_paint[1]
        lamp = max(1, height // 2)
        for k in range(1 + self.score % 10):
            x = lamp + k * (lamp + max(1, lamp // 2))
            bar[height // 4 : height // 4 + lamp, x : x + lamp] = self.board_paint[0]

    def about(self) -> dict[str, object]:
        """Facts about the game."""
        facts: dict[str, object] = {
            "view": self.kind,
            "level": self.shape,
            "level_size": [round(self.ground.width), round(self.ground.height)],
            "tile": self.tile,
            "camera": self.camera.kind,
            "speed": round(self.speed, 2),
            "figure_size": [round(self.body.width, 1), round(self.body.height, 1)],
        }
        if isinstance(self.mover, Runner):
            facts["leap"] = round(self.mover.how.leap, 1)
            facts["jumps_again_while_held"] = self.mover.how.again
        return facts


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


def _centred(body: Body, tile: float) -> tuple[float, float]:
    x, y = ((v // tile + 0.5) * tile for v in body.middle)
    return x - body.width / 2, y - body.height / 2


def _free_place(rng: Rng, ground: Ground, width: float, height: float) -> tuple[float, float]:
    """A place for a figure in the middle of a tile, with nothing solid in the way."""
    tile = ground.tile
    for _ in range(500):
        column, row = int(rng.integers(ground.columns)), int(rng.integers(ground.rows))
        x, y = (column + 0.5) * tile - width / 2, (row + 1) * tile - height
        if ground.free(x, y, x + width, y + height):
            return x, y
    return (ground.width - width) / 2, 0.0


def _padded(
    grid: Grid, level: tuple[int, int], side: int
) -> UInt8[np.ndarray, "more_rows more_columns"]:
    """The grid, with more of its last tiles where the screen is larger than the level."""
    rows, columns = -(-level[1] // side), -(-level[0] // side)
    more = ((0, max(0, rows - grid.shape[0])), (0, max(0, columns - grid.shape[1])))
    return np.pad(grid, more, mode="edge")


def _tones(rng: Rng) -> UInt8[np.ndarray, " 256"] | None:
    """A curve for all brightnesses: faded, hard, posterised, inverted; mostly none."""
    kind, at = rng.random(), np.arange(256) / 255
    if kind < 0.06:
        levels = int(rng.integers(3, 8))
        curve = np.floor(at * levels * 0.999) / (levels - 1)
    elif kind < 0.1:
        curve = 1 - at
    elif kind < 0.18:
        curve = 0.5 + (at - 0.5) * rng.uniform(0.4, 0.8)
    elif kind < 0.26:
        curve = at ** rng.uniform(0.6, 1.6)
    else:
        return None
    return (255 * np.clip(curve, 0, 1)).round().astype(np.uint8)
