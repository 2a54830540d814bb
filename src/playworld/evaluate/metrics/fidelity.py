"""Frechet distances between generated and real clips: FVD, and that of random features."""

from collections.abc import Iterator, Mapping
from typing import Any

from playworld.evaluate.context import Context
from playworld.evaluate.fidelity.measure import embed_all, score_distance
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row, Tile
from playworld.evaluate.page.numbers import band, number
from playworld.evaluate.pictures import Grid
from playworld.markup import Html, join, section, table, tag
from playworld.words import counted

KINDS = {
    "world": "generated",
    "real": "real (the floor)",
    "copy_last": "last frame of the prompt, frozen",
    "time_shuffled": "real frames, time shuffled",
}


def _measure(context: Context) -> Measured:
    rollouts, seed = context.rollouts, context.seed
    later = context.others.video[:, -rollouts.truth.shape[1] :]
    networks = context.networks.embeddings
    points = {e.name: embed_all(rollouts, later, e, seed) for e in networks}
    figures = [score_distance(points[e.name], e, seed) for e in networks]
    return Measured({"fidelity": figures}, points)


def _rows(report: Report) -> Iterator[Row]:
    for found in report["fidelity"]:
        where = found["other"] or found["same"]
        if where is None:
            continue
        real = f", real {number(where['real']['mean'], 1)}" if "real" in where else ""
        clips = f"the same {counted(found['clips'], 'clip')}"
        if found["other"]:
            clips = counted(found["other_clips"], "other clip")
        yield Row(
            found["name"],
            f"{number(where['world']['mean'], 1)} {band(where['world'])} against {clips}"
            f"{real}, frozen {number(where['copy_last']['mean'], 1)}, time shuffled "
            f"{number(where['time_shuffled']['mean'], 1)}",
        )


def _compared(report: Report) -> Iterator[Compared]:
    for found in report["fidelity"]:
        name, same = found["name"], found["same"]
        yield Compared(name, number(same["world"]["mean"]) if same else "-", name)


def _tiles(report: Report) -> Iterator[Tile]:
    for found in report["fidelity"]:
        where = found["other"] or found["same"]
        if where is None:
            continue
        floor = ""
        if found["other"] is not None:
            floor = f"Real video has {number(where['real']['mean'], 1)}, "
        yield Tile(
            found["name"][0].upper() + found["name"][1:],
            number(where["world"]["mean"], 1),
            "",
            band(where["world"]),
            f"Distance from real video, lower is better. {floor}a frozen picture "
            f"{number(where['copy_last']['mean'], 1)}.",
        )


def _section(report: Report, grids: Mapping[str, Grid]) -> Html:
    parts = []
    for found in report["fidelity"]:
        rows = [
            (name, *(_cell(found[side], kind) for side in ("other", "same")))
            for kind, name in KINDS.items()
        ]
        head = (
            "clips",
            f"against {counted(found['other_clips'], 'other real clip')}",
            f"against the same {counted(found['clips'], 'clip')}",
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


def _cell(found: Mapping[str, Any] | None, kind: str) -> Html:
    if found is None or kind not in found:
        return Html("-")
    return join([number(found[kind]["mean"], 1), tag("small", f" {band(found[kind])}")])


FIDELITY = Metric(
    "fidelity", _measure, rows=_rows, compared=_compared, tiles=_tiles, section=_section
)
