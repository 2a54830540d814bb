"""How well a dictionary from code to label does that was filled from a few labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from playworld.evaluate.agreement import MIN_COUNT, UNKNOWN
from playworld.evaluate.context import Context
from playworld.evaluate.intervals import percentiles
from playworld.evaluate.metric import Measured, Metric
from playworld.evaluate.page.numbers import share, share_band
from playworld.markup import Html, join, table, tag
from playworld.words import counted

FILLED = (10, 50, 200)
"""Labelled transitions that a dictionary is filled from; the paper matches its oracle from 200."""

DRAWS = 20
"""Sets of labels drawn from each half of the clips."""
LABELS = {"movement": "movement", "keys": "pressed key", "effective_keys": "key, by its effect"}
"""By what is looked up."""


def dictionary_accuracy(
    codes: Int[Tensor, "clips S"],
    labels: Int[Tensor, "clips S"],
    names: Sequence[str],
    num_codes: int,
    seed: int = 0,
) -> dict[str, Any] | None:
    """How well a dictionary from code to label does that was filled from a few labels.

    Labels are drawn at random from every other clip, each code is given the label seen with it most
    often (one never seen: the commonest of all), and the rest of the clips is scored; both ways
    round, `DRAWS` times. `balanced` is the recall averaged over labels, with the range of 95% of
    the draws. Labels with fewer than `MIN_COUNT` transitions are left out. None for a number of
    labels that the clips do not have.
    """
    counts = torch.bincount(labels[labels != UNKNOWN], minlength=len(names))
    kept = (counts >= MIN_COUNT).nonzero().flatten()
    if len(kept) < 2 or len(codes) < 2:
        return None
    new = torch.full((len(names),), UNKNOWN)
    new[kept] = torch.arange(len(kept))
    labels = torch.where(labels == UNKNOWN, UNKNOWN, new[labels])
    generator = torch.Generator().manual_seed(seed)
    found: dict[str, Any] = {"chance": 1 / len(kept), "classes": [names[k] for k in kept.tolist()]}
    for count in FILLED:
        scores = []
        for half in (0, 1):
            known = _pairs(codes[half::2], labels[half::2])
            test = _pairs(codes[1 - half :: 2], labels[1 - half :: 2])
            if count > len(known) or len(test) == 0:
                continue
            for _ in range(DRAWS):
                drawn = known[torch.randperm(len(known), generator=generator)[:count]]
                scores.append(_score(_fill(drawn, num_codes, len(kept)), test, len(kept)))
        found[str(count)] = _summary(torch.tensor(scores)) if scores else None
    return found


def _pairs(codes: Int[Tensor, "clips S"], labels: Int[Tensor, "clips S"]) -> Int[Tensor, "N 2"]:
    """Code and label of every transition that has one."""
    return torch.stack([codes[labels != UNKNOWN], labels[labels != UNKNOWN]], dim=1)


def _fill(pairs: Int[Tensor, "N 2"], num_codes: int, num_labels: int) -> Int[Tensor, " codes"]:
    """The label of each code."""
    cells = torch.bincount(pairs[:, 0] * num_labels + pairs[:, 1], minlength=num_codes * num_labels)
    table = cells.unflatten(0, (num_codes, num_labels))
    commonest = table.sum(dim=0).argmax()
    return torch.where(table.sum(dim=1) > 0, table.argmax(dim=1), commonest)


def _score(
    meaning: Int[Tensor, " codes"], test: Int[Tensor, "N 2"], num_labels: int
) -> tuple[float, float]:
    """Balanced and plain accuracy."""
    right = (meaning[test[:, 0]] == test[:, 1]).double()
    totals = torch.bincount(test[:, 1], minlength=num_labels)
    hits = torch.bincount(test[:, 1], weights=right, minlength=num_labels)
    return (hits / totals).nanmean().item(), right.mean().item()


def _summary(scores: Float[Tensor, "draws 2"]) -> dict[str, float]:
    low, high = percentiles(scores[:, 0])
    balanced, accuracy = scores.mean(dim=0).tolist()
    return {"balanced": balanced, "low": low, "high": high, "accuracy": accuracy}


def _measure(context: Context) -> Measured:
    codes, num_codes, seed = context.played.actions, context.world.num_actions, context.seed
    found = {
        name: dictionary_accuracy(codes, labels, names, num_codes, seed)
        for name, (labels, names) in context.transitions.labels.items()
    }
    return Measured({"control": {"dictionary": found}})


def dictionary_table(found: Mapping[str, Any]) -> Html:
    """A row for each kind of label; part of the section about what the codes know."""
    known = {name: row for name, row in found.items() if row is not None}
    if not known:
        return Html("")
    counts = [key for key in next(iter(known.values())) if key.isdigit()]
    rows = [
        (LABELS[name], *(_accuracy(row[count]) for count in counts), share(row["chance"]))
        for name, row in known.items()
    ]
    head = (
        "dictionary, balanced accuracy [95% of draws of labels]",
        *(counted(int(count), "label") for count in counts),
        "chance",
    )
    return table(head, rows)


def _accuracy(found: Mapping[str, Any] | None) -> Html:
    if found is None:
        return Html("-")
    return join([share(found["balanced"]), tag("small", f" {share_band(found)}")])


DICTIONARY = Metric("dictionary", _measure)
