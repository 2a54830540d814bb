"""95% intervals of figures over clips: means, shares, and what is resampled."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

RESAMPLES = 1000
"""Bootstrap resamples behind an interval."""

ENOUGH = 6
"""Clips, starts or rollouts that a sure difference takes: five that all go one way, as five coins
do in one of 16 cases, have a bootstrap without any spread."""

UNBOUNDED = (-math.inf, math.inf)
NOT_NEGATIVE = (0.0, math.inf)
A_SHARE = (0.0, 1.0)
"""Bounds of a figure, which its interval keeps to."""

Z95 = 1.959964
"""The normal distribution at 97.5%."""
T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""Student's t at 97.5% for 1 to 9 degrees of freedom."""


def gap_of(bounds: tuple[float, float]) -> tuple[float, float]:
    """Bounds of the difference of two figures that have these."""
    least, most = bounds
    return least - most, most - least


def interval(
    values: Float[Tensor, " clips"], seed: int = 0, bounds: tuple[float, float] = UNBOUNDED
) -> dict[str, float | None]:
    """Mean over clips with its 95% interval: `mean`, `low`, `high`.

    The unit is the clip (frames within one are anything but independent). NaN, a clip on which the
    figure is not defined, is left out; with nothing left the three are None, and one clip says
    nothing of others: `low` and `high` are None.

    The interval is that of the bootstrap's percentiles, `widened` for small samples but within the
    `bounds` of the figure.
    """
    values = values[~values.isnan()].double()
    count = len(values)
    if count < 2:
        return {"mean": values.item() if count else None, "low": None, "high": None}
    mean = values.mean().item()
    low, high = percentiles(values[resamples(count, seed)].mean(dim=1))
    return widened(mean, low, high, count, bounds)


def widened(
    value: float, low: float, high: float, count: int, bounds: tuple[float, float] = UNBOUNDED
) -> dict[str, float | None]:
    """A bootstrap interval of `count` >= 2 clips, as wide as so few call for but within `bounds`.

    Bootstrapped percentiles are too narrow for small samples: by sqrt((n - 1) / n), and as the
    normal distribution is narrower than Student's (Hesterberg 2015, arXiv 1411.5279).
    """
    wider = student(count - 1) / Z95 * (count / (count - 1)) ** 0.5
    least, most = bounds
    return {
        "mean": value,
        "low": max(least, value + wider * (low - value)),
        "high": min(most, value + wider * (high - value)),
    }


def share_interval(came_true: Float[Tensor, " trials"]) -> dict[str, float | None]:
    """Share of ones among ones and zeros with Wilson's 95% interval: `mean`, `low`, `high`.

    It knows that 8 of 8 is no certainty, where all resamples of the bootstrap are alike. NaN is
    left out; with nothing left the three are None.
    """
    came_true = came_true[~came_true.isnan()].double()
    if len(came_true) == 0:
        return {"mean": None, "low": None, "high": None}
    share, squared = came_true.mean().item(), Z95**2 / len(came_true)
    middle = (share + squared / 2) / (1 + squared)
    half = (share * (1 - share) * squared + squared**2 / 4) ** 0.5 / (1 + squared)
    return {"mean": share, "low": max(0.0, middle - half), "high": min(1.0, middle + half)}


def student(freedom: int) -> float:
    """Student's t at 97.5%; from 10 degrees of freedom on its expansion, right to 0.2%."""
    if freedom <= len(T95):
        return T95[freedom - 1]
    return Z95 + 2.3722 / freedom + 2.8225 / freedom**2


def by_frame(
    values: Float[Tensor, "clips frames"], seed: int = 0, bounds: tuple[float, float] = UNBOUNDED
) -> dict[str, dict[str, float | None]]:
    """Mean and interval over clips for each generated frame, "1" first."""
    return {str(k + 1): interval(values[:, k], seed, bounds) for k in range(values.shape[1])}


