"""What a scaling study found: a table, and power laws with what they promise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from playworld.presets import SHAPES
from playworld.studies.plot_axes import short
from playworld.studies.power_law import Fitted, fit_with_intervals
from playworld.studies.scale import ScaleOptions, middle_size, rows

FURTHER = 10
"""How far beyond the largest x that was measured the laws are drawn and read, as a factor."""

PAPER_FAMILY = [
    (SHAPES[name][-1].dynamics or 0.0, SHAPES[name][-1].flops or 0.0)
    for name in (
        *("genie-41m", "genie-96m", "genie-192m", "genie-404m"),
        *("genie-811m", "genie-1.6b", "genie-2.7b"),
    )
]
"""Parameters and FLOPs that the paper prints for its scaling runs."""

COLUMNS = (
    *("size", "parameters", "clips a step", "seeds"),
    *("1/16", "1/8", "1/4", "1/2", "all", "FLOPs", "minutes"),
)


@dataclass(frozen=True)
class ScaleRun:
    """The repeats of one row."""

    size: str
    batch_size: int
    parameters: int
    tokens: list[int]
    """At each measurement."""
    flops: list[float]
    losses: np.ndarray
    """Measurements x seeds x held-out clips, nats per token."""
    minutes: float

    @property
    def loss(self) -> np.ndarray:
        """At each measurement, the mean over seeds and clips."""
        return self.losses.mean((1, 2))


@dataclass(frozen=True)
class Found:
    """The runs of a study, and the laws through them; None where too few were run."""

    family: list[ScaleRun]
    """All sizes at one batch, by size."""
    batches: list[ScaleRun]
    """One size at all batches, by batch."""
    parameters: Fitted | None
    """Through all sizes after all tokens."""
    tokens: Fitted | None
    """Through the measurements of the largest size."""
    flops: Fitted | None
    """Through the lowest losses that any run reached with so many operations or fewer."""

    @property
    def runs(self) -> list[ScaleRun]:
        """Every run once: sizes first, then the other batches."""
        sizes = {(run.size, run.batch_size) for run in self.family}
        return self.family + [r for r in self.batches if (r.size, r.batch_size) not in sizes]


def summarise(made: Sequence[Mapping[str, Any]], options: ScaleOptions) -> Found:
    """Bring the rows of `scale` together and fit them."""
    middle = middle_size(options)
    runs = {key: _run([r for r in made if (r["size"], r["batch_size"]) == key]) for key in
            dict.fromkeys((r["size"], r["batch_size"]) for r in made)}  # fmt: skip
    family = [run for run in runs.values() if run.batch_size == options.batch_size]
    family.sort(key=lambda run: run.parameters)
    batches = sorted(
        (run for run in runs.values() if run.size == middle), key=lambda run: run.batch_size
    )
    found = Found(family, batches, None, None, None)
    if not family:
        return found
    largest = family[-1]
    best = _frontier(
        [
            (flops, losses)
            for run, measured in zip(found.runs, _shared_seeds(found.runs), strict=True)
            for flops, losses in zip(run.flops, measured, strict=True)
        ]
    )
    return replace(
        found,
        parameters=fit_with_intervals(
            np.array([float(run.parameters) for run in family]),
            np.stack([measured[-1] for measured in _shared_seeds(family)]),
        ),
        tokens=fit_with_intervals(np.array(largest.tokens, dtype=float), largest.losses),
        flops=fit_with_intervals(
            np.array([flops for flops, _ in best]), np.stack([losses for _, losses in best])
        ),
    )


def _shared_seeds(runs: Sequence[ScaleRun]) -> list[np.ndarray]:
    """Losses of the seeds that all have: others would make points that cannot be compared."""
    seeds = min(run.losses.shape[1] for run in runs)
    return [run.losses[:, :seeds] for run in runs]


def _run(repeats: Sequence[Mapping[str, Any]]) -> ScaleRun:
    first = repeats[0]
    losses = np.array([[p["losses"] for p in row["points"]] for row in repeats])
    return ScaleRun(
        first["size"],
        first["batch_size"],
        first["parameters"],
        [p["tokens"] for p in first["points"]],
        [float(p["flops"]) for p in first["points"]],
        losses.transpose(1, 0, 2),
        sum(row["minutes"] for row in repeats) / len(repeats),
    )


def _frontier(points: list[tuple[float, np.ndarray]]) -> list[tuple[float, np.ndarray]]:
    """The points that no cheaper one is as good as."""
    best: list[tuple[float, np.ndarray]] = []
    for flops, losses in sorted(points, key=lambda point: point[0]):
        if not best or losses.mean() < best[-1][1].mean():
            best.append((flops, losses))
    return best


def format_scale(found: Found, options: ScaleOptions) -> str:
    """The study in Markdown; rows that were not run say so."""
    runs = {(run.size, run.batch_size): run for run in found.runs}
    lines = [
        f"Held-out loss, nats per token, after a share of {short(options.tokens)} tokens.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|" + "---|" * len(COLUMNS),
    ]
    for key in dict.fromkeys((row.size, row.batch_size) for row in rows(options)):
        if key not in runs:
            lines.append(f"| {key[0]} | | {key[1]} | not run |" + " |" * (len(COLUMNS) - 4))
            continue
        run = runs[key]
        losses = " | ".join(f"{loss:.3f}" for loss in run.loss)
        lines.append(
            f"| {run.size} | {short(run.parameters)} | {run.batch_size} | {run.losses.shape[1]} | "
            f"{losses} | {run.flops[-1]:.2e} | {run.minutes:.1f} |"
        )
    laws = {"parameters": found.parameters, "tokens": found.tokens, "FLOPs": found.flops}
    lines += [
        "",
        *(law_in_words(name, law) for name, law in laws.items()),
        *beside_the_paper(found),
    ]
    if any(laws.values()) and min(run.losses.shape[1] for run in found.runs) == 1:
        lines.append("- One seed: how far losses differ between seeds is not in these intervals.")
    return "\n".join(lines)


def beside_the_paper(found: Found) -> list[str]:
    """The sizes of the paper's scaling runs, and how far they are from the largest here."""
    if not found.family:
        return []
    largest, sizes = found.family[-1], [short(count) for count, _ in PAPER_FAMILY]
    (count, flops), (_, most) = PAPER_FAMILY[0], PAPER_FAMILY[-1]
    return [
        f"- The paper's family (Genie, appendix C): {', '.join(sizes)} parameters, {flops:.2e} to "
        f"{most:.2e} FLOPs. Its smallest has {count / largest.parameters:.1f} times the parameters "
        f"of {largest.size} and took {short(flops / largest.flops[-1])} times the FLOPs."
    ]


def law_in_words(name: str, law: Fitted | None) -> str:
    """A law with its intervals, where it was measured, and what it says beyond."""
    if law is None:
        return f"- {name}: too few different points for a law."
    (low, high), far = law.range, FURTHER * law.range[1]
    exponent, floor, beyond = law.exponent(), law.floor(), law.loss(far)
    formula = (
        f"{law.law.scale[0]:.3g} (x / {short(law.law.at)})^-{exponent[0]:.2f} + {floor[0]:.2f}"
    )
    return (
        f"- {name}, from {short(low)} to {short(high)} ({len(law.x)} points): L = {formula}; "
        f"exponent [{exponent[1]:.2f}, {exponent[2]:.2f}], floor [{floor[1]:.2f}, {floor[2]:.2f}]. "
        f"At {FURTHER} times the largest, {short(far)}, it says {beyond[0]:.2f} "
        f"[{beyond[1]:.2f}, {beyond[2]:.2f}]: a guess, as nothing was measured there."
    )
