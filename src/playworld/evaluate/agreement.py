"""Do latent codes name what happened? Codes against labels, class-balanced, best assignment."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from playworld.evaluate.intervals import A_SHARE, Resampled, resample_weights

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
    """How well the code of a transition predicts its label.

    Each code is assigned the label that it speaks for most once labels weigh the same (several
    codes may share one label). The assignment is made on every other clip and scored on the rest,
    both ways round, so that rare codes cannot flatter it. `balanced` is the recall averaged over
    labels and `majority` the same figure for always saying the commonest label (one over the
    number of labels); `accuracy` and `majority_accuracy` are the plain shares. Labels seen fewer
    than `MIN_COUNT` times are left out, and clips that have none of the others. Where fewer than
    two labels remain, or there is only one clip, there is nothing to tell apart, and the figures
    are None; fewer than four clips give no interval.
    """
    counts = torch.bincount(labels[labels != UNKNOWN], minlength=len(names)).tolist()
    kept, tables = _tables(codes, labels, num_codes)
    kept_names = [names[label] for label in kept]
    found: dict[str, Any] = {
        "counts": {names[label]: counts[label] for label in kept},
        "left_out": {names[i]: n for i, n in enumerate(counts) if 0 < n < MIN_COUNT},
    }
    if len(kept) < 2 or len(tables) < 2:
        figures = ("balanced", "balanced_interval", "majority", "accuracy", "majority_accuracy")
        return found | dict.fromkeys(figures)
    halves = torch.stack([tables[half::2].sum(dim=0) for half in (0, 1)])
    hits, totals = _held_out_hits(halves), halves.sum(dim=(0, 1))
    balanced = (hits / totals).mean().item()
    unknown: dict[str, float | None] = {"mean": balanced, "low": None, "high": None}
    again = resampled_agreement(codes, labels, num_codes, seed)
    return found | {
        "balanced": balanced,
        "balanced_interval": unknown if again is None else again.interval(A_SHARE),
        "majority": 1 / len(kept),
        "accuracy": (hits.sum() / totals.sum()).item(),
        "majority_accuracy": (totals.max() / totals.sum()).item(),
        "recall": dict(zip(kept_names, (hits / totals).tolist(), strict=True)),
        "assignment": {
            str(code): None if label == UNKNOWN else kept_names[label]
            for code, label in enumerate(assign(halves.sum(dim=0)).tolist())
        },
    }


def resampled_agreement(
    codes: Int[Tensor, "clips transitions"],
    labels: Int[Tensor, "clips transitions"],
    num_codes: int,
    seed: int = 0,
) -> Resampled | None:
    """`balanced` of `agreement` on bootstrap resamples of the clips, codes assigned anew on each.

    With the assignment held fixed, intervals of codes that say little would be far too narrow: on
    other clips such codes stand for other labels. Each half is resampled on its own, so that no
    clip is on both sides. None where there is no figure, or a half is a single clip.
    """
    kept, tables = _tables(codes, labels, num_codes)
    if len(kept) < 2 or len(tables) < 4:
        return None
    whole, draws = [], []
    for half in (0, 1):
        own = tables[half::2]
        weights = resample_weights(len(own), seed + half)
        whole.append(own.sum(dim=0))
        draws.append((weights @ own.flatten(1)).unflatten(1, own.shape[1:]))
    # A resample may have lost a label; it has one that takes part, as every clip has.
    value, again = (
        (_held_out_hits(halves) / halves.sum(dim=(-3, -2))).nanmean(dim=-1)
        for halves in (torch.stack(whole), torch.stack(draws, dim=1))
    )
    return Resampled(value.item(), again, len(tables))


def assign(table: Float[Tensor, "*sets codes labels"]) -> Int[Tensor, "*sets codes"]:
    """The label of each code that maximises balanced accuracy; `UNKNOWN` for a code never seen.

    `table` counts transitions. A code adds its share of a label to that label's recall, so the best
    choice for each code is the label of which it holds the largest share.
    """
    shares = table / table.sum(dim=-2, keepdim=True).clamp(min=1)
    return torch.where(table.sum(dim=-1) > 0, shares.argmax(dim=-1), UNKNOWN)


def _tables(
    codes: Int[Tensor, "clips transitions"],
    labels: Int[Tensor, "clips transitions"],
    num_codes: int,
) -> tuple[list[int], Float[Tensor, "labelled codes labels"]]:
    """The labels that take part, and how often clips that have any have each code with each."""
    kept = (torch.bincount(labels[labels != UNKNOWN]) >= MIN_COUNT).nonzero().flatten()
    here = labels[..., None] == kept
    chosen = torch.nn.functional.one_hot(codes, num_codes).double()
    tables = torch.einsum("nsc,nsl->ncl", chosen, here.double())
    return kept.tolist(), tables[here.any(dim=2).any(dim=1)]


def _held_out_hits(
    halves: Float[Tensor, "*sets 2 codes labels"],
) -> Float[Tensor, "*sets labels"]:
    """Right answers per label in both halves, the assignment made on the other one."""
    meaning = assign(halves.flip(-3))
    right = meaning[..., None] == torch.arange(halves.shape[-1])
    return (halves * right).sum(dim=(-3, -2))
