"""How good a filter is: precision and recall on labels of held-out videos."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from playworld.config import to_dict
from playworld.curate.quality_models import LEVELS

CONFIDENCES = (0.5, 0.8, 0.95)
Z = 1.96
"""Standard deviations of a normal distribution that hold 95% of it."""


@dataclass(frozen=True)
class FilterScore:
    """One way to use the filter, measured."""

    keep: int
    """Stretches labelled this or above are to be kept."""
    confidence: float
    """A stretch is kept from this chance on."""
    good: int
    """Held-out stretches with such a label."""
    kept: int
    """Held-out stretches that the filter keeps."""
    right: int
    """Stretches that are both."""


def measure(
    chances: Float[np.ndarray, "n K"], labels: Int[np.ndarray, " n"]
) -> tuple[FilterScore, ...]:
    """A row for each label that parts the held-out ones, and each of `CONFIDENCES`."""
    rows, tried = [], set()
    for level, column in zip(LEVELS, chances.T, strict=True):
        good = labels >= level
        if good.all() or not good.any() or good.tobytes() in tried:
            continue
        rows += [count(level, confidence, column, good) for confidence in CONFIDENCES]
        tried.add(good.tobytes())
    return tuple(rows)


def count(
    keep: int, confidence: float, chances: Float[np.ndarray, " n"], good: Bool[np.ndarray, " n"]
) -> FilterScore:
    """What the filter keeps of stretches that are good or not."""
    kept = chances >= confidence
    return FilterScore(keep, confidence, int(good.sum()), int(kept.sum()), int((kept & good).sum()))


def wilson(right: int, of: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson, 1927): honest at 0 and at all, where others shrink."""
    if not of:
        return 0.0, 1.0
    share, spread = right / of, Z * Z / of
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def format_measured(report: dict[str, Any]) -> str:
    """The table that `playworld curate train` prints."""
    counts = report["labels"]
    lines = [
        "{held_out} held-out labels of {held_out_videos} videos; trained on {trained_on} of "
        "{trained_on_videos} others".format(**counts),
        "keep       confidence  precision             recall                kept",
    ]
    for row in report["measured"]:
        label = f"{row['keep']} or above" if row["keep"] < LEVELS[-1] else f"{row['keep']}"
        kept = row["kept"] / counts["held_out"]
        lines.append(
            f"{label:<11}{row['confidence']:<12g}{_share(row['right'], row['kept'])}"
            f"{_share(row['right'], row['good'])}{kept:.0%}"
        )
    if not report["measured"]:
        lines.append("the held-out labels are all alike: label more videos to measure the filter")
    return "\n".join(line.rstrip() for line in lines)


def _share(right: int, of: int) -> str:
    if not of:
        return f"{'none':<22}"
    low, high = wilson(right, of)
    return f"{f'{right / of:.1%} [{low:.0%}, {high:.0%}]':<22}"


def plain(rows: tuple[FilterScore, ...]) -> list[dict[str, Any]]:
    """Rows as JSON values, their precision and recall with 95% intervals."""
    return [
        to_dict(row)
        | {
            "precision": row.right / row.kept if row.kept else None,
            "precision_interval": list(wilson(row.right, row.kept)),
            "recall": row.right / row.good,
            "recall_interval": list(wilson(row.right, row.good)),
        }
        for row in rows
    ]
