"""What a study of cloning found: shares of levels solved with intervals, a table, a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from playworld.evaluate.intervals import student
from playworld.words import counted

ENOUGH = 200
"""Samples with which the paper's agent reaches the oracle."""
SOON = 150
"""Presses, more than the expert ever takes: random moves need longer, if they get there at all."""
ARMS = {
    "random": "random moves",
    "steady": "right and jump held all the time",
    "latent": "latent policy",
    "oracle": "oracle, cloned on true actions",
}


@dataclass(frozen=True)
class Score:
    """One arm at one difficulty."""

    difficulty: str
    arm: str
    samples: int | None
    """Of the latent policy's dictionary."""
    shares: dict[int, float]
    """Of the levels solved, for each seed."""
    soon: float
    """Share of the levels solved within `SOON` presses."""
    presses: float
    """Median over the games that were solved; NaN where none was."""

    @property
    def mean(self) -> float:
        """Over seeds."""
        return float(np.mean(list(self.shares.values())))

    @property
    def interval(self) -> tuple[float, float]:
        """95% t interval of the mean over seeds; as wide as can be with one seed."""
        if len(self.shares) < 2:
            return 0.0, 1.0
        low, high = _t_interval(list(self.shares.values()))
        return max(0.0, low), min(1.0, high)

    @property
    def name(self) -> str:
        """In words."""
        if self.samples is None:
            return ARMS[self.arm]
        known = (
            f"{counted(self.samples, 'labelled transition')}" if self.samples else "a random map"
        )
        return f"{ARMS[self.arm]}, {known}"


def scores(results: Sequence[dict[str, Any]]) -> list[Score]:
    """Results of the seeds brought together, in the order of the table."""
    groups: dict[tuple[str, str, int | None], list[dict[str, Any]]] = {}
    for r in results:
        groups.setdefault((r["difficulty"], r["arm"], r["samples"]), []).append(r)
    order, found = list(ARMS), []
    for difficulty, arm, samples in sorted(
        groups, key=lambda k: (k[0], order.index(k[1]), k[2] or 0)
    ):
        rows = groups[difficulty, arm, samples]
        won = [p for r in rows for p, s in zip(r["presses"], r["solved"], strict=True) if s]
        shares = {r["seed"]: float(np.mean(r["solved"])) for r in rows}
        soon = sum(p <= SOON for p in won) / sum(len(r["solved"]) for r in rows)
        presses = float(np.median(won)) if won else float("nan")
        found.append(Score(difficulty, arm, samples, shares, soon, presses))
    return found


def format_scores(found: Sequence[Score]) -> str:
    """A Markdown table for each difficulty, and whether the paper's claims hold."""
    parts = []
    for difficulty in sorted({score.difficulty for score in found}):
        own = [score for score in found if score.difficulty == difficulty]
        rows = [
            f"| {s.name} | {_percent(s.mean)} | {_percent(s.interval[0])} to "
            f"{_percent(s.interval[1])} | {_percent(s.soon)} | {s.presses:.0f} | {len(s.shares)} |"
            for s in own
        ]
        head = f"| {difficulty} levels | solved | 95% interval | within {SOON} presses | "
        head += "presses to the coin | seeds |"
        parts.append("\n".join([head, "|---|---|---|---|---|---|", *rows]))
        parts.append("\n".join(_verdict(own)))
    return "\n\n".join(filter(None, parts))


def _verdict(own: Sequence[Score]) -> list[str]:
    by_arm = {score.arm: score for score in own if score.samples is None}
    oracle, random, lines = by_arm.get("oracle"), by_arm.get("random"), []
    labelled = [s for s in own if s.samples is not None and s.samples <= ENOUGH]
    if oracle and labelled:
        latent = max(labelled, key=lambda score: score.samples or 0)
        lines.append(_place(oracle, latent))
        lines += _paired(oracle, latent)
    if oracle and random:
        lines.append(_beside_random(oracle, random))
    return lines


def _place(oracle: Score, latent: Score) -> str:
    low, high = oracle.interval
    inside = "within" if low <= latent.mean <= high else "outside"
    if latent.mean > high:
        inside = "above"
    return (
        f"With {counted(latent.samples or 0, 'label')} the latent policy is {inside} the "
        "oracle's interval."
    )


def _paired(oracle: Score, latent: Score) -> list[str]:
    """All arms play the same levels with a seed, so what levels differ in is in no difference.

    It may show that two arms differ where one's mean is within the other's interval.
    """
    seeds = sorted(oracle.shares.keys() & latent.shares.keys())
    if len(seeds) < 2:
        return []
    points = [100 * (oracle.shares[seed] - latent.shares[seed]) for seed in seeds]
    low, high = _t_interval(points)
    low, high = max(-100.0, low), min(100.0, high)
    differ = "no difference is shown" if low <= 0 <= high else "they differ"
    return [
        "On the same levels, the oracle minus the latent policy with "
        f"{counted(latent.samples or 0, 'label')}: "
        f"{np.mean(points):+.1f} points (95% interval {low:+.1f} to {high:+.1f} over {len(seeds)} "
        f"seeds), {differ}."
    ]


def _beside_random(oracle: Score, random: Score) -> str:
    if not random.mean:
        return "Random moves solve no level."
    times = oracle.mean / random.mean
    return f"The oracle solves {times:.2f} times as many levels as random moves."


def _t_interval(values: Sequence[float]) -> tuple[float, float]:
    """95% interval of the mean of two or more values."""
    n, mean = len(values), float(np.mean(values))
    half = student(n - 1) * float(np.std(values, ddof=1)) / n**0.5
    return mean - half, mean + half


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
