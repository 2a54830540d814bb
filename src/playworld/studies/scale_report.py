"""What a scaling study found: a table, and power laws with what they promise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from playworld.studies.panel import short
from playworld.studies.power_law import Fitted, fit_with_intervals
from playworld.studies.scale import ScaleOptions, rows

FURTHER = 10
"""How far beyond the largest x that was measured the laws are drawn and read, as a factor."""

COLUMNS = (
    *("size", "parameters", "clips a step", "seeds"),
    *("1/16", "1/8", "1/4", "1/2", "all", "FLOPs", "minutes"),
)


@dataclass(frozen=True)
class Run:
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

    family: list[Run]
    """All sizes at one batch, by size."""
    batches: list[Run]
    """One size at all batches, by batch."""
    parameters: Fitted | None
    """Through all sizes after all tokens."""
    tokens: Fitted | None
    """Through the measurements of the largest size."""
    flops: Fitted | None
    """Through the lowest losses that were reached with so many operations or fewer."""


def summarise(made: Sequence[Mapping[str, Any]], options: ScaleOptions) -> Found:
    """Bring the rows of `scale` together and fit them."""
    wanted = rows(options)
    middle = next(
        (row.size for row in wanted if row.batch_size != options.batch_size), wanted[0].size
    )
    runs = {key: _run([r for r in made if (r["size"], r["batch_size"]) == key]) for key in
            dict.fromkeys((r["size"], r["batch_size"]) for r in made)}  # fmt: skip
    family = [run for run in runs.values() if run.batch_size == options.batch_size]
    family.sort(key=lambda run: run.parameters)
    batches = sorted(
        (run for run in runs.values() if run.size == middle), key=lambda run: run.batch_size
    )
    parameters = tokens = flops = None
    if family:
        # A seed that only some rows have would make points that cannot be compared.
        seeds = min(run.losses.shape[1] for run in family)
        ends = np.stack([run.losses[-1, :seeds] for run in family])
        parameters = fit_with_intervals(np.array([float(r.parameters) for r in family]), ends)
        largest = family[-1]
        tokens = fit_with_intervals(np.array(largest.tokens, dtype=float), largest.losses)
        best = _frontier([(f, run.losses[i, :seeds]) for run in family
                          for i, f in enumerate(run.flops)])  # fmt: skip
        flops = fit_with_intervals(
            np.array([f for f, _ in best]), np.stack([losses for _, losses in best])
        )
    return Found(family, batches, parameters, tokens, flops)


def _run(repeats: Sequence[Mapping[str, Any]]) -> Run:
    first = repeats[0]
    losses = np.array([[p["losses"] for p in row["points"]] for row in repeats])
    return Run(
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
    runs = {(r.size, r.batch_size): r for r in (*found.family, *found.batches)}
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
    lines += ["", *(law_in_words(name, law) for name, law in laws.items())]
    return "\n".join(lines)


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
