"""Power laws L = a x^-b + c through measured losses, with bootstrap intervals."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

EXPONENTS = np.linspace(0.02, 2.0, 199)
"""Exponents that are tried; for each, a and c follow by linear least squares."""
NUMBERS = 3
"""That make a law: a, b and c."""
LEAST_POINTS = NUMBERS + 1
"""Through three points a law would go exactly, whatever they are."""
FURTHEST = 3.0
"""How far a draw moves a point at most (log of a factor); beyond it numbers overflow."""

Points = Float[np.ndarray, " points"]


@dataclass(frozen=True)
class PowerLaw:
    """Laws of one kind: the fit to the points, or one for each bootstrap draw."""

    scale: Float[np.ndarray, " draws"]
    """a, in units of the loss, where x is `at`."""
    exponent: Float[np.ndarray, " draws"]
    """b; 0.1 means that ten times x leaves 79% of what can be lost."""
    floor: Float[np.ndarray, " draws"]
    """c: what no x takes away."""
    at: float
    """Middle of the x that were fitted."""

    def __call__(self, x: float) -> Float[np.ndarray, " draws"]:
        """The loss at x."""
        return self.scale * (x / self.at) ** -self.exponent + self.floor


@dataclass(frozen=True)
class Fitted:
    """A law, its bootstrap draws, and where it was measured."""

    law: PowerLaw
    draws: PowerLaw
    x: Points
    y: Points

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest x that were measured; the law is a guess outside of them."""
        return float(self.x.min()), float(self.x.max())

    def exponent(self) -> tuple[float, float, float]:
        """The exponent b with its 95% interval."""
        return _with_interval(self.law.exponent, self.draws.exponent)

    def floor(self) -> tuple[float, float, float]:
        """The floor c with its 95% interval."""
        return _with_interval(self.law.floor, self.draws.floor)

    def loss(self, x: float) -> tuple[float, float, float]:
        """The loss at x with its 95% interval."""
        return _with_interval(self.law(x), self.draws(x))


def fit_power_law(x: Points, y: Float[np.ndarray, "draws points"]) -> PowerLaw:
    """Least squares of relative errors, a law for every row of y; a and c are never negative."""
    at = float(np.exp(np.log(x).mean()))
    u = (x / at)[None, :] ** -EXPONENTS[:, None]  # exponents x points
    w = 1 / y**2
    sw, su, suu = w.sum(1)[:, None], w @ u.T, w @ (u**2).T
    sy, suy = (w * y).sum(1)[:, None], (w * y) @ u.T
    scale = (sw * suy - su * sy) / np.maximum(sw * suu - su**2, 1e-300)
    floor = (sy - scale * su) / sw
    bare = (floor < 0) | (scale < 0)
    scale, floor = np.where(bare, suy / suu, scale), np.where(bare, 0.0, floor)
    made = scale[..., None] * u[None] + floor[..., None]
    best = (((made - y[:, None]) / y[:, None]) ** 2).sum(-1).argmin(1)
    rows = np.arange(len(y))
    return PowerLaw(scale[rows, best], EXPONENTS[best], floor[rows, best], at)


def fit_with_intervals(
    x: Points,
    losses: Float[np.ndarray, "points seeds clips"],
    draws: int = 1_000,
    seed: int = 0,
) -> Fitted | None:
    """A law through the mean losses; None for fewer than four different x.

    A draw takes other held-out clips and other seeds, the same ones for all points, and moves every
    point off the law at random: so both what was measured on, and how badly the law fits, are in
    the intervals. How far points scatter is itself known from points - 3 residuals only, so each
    draw has a scatter of its own (chi-squared: with it the estimates of a linear model spread as
    Student's t). Residuals drawn again as they are would hold the truth in 4 of 5 cases only.
    """
    if len(np.unique(x)) < LEAST_POINTS:
        return None
    rng, (points, seeds, clips) = np.random.default_rng(seed), losses.shape
    mean = losses.mean((1, 2))
    law = fit_power_law(x, mean[None])
    on_law = np.array([law(value)[0] for value in x])
    freedom = points - NUMBERS
    scatter = np.sqrt((np.log(mean / on_law) ** 2).sum() / rng.chisquare(freedom, draws))
    taken = np.stack(
        [
            losses[:, rng.integers(seeds, size=seeds)][..., rng.integers(clips, size=clips)].mean(
                (1, 2)
            )
            for _ in range(draws)
        ]
    )
    off = scatter[:, None] * rng.standard_normal((draws, points))
    moved = on_law * taken / mean * np.exp(off.clip(-FURTHEST, FURTHEST))
    return Fitted(law, fit_power_law(x, moved), x, mean)


def _with_interval(value: np.ndarray, draws: np.ndarray) -> tuple[float, float, float]:
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(value[0]), float(low), float(high)