def resamples(num_clips: int, seed: int = 0) -> Int[Tensor, "resamples clips"]:
    """Clips of each bootstrap resample: as many as there are, drawn with replacement."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(num_clips, (RESAMPLES, num_clips), generator=generator)


def resample_weights(num_clips: int, seed: int = 0) -> Float[Tensor, "resamples clips"]:
    """How often each bootstrap resample holds each clip, in double precision."""
    picks = resamples(num_clips, seed)
    weights = torch.zeros(RESAMPLES, num_clips, dtype=torch.double)
    return weights.scatter_add_(1, picks, torch.ones_like(picks, dtype=torch.double))


def percentiles(values: Float[Tensor, " resamples"]) -> tuple[float, float]:
    """The 2.5th and the 97.5th percentile: a 95% bootstrap interval."""
    low, high = torch.quantile(values, torch.tensor([0.025, 0.975], dtype=values.dtype)).tolist()
    return low, high


def means(bands: Mapping[str, Mapping[str, float | None]]) -> dict[str, float | None]:
    """The means alone, by frame number."""
    return {k: band["mean"] for k, band in bands.items()}


def with_interval(name: str, band: Mapping[str, float | None]) -> dict[str, Any]:
    """A figure as reports hold it: `name` is its mean, `name_interval` the whole."""
    return {name: band["mean"], f"{name}_interval": band}


def change(band: Mapping[str, float | None], units: int, enough: int = ENOUGH) -> dict[str, Any]:
    """The difference of two worlds over so many units, with `sure`: whether it leaves out 0.

    `enough` units are needed to be sure of anything.
    """
    low, high = band["low"], band["high"]
    apart = low is not None and high is not None and (low > 0 or high < 0)
    return {**band, "sure": units >= enough and apart}


@dataclass(frozen=True)
class Samples:
    """A figure that is the mean of one value per clip (or start, or rollout)."""

    values: Float[Tensor, " units"]
    """NaN where there is none."""
    bounds: tuple[float, float] = UNBOUNDED

    def interval(self, seed: int = 0) -> dict[str, float | None]:
        """The mean with its 95% interval."""
        return interval(self.values, seed, self.bounds)

    def change(self, baseline: "Samples", seed: int = 0) -> dict[str, Any]:
        """The mean paired difference from the baseline, with its interval."""
        gaps = self.values - baseline.values
        units = int((~gaps.isnan()).sum())
        return change(interval(gaps, seed, gap_of(self.bounds)), units)


def paired_frames(
    name: str, values: Float[Tensor, "clips frames"], bounds: tuple[float, float]
) -> dict[str, Samples]:
    """Samples for each generated frame."""
    return {f"{name}, frame {k + 1}": Samples(values[:, k], bounds) for k in range(values.shape[1])}


@dataclass(frozen=True)
class Resampled:
    """A figure of clips that is no mean over them."""

    value: float
    values: Float[Tensor, " resamples"]
    """The same figure of bootstrap resamples, which are the same for all worlds."""
    clips: int

    def interval(self, bounds: tuple[float, float] = UNBOUNDED) -> dict[str, float | None]:
        """The figure with its 95% interval."""
        return spread(self.value, self.values, self.clips, bounds)

    def change(self, baseline: "Resampled", seed: int = 0) -> dict[str, Any]:
        """The difference from the baseline on the same resamples, with its interval."""
        gap = Resampled(self.value - baseline.value, self.values - baseline.values, self.clips)
        return change(gap.interval(), self.clips)


def spread(
    value: float,
    values: Float[Tensor, " resamples"],
    count: int,
    bounds: tuple[float, float] = UNBOUNDED,
) -> dict[str, float | None]:
    """A figure of `count` clips that is no mean, with the spread of its resamples laid around it.

    Distances and mutual information grow when clips come twice, so the plain percentiles lie too
    high; their distance from their own mean is what other clips would change.
    """
    low, high = percentiles(values.double() - values.double().mean())
    return widened(value, value + low, value + high, count, bounds)
