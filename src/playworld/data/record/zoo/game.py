"""Rules and state of one game: its level, its characters, and the camera. No looks."""

from dataclasses import replace
from math import ceil

import numpy as np

from playworld.data.record.zoo.camera import camera, follower
from playworld.data.record.zoo.ground import Body, Ground
from playworld.data.record.zoo.level import air_level, open_level, side_level, top_level
from playworld.data.record.zoo.physics import Mover, Roamer, Roams, Runner, Runs, Stepper
from playworld.data.record.zoo.player import Player
from playworld.data.record.zoo.things import critters, items

Rng = np.random.Generator
UNITS = 64
"""Units along the shorter side of the screen: one pixel at 64x64."""
KINDS = {"side": 0.58, "top": 0.2, "step": 0.08, "air": 0.14}
"""What is played, and how often: seen from the side, from above, from tile to tile, in the air."""
SPREAD = {"wide": (8, 1.4), "single": (1, 1), "tall": (1.3, 6), "large": (4, 3)}
"""The shapes of levels, and most screens across and down."""
FINEST = 256
"""Screens with a shorter side of more pixels than this are not drawn twice as finely."""
FASTEST = 7.5
"""Units a frame at which a jump of a platform game begins: tokens of changes have no more."""
LEAPS = 2.5
"""How much more often there is a jump in a platform game."""
SETTLED = 12
"""Frames before the film begins, in which the figure gets to the ground."""


