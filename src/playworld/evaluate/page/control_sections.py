"""The parts of the page about control and fidelity, for readers who want to know more."""

from collections.abc import Mapping
from typing import Any

from playworld.evaluate.page.media import frames_table
from playworld.evaluate.page.numbers import band, number, share
from playworld.evaluate.pictures import Grid
from playworld.markup import Html, join, section, table, tag
from playworld.words import counted

LABELS = {"movement": "movement", "keys": "pressed key", "effective_keys": "key, by its effect"}


def codes(control: Mapping[str, Any]) -> Html:
    """What the latent codes know."""
    return section(
        "What the codes know",
        _information(control["information"]),
        _dictionary(control["dictionary"]),
        about="The latent action model has never seen a key. How much does the code that it gives "
        "to a transition tell about what happened, and about what was pressed?",
    )


def reversibility(control: Mapping[str, Any], grids: Mapping[str, Grid]) -> Html:
    """Leaving and coming back."""
    if not control["returns"]:
        return Html("")
    head = (
        *("out, then back", "presses", "pixels out", "pixels back", "returns"),
        *("end fits start, dB", "fits others, dB", "recognised"),
    )
    rows = [
        (
            f"{row['label']}, {row['opposite_label']}",
            f"{row['presses']} + {row['presses']}",
            number(row["out"], 1),
            number(row["back"], 1),
            join([share(row["returns"]), tag("small", f" of {row['left']} that left")]),
            number(row["start_psnr"]["mean"], 1),
            number(row["other_psnr"], 1),
            join(
                [
                    share(row["recognised"]),
                    tag("small", f" chance {share(row['recognised_chance'])}"),
                ]
            ),
        )
        for row in control["returns"]
    ]
    inside = [table(head, rows)]
    if "returns.png" in grids:
        inside.append(frames_table(grids["returns.png"]))
    return section(
        "Leave and come back",
        *inside,
        about="A button a few times, then its opposite as often. A start returns where at most "
        "half the way out is left; it is recognised where the last frame fits it, at the best "
        "alignment, better than any other start. Walls and momentum keep real games from doing "
        "this perfectly too.",
    )


def fidelity(report: Mapping[str, Any]) -> Html:
    """Distances between generated and real clips."""
    names = {
        "world": "generated",
        "real": "real (the floor)",
        "copy_last": "last frame of the prompt, frozen",
        "time_shuffled": "real frames, time shuffled",
    }
    parts = []
    for found in report["fidelity"]:
        rows = [
            (name, *(_distance(found[side], kind) for side in ("other", "same")))
            for kind, name in names.items()
        ]
        other, same = found["other_clips"], found["clips"]
        head = (
            "clips",
            f"against {counted(other, 'other real clip')}",
            f"against the same {counted(same, 'clip')}",
        )
        parts += [tag("h3", found["name"]), table(head, rows)]
        parts.append(tag("p", found["embedding"], class_="about"))
    return section(
        "Fidelity of whole clips",
        *parts,
        about="The Frechet distance between the two sets of clips, as a network sees them; lower "
        "is better. Papers print the right column. Distances are biased upwards, the more so the "
        "fewer clips there are, and by much the same in all rows of a column: read them beside the "
        "floor. Random features have learned nothing "
        "and compare within this project only.",
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
    return join(
        [
            share(found["balanced"]),
            tag("small", f" [{share(found['low'])}, {share(found['high'])}]"),
        ]
    )


def _distance(found: Mapping[str, Any] | None, kind: str) -> Html:
    if found is None or kind not in found:
        return Html("-")
    return join([number(found[kind]["mean"], 1), tag("small", f" {band(found[kind])}")])
