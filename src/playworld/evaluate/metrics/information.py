"""What the codes know of movement and keys: bits, and a dictionary from few labels."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from jaxtyping import Int
from torch import Tensor

from playworld.evaluate.context import Context
from playworld.evaluate.control.information import (
    dictionary_accuracy,
    mutual_information,
    resampled_information,
)
from playworld.evaluate.intervals import Resampled
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row
from playworld.evaluate.page.numbers import band, number, share, share_band
from playworld.evaluate.pictures import Grid
from playworld.evaluate.transitions import TransitionLabels
from playworld.markup import Html, join, section, table, tag
from playworld.words import counted

TITLES = {
    "movement": "bits about movement",
    "keys": "bits about keys",
    "effective_keys": "  keys by their effect",
}
"""By what the bits are about."""
LABELS = {"movement": "movement", "keys": "pressed key", "effective_keys": "key, by its effect"}


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
    dictionary = {
        name: dictionary_accuracy(codes, labels, names, num_codes, seed)
        for name, (labels, names) in kinds.items()
    }
    return Measured(
        {"control": {"information": information, "dictionary": dictionary}},
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
        _dictionary(control["dictionary"]),
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


def _dictionary(found: Mapping[str, Any]) -> Html:
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


INFORMATION = Metric("information", _measure, rows=_rows, compared=_compared, section=_section)
