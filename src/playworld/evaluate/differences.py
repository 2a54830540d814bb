"""Several worlds side by side: the same clips and seeds, and paired differences."""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from playworld.evaluate.artifacts import clip_films
from playworld.evaluate.fidelity.frechet import frechet_difference
from playworld.evaluate.metrics import (
    A_SHARE,
    PSNR_BOUNDS,
    SSIM_BOUNDS,
    UNBOUNDED,
    gap_of,
    interval,
)
from playworld.evaluate.pictures import worlds_grid
from playworld.evaluate.report import Artifacts, Report
from playworld.evaluate.rollouts import Rollouts

SHARED = ("format", "clips", "hardware", "date")
"""What a comparison takes from the report of its first world."""

ENOUGH = 6
"""Clips, starts or rollouts that a sure difference takes: five that all go one way, as five coins
do in one of 16 cases, have a bootstrap without any spread."""
ENOUGH_CLOUD = 16
"""Clips that a sure difference of Frechet distances takes; of 8, equal worlds differ too often."""

NOT_SHARED = ("sampler",)
"""Settings that are the worlds' own."""


def short_names(worlds: Sequence[str]) -> list[str]:
    """A name for each world from its path or name: the last part, numbered where two are alike."""
    names = [Path(world).resolve().name if Path(world).is_dir() else world for world in worlds]
    names = [name.replace("/", "-") for name in names]
    given = {name for name in names if names.count(name) == 1}
    for i, name in enumerate(names):
        if name not in given:
            free = (f"{name}-{k}" for k in count(1))
            names[i] = next(other for other in free if other not in given)
            given.add(names[i])
    return names


def compare_reports(reports: Mapping[str, Report], seed: int = 0) -> Report:
    """One report of several, all made with the same clips and options; the first is the baseline.

    `compared.differences` holds for every other world and every figure that has one number per
    clip (or start, or rollout) the mean difference from the baseline with its 95% bootstrap
    interval over them; for agreement, bits and Frechet distances the difference on all clips, with
    that of the same resamples of them. `sure` says that the interval leaves out 0, of at least
    `ENOUGH` of them.
    """
    baseline, first = next(iter(reports.items()))
    settings = {k: v for k, v in first["settings"].items() if k not in NOT_SHARED}
    figures: dict[str, Any] = {key: first[key] for key in SHARED} | {
        "data": first["data"],
        "settings": settings,
        "worlds": [dict(report) | {"name": name} for name, report in reports.items()],
        "compared": {
            "baseline": baseline,
            "differences": {
                name: differences(first, report, seed)
                for name, report in reports.items()
                if name != baseline
            },
        },
        "notes": [
            f"{name}: {note}" for name, report in reports.items() for note in report["notes"]
        ],
    }
    return Report(figures, _artifacts(reports, first["data"]["fps"]))


def differences(first: Report, other: Report, seed: int = 0) -> dict[str, dict[str, Any]]:
    """The other's figures minus the first's, by name."""
    found: dict[str, dict[str, Any]] = {}
    theirs = other.artifacts.samples
    for name, mine in first.artifacts.samples.items():
        if name in theirs:
            gaps = theirs[name] - mine
            units = int((~gaps.isnan()).sum())
            bounds = _bounds(name, mine, theirs[name])
            found[name] = _judged(interval(gaps, seed, bounds), units >= ENOUGH)
    for name, again in first.artifacts.resampled.items():
        if name in other.artifacts.resampled:
            change = other.artifacts.resampled[name].minus(again)
            found[name] = _judged(change.interval(), change.clips >= ENOUGH)
    for name, points in first.artifacts.embedded.items():
        real, made = points.kinds["real"], other.artifacts.embedded[name].kinds["world"]
        if len(real) >= 2:
            band = frechet_difference(made, points.kinds["world"], real, seed)
            found[name] = _judged(band, len(real) >= ENOUGH_CLOUD)
    return found


def _bounds(name: str, *samples: Float[Tensor, " units"]) -> tuple[float, float]:
    """What a difference of these figures can be."""
    if "PSNR" in name:
        return gap_of(PSNR_BOUNDS) if "delta" not in name else gap_of(gap_of(PSNR_BOUNDS))
    if "SSIM" in name:
        return gap_of(SSIM_BOUNDS)
    came_true = all(((s == 0) | (s == 1) | s.isnan()).all() for s in samples)
    return gap_of(A_SHARE) if came_true else UNBOUNDED


def _judged(band: dict[str, float | None], enough: bool) -> dict[str, Any]:
    """With `sure`: whether the interval leaves out 0, where there is enough to be sure of."""
    low, high = band["low"], band["high"]
    apart = low is not None and high is not None and (low > 0 or high < 0)
    return band | {"sure": enough and apart}


def _artifacts(reports: Mapping[str, Report], fps: float) -> Artifacts:
    """All worlds on the same clips in one picture, and each world's own pictures in a folder."""
    rollouts: dict[str, Rollouts] = {}
    for name, report in reports.items():
        assert report.artifacts.rollouts is not None
        rollouts[name] = report.artifacts.rollouts
    first = next(iter(rollouts.values()))
    videos = {"true": first.truth} | {name: made.inferred for name, made in rollouts.items()}
    grids = {"rollouts.png": worlds_grid(rollouts)}
    for name, report in reports.items():
        grids |= {f"{name}/{file}": grid for file, grid in report.artifacts.grids.items()}
    return Artifacts(grids=grids, films={"clips": clip_films(first.prompt, videos, fps)})
