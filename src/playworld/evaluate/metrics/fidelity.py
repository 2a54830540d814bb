"""Frechet distances between generated and real clips: FVD, and that of random features."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from playworld.evaluate.context import Context
from playworld.evaluate.fidelity.embeddings import Embedding
from playworld.evaluate.fidelity.frechet import frechet_difference, frechet_interval
from playworld.evaluate.intervals import change
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row, Tile
from playworld.evaluate.page.numbers import band, number
from playworld.evaluate.pictures import Grid
from playworld.evaluate.rollouts import Rollouts
from playworld.markup import Html, join, section, table, tag
from playworld.words import counted

ENOUGH = 16
"""Clips that a sure difference takes; of 8, equal worlds differ too often."""
KINDS = {
    "world": "generated",
    "real": "real (the floor)",
    "copy_last": "last frame of the prompt, frozen",
    "time_shuffled": "real frames, time shuffled",
}
"""What is held against real clips, and what the page calls it."""


@dataclass(frozen=True)
class Embedded:
    """Clips as points; the same clips in each but `others`."""

    kinds: dict[str, Float[Tensor, "clips F"]]
    others: Float[Tensor, "others F"]
    """Real clips that were not played."""

    def change(self, baseline: "Embedded", seed: int = 0) -> dict[str, Any] | None:
        """Difference of the distances from the same real clips; None for a single clip."""
        real = baseline.kinds["real"]
        if len(real) < 2:
            return None
        band = frechet_difference(self.kinds["world"], baseline.kinds["world"], real, seed)
        return change(band, len(real), ENOUGH)


def embed_all(
    rollouts: Rollouts,
    others: UInt8[Tensor, "others K H W C"],
    embedding: Embedding,
    seed: int = 0,
) -> Embedded:
    """The points of everything that is compared; frames of the prompt are left out."""
    videos = {
        "world": rollouts.inferred,
        "real": rollouts.truth,
        "copy_last": rollouts.prompt[:, -1:].expand_as(rollouts.truth),
        "time_shuffled": shuffle_time(rollouts.truth, seed),
    }
    points = {kind: embedding(videos[kind]) for kind in KINDS}
    empty = points["real"][:0]
    return Embedded(points, embedding(others) if len(others) else empty)


def shuffle_time(video: UInt8[Tensor, "B T H W C"], seed: int = 0) -> UInt8[Tensor, "B T H W C"]:
    """Every clip's frames in a random order of its own."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.rand(video.shape[:2], generator=generator).argsort(dim=1)
    return video[torch.arange(len(video))[:, None], order]


def score_distance(embedded: Embedded, embedding: Embedding, seed: int = 0) -> dict[str, Any]:
    """One distance for the report: against the same clips as they really went on, and others.

    `same` is what papers print: generated clips against the true continuations of their own
    prompts. They share the prompts' content, so a bad world can score below the distance between
    two sets of real clips. `other` holds everything against real clips that were not played: there
    the real continuations are the floor.
    """
    real, others = embedded.kinds["real"], embedded.others
    same = other = None
    if len(real) >= 2:
        same = {
            kind: frechet_interval(embedded.kinds[kind], real, True, seed)
            for kind in KINDS
            if kind != "real"
        }
    if len(real) >= 2 and len(others) >= 2:
        other = {
            kind: frechet_interval(embedded.kinds[kind], others, False, seed) for kind in KINDS
        }
    return {
        "name": embedding.name,
        "embedding": embedding.origin,
        "clips": len(real),
        "other_clips": len(others),
        "same": same,
        "other": other,
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
