"""What a latent code tells about movement and keys: bits, and a dictionary from few labels."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from playworld.evaluate.agreement import MIN_COUNT, UNKNOWN
from playworld.evaluate.intervals import NOT_NEGATIVE, Resampled, percentiles, resample_weights
from playworld.evaluate.starts import LEVEL, on_level

LABELS = (10, 50, 200)
"""Labelled transitions that a dictionary is filled from; the paper matches its oracle from 200."""

DRAWS = 20
"""Sets of labels drawn from each half of the clips."""

EFFECTIVE = ("left", "left-jump", "none", "jump", "right", "right-jump")
"""Classes of keys by what they can do: a jump counts where there is ground to jump from."""


def mutual_information(
    codes: Int[Tensor, "clips S"],
    labels: Int[Tensor, "clips S"],
    num_codes: int,
    num_labels: int,
    seed: int = 0,
) -> dict[str, Any] | None:
    """Bits that the code of a transition tells about its label.

    `label_bits` is the label's entropy, the most there is to tell. `chance` is the same figure with
    the codes of one clip held against the labels of another: so much comes from the finite number
    of transitions alone. `share` is what is left of `bits` after that, of `label_bits`. None where
    fewer than two labels occur or only one clip has any.
    """
    again = resampled_information(codes, labels, num_codes, num_labels, seed)
    if again is None:
        return None
    rolls = range(1, min(len(codes), DRAWS + 1))
    strangers = [
        bits(_tables(codes.roll(k, dims=0), labels, num_codes, num_labels).sum(dim=0))
        for k in rolls
    ]
    chance = torch.stack(strangers).mean().item()
    most = entropy(torch.bincount(labels[labels != UNKNOWN]).double()).item()
    return {
        "bits": again.value,
        "bits_interval": again.interval(NOT_NEGATIVE),
        "chance": chance,
        "label_bits": most,
        "share": max(0.0, again.value - chance) / most,
    }


def resampled_information(
    codes: Int[Tensor, "clips S"],
    labels: Int[Tensor, "clips S"],
    num_codes: int,
    num_labels: int,
    seed: int = 0,
) -> Resampled | None:
    """`bits` of `mutual_information` on bootstrap resamples of the clips; None where it is None."""
    labelled = (labels != UNKNOWN).any(dim=1)
    codes, labels = codes[labelled], labels[labelled]
    if len(codes) < 2 or len(labels[labels != UNKNOWN].unique()) < 2:
        return None
    tables = _tables(codes, labels, num_codes, num_labels)
    weights = resample_weights(len(codes), seed)
    again = bits((weights @ tables.flatten(1)).unflatten(1, tables.shape[1:]))
    return Resampled(bits(tables.sum(dim=0)).item(), again, len(codes))


def bits(table: Float[Tensor, "*sets codes labels"]) -> Float[Tensor, "*sets"]:
    """Mutual information of a table of counts."""
    joint = entropy(table.flatten(-2))
    return (entropy(table.sum(dim=-1)) + entropy(table.sum(dim=-2)) - joint).clamp(min=0)


def entropy(counts: Float[Tensor, "*sets kinds"]) -> Float[Tensor, "*sets"]:
    """Entropy of counts, in bits."""
    shares = counts / counts.sum(dim=-1, keepdim=True).clamp(min=1)
    return -torch.xlogy(shares, shares).sum(dim=-1) / torch.log(torch.tensor(2.0))


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
    for count in LABELS:
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


def effective_keys(
    keys: Int[Tensor, "clips S"], names: Sequence[str], moved: Float[Tensor, "clips S 2"]
) -> Int[Tensor, "clips S"] | None:
    """The keys merged to what they can do, as indices into `EFFECTIVE`.

    A key named "right-up" is "right-jump" where the character has ground under it and "right"
    where it has not. `UNKNOWN` in the first transitions, before which nothing tells where the
    ground is. None for a game whose keys have no such names.
    """
    words = [set(name.split("-")) for name in names]
    if not any(w & {"left", "right"} for w in words):
        return None
    across = torch.tensor([0 if "left" in w else 2 if "right" in w else 1 for w in words])
    jumps = torch.tensor(["up" in w for w in words])
    ground: Bool[Tensor, "clips S"] = on_level(moved)
    merged = 2 * across[keys] + (jumps[keys] & ground).long()
    merged[:, :LEVEL] = UNKNOWN
    return torch.where(keys == UNKNOWN, UNKNOWN, merged)


def _tables(
    codes: Int[Tensor, "clips S"], labels: Int[Tensor, "clips S"], num_codes: int, num_labels: int
) -> Float[Tensor, "clips codes labels"]:
    """How often each clip has each code with each label."""
    known = (labels != UNKNOWN).double()
    cell = codes * num_labels + labels.clamp(min=0)
    flat = torch.zeros(len(codes), num_codes * num_labels, dtype=torch.double)
    return flat.scatter_add_(1, cell, known).unflatten(1, (num_codes, num_labels))


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
