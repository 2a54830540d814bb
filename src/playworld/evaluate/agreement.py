"""Do latent codes name what happened? Codes against labels, class-balanced, best assignment."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from playworld.evaluate.metrics import A_SHARE, percentiles, resamples, widened

MIN_COUNT = 10
"""Transitions a label needs to take part: the recall of one seen twice is a coin toss."""

UNKNOWN = -1
"""The label of a transition about which nothing is known, and of a code that was never seen."""


def agreement(
    codes: Int[Tensor, "clips transitions"],
    labels: Int[Tensor, "clips transitions"],
    names: Sequence[str],
    num_codes: int,
    seed: int = 0,
) -> dict[str, Any]:
    """How well the code of a transition tells its label.

    Each code is assigned the label that it speaks for most once labels weigh the same (several
    codes may share one label). The assignment is made on every other clip and scored on the rest,
    both ways round, so that rare codes cannot flatter it. `balanced` is the recall averaged over
    labels and `majority` the same figure for always saying the commonest label (one over the
    number of labels); `accuracy` and `majority_accuracy` are the plain shares. Labels seen fewer
    than `MIN_COUNT` times are left out. Where fewer than two labels remain, or there is only one
    clip, there is nothing to tell apart, and the figures are None.
    """
    counts = torch.bincount(labels[labels != UNKNOWN], minlength=len(names)).tolist()
    kept = _common(labels)
    kept_names = [names[label] for label in kept]
    found: dict[str, Any] = {
        "counts": {names[label]: counts[label] for label in kept},
        "left_out": {names[i]: n for i, n in enumerate(counts) if 0 < n < MIN_COUNT},
    }
    if len(kept) < 2 or len(codes) < 2:
        figures = ("balanced", "balanced_interval", "majority", "accuracy", "majority_accuracy")
        return found | dict.fromkeys(figures)
    table = _tables(codes, labels, kept, num_codes)
    hits, totals = _held_out_hits(table), table.sum(dim=1)
    recall = _recall(hits, totals)
    picks = resamples(len(table), seed)
    low, high = percentiles(_recall(hits[picks], totals[picks]).nanmean(dim=-1))
    return found | {
        "balanced": recall.mean().item(),
        "balanced_interval": widened(recall.mean().item(), low, high, len(codes), A_SHARE),
        "majority": 1 / len(kept),
        "accuracy": (hits.sum() / totals.sum()).item(),
        "majority_accuracy": (totals.sum(dim=0).max() / totals.sum()).item(),
        "recall": dict(zip(kept_names, recall.tolist(), strict=True)),
        "assignment": {
            str(code): None if label == UNKNOWN else kept_names[label]
            for code, label in enumerate(assign(table.sum(dim=0)).tolist())
        },
    }


def agreement_by_clip(
    codes: Int[Tensor, "clips transitions"],
    labels: Int[Tensor, "clips transitions"],
    num_codes: int,
) -> Float[Tensor, " clips"]:
    """One number per clip, whose mean is the `balanced` of `agreement`; NaN where that is None.

    What each clip adds to the figure, to first order (its influence): so worlds can be compared
    clip by clip in a figure that is a mean over labels, not over clips.
    """
    kept = _common(labels)
    if len(kept) < 2 or len(codes) < 2:
        return torch.full((len(codes),), torch.nan, dtype=torch.double)
    table = _tables(codes, labels, kept, num_codes)
    hits, totals = _held_out_hits(table), table.sum(dim=1)
    recall = _recall(hits, totals)
    beyond = (hits - recall * totals) / totals.sum(dim=0)
    return recall.mean() + len(codes) * beyond.mean(dim=1)


def assign(table: Float[Tensor, "codes labels"]) -> Int[Tensor, " codes"]:
    """The label of each code that maximises balanced accuracy; `UNKNOWN` for a code never seen.

    `table` counts transitions. A code adds its share of a label to that label's recall, so the best
    choice for each code is the label of which it holds the largest share.
    """
    shares = table / table.sum(dim=0).clamp(min=1)
    return torch.where(table.sum(dim=1) > 0, shares.argmax(dim=1), UNKNOWN)


def _common(labels: Int[Tensor, "clips transitions"]) -> list[int]:
    """The labels that are there often enough to take part."""
    counts = torch.bincount(labels[labels != UNKNOWN])
    return (counts >= MIN_COUNT).nonzero().flatten().tolist()


def _tables(
    codes: Int[Tensor, "clips transitions"],
    labels: Int[Tensor, "clips transitions"],
    kept: Sequence[int],
    num_codes: int,
) -> Float[Tensor, "clips codes labels"]:
    """How often each clip has each code with each of the labels that take part."""
    seen = torch.nn.functional.one_hot(codes, num_codes).double()
    here = labels[..., None] == torch.tensor(kept)
    return torch.einsum("nsc,nsl->ncl", seen, here.double())


def _held_out_hits(table: Float[Tensor, "clips codes labels"]) -> Float[Tensor, "clips labels"]:
    """Right answers per clip and label, the assignment made on the clips of the other half."""
    hits = torch.zeros(len(table), table.shape[2], dtype=table.dtype)
    for half in (0, 1):
        meaning = assign(table[1 - half :: 2].sum(dim=0))
        right = meaning[:, None] == torch.arange(table.shape[2])
        hits[half::2] = (table[half::2] * right).sum(dim=1)
    return hits


def _recall(
    hits: Float[Tensor, "*sets clips labels"], totals: Float[Tensor, "*sets clips labels"]
) -> Float[Tensor, "*sets labels"]:
    """Share of each label's transitions that were told right; NaN where a set has none of it."""
    return hits.sum(dim=-2) / totals.sum(dim=-2)