class Game:
    """One game of a seed, for a screen of a width and a height in pixels."""

    def __init__(self, seed: int, size: tuple[int, int], platforms: bool = False) -> None:
        """Args: with `platforms` it is seen from the side, and the view moves as one jumps."""
        plan, who, play, things = (np.random.default_rng((seed, k)) for k in range(4))
        self.seed, self.size = seed, size
        self.platforms = platforms
        kind = str(plan.choice(list(KINDS), p=list(KINDS.values())))
        self.kind = "side" if platforms else kind
        self.heavy = self.kind == "side"
        self._lay_out(plan)
        self._people(who)
        self.mover = self._rules(plan)
        self._furnish(things)
        self.player = Player(play, self.mover, leaps=LEAPS if platforms else 1.0)
        level = (self.ground.width, self.ground.height)
        if platforms:
            self.camera = follower(plan, self.view, level)
        else:
            self.camera = camera(plan, self.view, level, self.heavy)
        self.time = self.score = 0
        self.camera.begin(self.body)
        for _ in range(SETTLED):
            self.step(0, 0)
        self.time = 0

    def _lay_out(self, rng: Rng) -> None:
        """Choose the size of tiles and the level, and lay the level out."""
        self.crisp = bool(rng.random() < 0.35) or min(self.size) > FINEST
        """Whether it is drawn at the size of its frames; else twice as finely, and then halved."""
        self.tile = int(rng.integers(5, 15)) if self.heavy else int(rng.integers(6, 13))
        scale = (1 if self.crisp else 2) * min(self.size) / UNITS
        self.side = max(2, round(self.tile * scale))
        """Pixels, as drawn, of a tile."""
        self.ppu = self.side / self.tile
        """Pixels, as drawn, of a unit."""
        drawn = [v * (1 if self.crisp else 2) for v in self.size]
        self.view = (drawn[0] / self.ppu, drawn[1] / self.ppu)
        """Units that the screen shows."""
        chances = [0.62, 0.14, 0.12, 0.12] if self.heavy else [0.3, 0.25, 0.1, 0.35]
        self.shape = "wide" if self.platforms else str(rng.choice(list(SPREAD), p=chances))
        columns, rows = (
            max(5, round(max(4, v / self.tile) * (1 if s == 1 else rng.uniform(0.7 + 0.3 * s, s))))
            for v, s in zip(self.view, SPREAD[self.shape], strict=True)
        )
        # Higher jumps would leave the screen.
        highest = min(4, int(0.55 * UNITS / self.tile))
        self.leap = int(rng.integers(1 if self.tile > 7 else 2, highest + 1))
        if self.platforms:
            margin = ceil(self.view[1] / self.tile)
            self.grid = open_level(rng, columns, rows, self.leap, margin)
        elif self.heavy:
            self.grid = side_level(rng, columns, rows, self.leap)
        elif self.kind == "air":
            self.grid = air_level(rng, columns, rows)
        else:
            self.grid = top_level(rng, columns, rows)
        self.ground = Ground(self.grid, self.tile, roof=not self.heavy)

    def _people(self, rng: Rng) -> None:
        """Choose how large the figure is, and put it on a free place."""
        room = 0.8 if self.kind in ("top", "step") else 1.5
        # Smaller than this, characters would not be recognisable.
        height = min(max(self.tile * rng.uniform(0.55, room), 4.8), 16.0)
        width = min(max(height * rng.uniform(0.55, 1.0), 4.0), self.tile * 0.95)
        x, y = _free_place(rng, self.ground, width, height)
        self.body = Body(x, y, width, height, facing=int(rng.choice([-1, 1])))

    def _rules(self, rng: Rng) -> Mover:
        """Choose how the figure moves."""
        self.speed = float(rng.uniform(0.7, 3.2))
        grips = [1.0, rng.uniform(0.3, 0.8), rng.uniform(0.05, 0.2)]
        grip = float(rng.choice(grips, p=[0.3, 0.5, 0.2]))
        if self.heavy:
            how = Runs(
                self.speed,
                grip,
                air=float(grip * rng.uniform(0.3, 1.0)),
                leap=(self.leap + float(rng.uniform(0.25, 0.6))) * self.tile,
                rise=float(rng.uniform(5, 13)),
                cut=float(rng.choice([1.0, 0.85, 0.5])),
                again=bool(rng.random() < 0.5),
                double=bool(rng.random() < 0.12),
                fall=float(rng.uniform(3, 7)),
            )
            if self.platforms:
                rise = max(how.rise, 2 * how.leap / FASTEST)
                how = replace(how, rise=rise, again=False, double=False)
            return Runner(self.body, self.ground, how)
        if self.kind == "step":
            x, y = ((v // self.tile + 0.5) * self.tile for v in self.body.middle)
            self.body.x, self.body.y = x - self.body.width / 2, y - self.body.height / 2
            return Stepper(self.body, self.ground, int(rng.integers(2, 7)))
        floats = self.kind == "air" and rng.random() < 0.6
        inertia = float(rng.uniform(0.04, 0.15)) if floats else grip
        sink = float(rng.uniform(0, 0.05)) if floats and rng.random() < 0.4 else 0.0
        slanted = bool(rng.random() < 0.5)
        return Roamer(self.body, self.ground, Roams(self.speed, inertia, sink, slanted))

    def _furnish(self, rng: Rng) -> None:
        """Put things and critters into the level."""
        screens = max(1.0, self.ground.width * self.ground.height / (self.view[0] * self.view[1]))
        count = round(screens * rng.uniform(0.5, 4)) if rng.random() < 0.6 else 0
        self.items = items(rng, self.ground, count)
        count = min(24, round(screens * rng.uniform(0.3, 2.5))) if rng.random() < 0.7 else 0
        self.critters = critters(rng, self.ground, count, self.heavy)

    def step(self, dx: int, up: int) -> None:
        """One frame with these keys, each -1, 0 or 1."""
        self.mover.step(dx, up)
        for critter in self.critters:
            critter.step(self.ground)
        for item in self.items:
            self.score += item.step(self.body)
        self.camera.step(self.body)
        self.time += 1

    def about(self) -> dict[str, object]:
        """Facts about the game, lengths in units and speeds in units a frame."""
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


def _free_place(rng: Rng, ground: Ground, width: float, height: float) -> tuple[float, float]:
    """A place for a figure in the middle of a tile, with nothing solid in the way."""
    tile = ground.tile
    for _ in range(500):
        column, row = int(rng.integers(ground.columns)), int(rng.integers(ground.rows))
        x, y = (column + 0.5) * tile - width / 2, (row + 1) * tile - height
        if ground.free(x, y, x + width, y + height):
            return x, y
    return (ground.width - width) / 2, 0.0
