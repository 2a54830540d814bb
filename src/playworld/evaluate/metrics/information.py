"""What the codes know of movement and keys: bits, and a dictionary from few labels."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from playworld.evaluate.agreement import UNKNOWN
from playworld.evaluate.context import Context
from playworld.evaluate.intervals import NOT_NEGATIVE, Resampled, resample_weights
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row
from playworld.evaluate.metrics.dictionary import LABELS, dictionary_table
from playworld.evaluate.page.numbers import band, number, share
from playworld.evaluate.pictures import Grid
from playworld.evaluate.transitions import TransitionLabels
from playworld.markup import Html, join, section, table, tag

DRAWS = 20
"""Sets of labels drawn from each half of the clips."""


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


def _tables(
    codes: Int[Tensor, "clips S"], labels: Int[Tensor, "clips S"], num_codes: int, num_labels: int
) -> Float[Tensor, "clips codes labels"]:
    """How often each clip has each code with each label."""
    known = (labels != UNKNOWN).double()
    cell = codes * num_labels + labels.clamp(min=0)
    flat = torch.zeros(len(codes), num_codes * num_labels, dtype=torch.double)
    return flat.scatter_add_(1, cell, known).unflatten(1, (num_codes, num_labels))


TITLES = {
    "movement": "bits about movement",
    "keys": "bits about keys",
    "effective_keys": "  keys by their effect",
}
"""By what the bits are about."""


def paired_information(
    transitions: TransitionLabels,
    codes: Int[Tensor, "clips S"],
    num_codes: int,
    information: Mapping[str, Mapping[str, Any] | None],
    seed: int,
) -> dict[str, Resampled]:
    """Bits above chance, resampled for comparing worlds: more codes have more by chance alone.

    `information` is that of the report.
    """
    found = {}
    for name, (labels, names) in transitions.labels.items():
        bits = resampled_information(codes, labels, num_codes, len(names), seed)
        known = information[name]
        if bits and known:
            found[f"bits about {name}"] = replace(bits, value=bits.value - known["chance"])
    return found


def _measure(context: Context) -> Measured:
    codes, num_codes, seed = context.played.actions, context.world.num_actions, context.seed
    kinds = context.transitions.labels
    information = {
        name: mutual_information(codes, labels, num_codes, len(names), seed)
        for name, (labels, names) in kinds.items()
    }
    return Measured(
        {"control": {"information": information}},
        paired_information(context.transitions, codes, num_codes, information, seed),
    )


def _rows(report: Report) -> Iterator[Row]:
    for kind, found in report["control"]["information"].items():
        if found is not None:
            yield Row(
                TITLES[kind],
                f"{number(found['bits'])} {band(found['bits_interval'], 2)} of "
                f"{number(found['label_bits'])}, by chance {number(found['chance'])}",
            )


def _compared(report: Report) -> Iterator[Compared]:
    for kind, found in report["control"]["information"].items():
        net = found and found["bits"] - found["chance"]
        yield Compared(f"{TITLES[kind]}, above chance", number(net), f"bits about {kind}")


def _section(report: Report, grids: Mapping[str, Grid]) -> Html:
    control = report["control"]
    return section(
        "What the codes know",
        _information(control["information"]),
        dictionary_table(control["dictionary"]),
        about="The latent action model has never seen a key. How much does the code that it gives "
        "to a transition tell about what happened, and about what was pressed?",
    )


def _information(found: Mapping[str, Any]) -> Html:
    rows = [
        (
            LABELS[name],
            join([number(row["bits"]), tag("small", f" {band(row['bits_interval'], 2)}")]),
            number(row["chance"]),
            number(row["label_bits"]),
            share(row["share"]),
        )
        for name, row in found.items()
        if row is not None
    ]
    if not rows:
        return Html("")
    head = ("mutual information with", "bits", "by chance", "bits there are", "share told")
    return table(head, rows)


INFORMATION = Metric("information", _measure, rows=_rows, compared=_compared, section=_section)
