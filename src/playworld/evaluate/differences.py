"""Several worlds side by side: the same clips and seeds, and paired differences."""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from playworld.evaluate.pictures import worlds_grid
from playworld.evaluate.report import Artifacts, Report, clip_films
from playworld.evaluate.rollouts import Rollouts

SHARED = ("format", "clips", "hardware", "date")
"""What a comparison takes from the report of its first world."""

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
    that of the same resamples of them. `sure` says that the interval leaves out 0, of enough
    of them.
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
    theirs = other.artifacts.paired
    found = {
        name: theirs[name].change(mine, seed)
        for name, mine in first.artifacts.paired.items()
        if name in theirs
    }
    return {name: change for name, change in found.items() if change is not None}


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
