"""How a camera follows: closely, late, with a dead zone, ahead, from room to room, or not."""

from dataclasses import dataclass
from math import floor

import numpy as np

from playworld.data.record.zoo.ground import Body

KINDS = ("close", "late", "zone", "ahead", "rooms", "drift", "still")


@dataclass
class Camera:
    """Sees a part of a level; (x, y) is its upper left corner, everything in units."""

    kind: str
    view: tuple[float, float]
    """Width and height of what it sees."""
    level: tuple[float, float]
    lag: float
    """Share of the way to its aim that it covers in a frame, 0..1."""
    zone: float
    """Half the width of the zone in which the figure moves freely."""
    lead: float
    """How far it looks ahead."""
    rise: float
    """Where in the view the figure is, as a share of its height."""
    patient: bool
    """Whether it waits for a landing before it moves up or down."""
    drift: float = 0.0
    """Units a frame by which it moves by itself."""
    x: float = 0.0
    y: float = 0.0

    def begin(self, body: Body) -> None:
        """Look at the figure at once."""
        self.x, self.y = self._clamped(*self._aim(body))

    def step(self, body: Body) -> None:
        """One frame."""
        if self.kind == "still":
            return
        if self.kind == "drift":
            left, right = body.x + body.width - self.view[0], body.x
            x = min(max(self.x + self.drift, left), right)
            if not 0 < self.x + self.drift < self.level[0] - self.view[0]:
                self.drift = -self.drift
            self.x, self.y = self._clamped(x, self._aim(body)[1])
            return
        x, y = self._aim(body)
        across, down = x - self.x, y - self.y
        if self.kind == "zone":
            across = np.sign(across) * max(abs(across) - self.zone, 0)
            down = np.sign(down) * max(abs(down) - self.zone / 2, 0)
        lag = 1.0 if self.kind == "close" else self.lag
        if self.patient and not body.grounded and not body.climbing:
            down = 0.0
        x, y = self.x + lag * across, self.y + max(lag, 0.15) * down
        if self.kind != "rooms":  # however late it is, it does not lose the figure
            x = min(max(x, body.x + body.width - self.view[0]), body.x)
            y = min(max(y, body.y + body.height - self.view[1]), body.y)
        self.x, self.y = self._clamped(x, y)

    def _aim(self, body: Body) -> tuple[float, float]:
        x, y = body.middle
        if self.kind == "rooms":
            return floor(x / self.view[0]) * self.view[0], floor(y / self.view[1]) * self.view[1]
        ahead = self.lead * body.facing if self.kind == "ahead" else 0.0
        return x + ahead - self.view[0] / 2, y - self.rise * self.view[1]

    def _clamped(self, x: float, y: float) -> tuple[float, float]:
        # A level smaller than the view lies in the middle of it.
        room = [w - v for w, v in zip(self.level, self.view, strict=True)]
        places = [
            min(max(float(p), 0.0), r) if r >= 0 else r / 2
            for p, r in zip((x, y), room, strict=True)
        ]
        return places[0], places[1]


def follower(
    rng: np.random.Generator, view: tuple[float, float], level: tuple[float, float]
) -> Camera:
    """A camera that moves exactly as the figure does."""
    rise = float(rng.uniform(0.45, 0.7))
    return Camera("close", view, level, lag=1.0, zone=0.0, lead=0.0, rise=rise, patient=False)


def camera(
    rng: np.random.Generator, view: tuple[float, float], level: tuple[float, float], gravity: bool
) -> Camera:
    """Draw a camera for a level; where the level fits on the screen, the camera does not move."""
    chances = [0.31, 0.26, 0.2, 0.13, 0.05, 0.05]
    kind = KINDS[rng.choice(len(KINDS) - 1, p=chances)]
    if level[0] <= view[0] + 1 and level[1] <= view[1] + 1:
        kind = "still"
    return Camera(
        kind,
        view,
        level,
        lag=float(rng.uniform(0.06, 0.4)),
        zone=float(rng.uniform(4, 14)),
        lead=float(rng.uniform(4, 14)),
        rise=float(rng.uniform(0.45, 0.7)),
        patient=bool(gravity and rng.random() < 0.35),
        drift=float(rng.choice([-1, 1]) * rng.uniform(0.2, 1.0)),
    )
