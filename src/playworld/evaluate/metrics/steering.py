"""Where the codes lead a robot's hand, held against the true commands."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from playworld.data.record.actions import ContinuousActions, read_actions
from playworld.evaluate.button_names import ARROWS
from playworld.evaluate.context import Context
from playworld.evaluate.heldout import CLOCK_SLACK, HeldOut
from playworld.evaluate.intervals import A_SHARE, resample_weights, spread
from playworld.evaluate.metric import Measured, Metric, Report, Row
from playworld.evaluate.metrics.information import DRAWS
from playworld.evaluate.page.numbers import band, number, share, share_band, signed
from playworld.evaluate.pictures import Grid
from playworld.markup import Html, join, section, table, tag

WAY = "d"
"""What the name of a number begins with that says how far to go, as in "dx". Other numbers, such
as whether fingers are to close, have no direction."""
MOVES = 0.25
"""Length from which on a way is a move and not rest, of the 95th percentile of all lengths."""
CLEAR = 0.5
"""Least part of a mean command's longest direction that another one needs to be in its name."""


def commands(
    held: HeldOut,
) -> tuple[Float[Tensor, "clips S numbers"], tuple[str, ...]] | None:
    """The mean command of every transition, and what its numbers are called.

    A transition lasts from the time of its first frame up to that of its second. NaN where a clip's
    video has no such actions, or numbers called otherwise than in most videos, or says nothing
    about that time. None where no video has any.
    """
    files = {source: read_actions(held.videos / source) for source in sorted(set(held.sources))}
    steered = {s: found for s, found in files.items() if isinstance(found, ContinuousActions)}
    if not steered:
        return None
    names = Counter(found.names for found in steered.values()).most_common(1)[0][0]
    commanded = torch.full((len(held.sources), held.video.shape[1] - 1, len(names)), torch.nan)
    for row, (source, times) in enumerate(zip(held.sources, held.times, strict=True)):
        found = steered.get(source)
        if found is None or found.names != names:
            continue
        edges = np.searchsorted(np.asarray(found.times), times - CLOCK_SLACK)
        for k in np.flatnonzero(np.diff(edges)):
            commanded[row, k] = torch.tensor(found.vectors[edges[k] : edges[k + 1]]).mean(dim=0)
    return commanded, names


@dataclass(frozen=True)
class Sums:
    """What a set of transitions adds up to, code by code; sets of clips can be added."""

    count: Float[Tensor, "*sets codes"]
    total: Float[Tensor, "*sets codes numbers"]
    square: Float[Tensor, "*sets codes"]
    """Of the vectors' lengths."""

    @staticmethod
    def of(
        codes: Int[Tensor, "clips S"],
        where: Bool[Tensor, "clips S"],
        vectors: Float[Tensor, "clips S numbers"],
        num_codes: int,
    ) -> "Sums":
        """One set per clip, of the transitions `where` it is true."""
        member = torch.nn.functional.one_hot(codes, num_codes).double() * where[..., None]
        return Sums(
            member.sum(dim=1),
            torch.einsum("csk,csn->ckn", member, vectors),
            torch.einsum("csk,cs->ck", member, vectors.square().sum(dim=2)),
        )

    def mixed(self, weights: Float[Tensor, "mixtures clips"]) -> "Sums":
        """Sets that hold each clip so many times."""
        return Sums(
            weights @ self.count,
            torch.einsum("mc,ckn->mkn", weights, self.total),
            weights @ self.square,
        )


def explained(sums: Sums) -> Float[Tensor, "*sets"]:
    """Share of the variance of the vectors that their codes explain."""
    everything = sums.count.sum(dim=-1).clamp(min=1)
    mean = sums.total.sum(dim=-2).square().sum(dim=-1) / everything
    between = (sums.total.square().sum(dim=-1) / sums.count.clamp(min=1)).sum(dim=-1) - mean
    within = sums.square.sum(dim=-1) - mean
    return torch.where(within > 0, between / within.clamp(min=1e-12), torch.nan)


def consistency(sums: Sums) -> Float[Tensor, "*sets"]:
    """How much unit vectors of one code agree: the mean length of their mean, over all vectors."""
    return sums.total.norm(dim=-1).sum(dim=-1) / sums.count.sum(dim=-1)


def measure_steering(
    commanded: Float[Tensor, "clips S numbers"],
    names: tuple[str, ...],
    codes: Int[Tensor, "clips S"],
    num_codes: int,
    seed: int = 0,
) -> dict[str, Any] | None:
    """How well the code of a transition tells how it was steered, and where each code leads.

    `explained` is the share of the variance of the ways that codes explain, `numbers` the same for
    each number alone. `consistency` is how much the moves of one code point the same way: the
    length of the mean of their unit vectors, 1 where all agree, averaged over moves. Each has its
    interval over clips and `chance`, the same with the codes of one clip held against the commands
    of another. `codes` lists what each code stands for. Ways are the numbers named as `WAY` says,
    all of them where none is. None where there are fewer than two clips, or nothing moves.
    """
    ways = [k for k, name in enumerate(names) if name.startswith(WAY)] or list(range(len(names)))
    known, vectors = ~commanded.isnan().any(dim=2), commanded.nan_to_num().double()
    length = vectors[..., ways].norm(dim=2)
    if len(codes) < 2 or not length[known].any():
        return None
    rest = MOVES * torch.quantile(length[known], 0.95).item()
    moves = known & (length > rest)
    unit = vectors[..., ways] / length.clamp(min=1e-12)[..., None]

    def figure(
        of: Callable[[Sums], Tensor], where: Tensor, values: Tensor
    ) -> dict[str, float | None]:
        return _with_chance(of, codes, where, values, num_codes, seed)

    return {
        "names": list(names),
        "ways": [names[k] for k in ways],
        "transitions": int(known.sum()),
        "explained": figure(explained, known, vectors[..., ways]),
        "numbers": {
            name: figure(explained, known, vectors[..., k : k + 1]) for k, name in enumerate(names)
        },
        "consistency": figure(consistency, moves, unit),
        "codes": _describe(
            Sums.of(codes, known, vectors, num_codes),
            Sums.of(codes, moves, unit, num_codes),
            names,
            ways,
            rest,
        ),
    }


def _with_chance(
    of: Callable[[Sums], Tensor],
    codes: Int[Tensor, "clips S"],
    where: Bool[Tensor, "clips S"],
    vectors: Float[Tensor, "clips S numbers"],
    num_codes: int,
    seed: int,
) -> dict[str, float | None]:
    """A figure with its interval over clips, and what strangers' codes would give."""
    sums, clips = Sums.of(codes, where, vectors, num_codes), len(codes)
    everyone = torch.ones(1, clips, dtype=torch.double)
    mean, again = of(sums.mixed(everyone)), of(sums.mixed(resample_weights(clips, seed)))
    if mean.isnan():
        return dict.fromkeys(("mean", "low", "high", "chance"))
    strangers = [
        of(Sums.of(codes.roll(k, dims=0), where, vectors, num_codes).mixed(everyone))
        for k in range(1, min(clips, DRAWS + 1))
    ]
    band = spread(mean.item(), again[~again.isnan()], clips, A_SHARE)
    return band | {"chance": torch.cat(strangers).mean().item()}


def _describe(
    every: Sums, going: Sums, names: Sequence[str], ways: Sequence[int], rest: float
) -> list[dict[str, Any]]:
    """What each code stands for; None for figures of a code that was never seen."""
    count, total = every.count.sum(dim=0), every.total.sum(dim=0)
    moves, units = going.count.sum(dim=0), going.total.sum(dim=0)
    rows = []
    for code in range(len(count)):
        seen, moved = bool(count[code] > 0), bool(moves[code] > 0)
        command = (total[code] / count[code]).tolist() if seen else None
        rows.append(
            {
                "leads": None if command is None else _leads(command, names, ways, rest),
                "share": (count[code] / count.sum()).item(),
                "command": command,
                "moves": (moves[code] / count[code]).item() if seen else None,
                "consistency": (units[code] / moves[code]).norm().item() if moved else None,
            }
        )
    return rows


def _leads(command: Sequence[float], names: Sequence[str], ways: Sequence[int], rest: float) -> str:
    """The name of a mean command: its clear directions, as in "+dx -dz", or "stay"."""
    longest = max(abs(command[k]) for k in ways)
    if math.hypot(*(command[k] for k in ways)) <= rest:
        return "stay"
    clear = [k for k in ways if abs(command[k]) >= CLEAR * longest]
    return " ".join(f"{'+' if command[k] > 0 else '-'}{names[k]}" for k in clear)


HEIGHT = {1: "▲", 0: "", -1: "▼"}
"""How the third direction is drawn, beside the arrow of the first two as seen from above."""


def _measure(context: Context) -> Measured:
    """None without action files of numbers."""
    commanded, num_codes = commands(context.held), context.world.num_actions
    codes = context.played.actions
    found = commanded and measure_steering(*commanded, codes, num_codes, context.seed)
    return Measured({"control": {"steering": found}})


def rows(report: Report) -> Iterator[Row]:
    """The rows of the terminal."""
    found = report["control"].get("steering")
    if found is None:
        return
    explained, agree = found["explained"], found["consistency"]
    yield Row(
        "codes explain commands",
        f"{share(explained['mean'])} {share_band(explained)} of {', '.join(found['ways'])}, "
        f"by chance {share(explained['chance'])}",
    )
    yield Row(
        "  moves of a code agree",
        f"{number(agree['mean'])} {band(agree, 2)}, by chance {number(agree['chance'])}",
    )
    yield Row("  codes lead", ", ".join(row["leads"] or "-" for row in found["codes"]))


def steering(report: Report, grids: Mapping[str, Grid]) -> Html:
    """What the codes stand for, held against the true commands."""
    found = report["control"]["steering"]
    if found is None:
        return Html("")
    rows = [
        (
            join([tag("span", arrow(row, found["ways"]), class_="arrow"), str(code + 1)]),
            row["leads"] or "-",
            *(signed(value) for value in row["command"] or [None] * len(found["names"])),
            share(row["moves"]),
            number(row["consistency"]),
            share(row["share"]),
        )
        for code, row in enumerate(found["codes"])
    ]
    head = ("button", "leads", *found["names"], "moves", "agree", "share of the video")
    explained = [(", ".join(found["ways"]), found["explained"]), *found["numbers"].items()]
    shares = [
        (name, join([share(f["mean"]), tag("small", f" {share_band(f)}")]), share(f["chance"]))
        for name, f in explained
        if f["mean"] is not None
    ]
    agree = found["consistency"]
    return section(
        "Where the codes lead",
        table(head, rows),
        tag(
            "p",
            f"The moves of a code agree by {number(agree['mean'])} {band(agree, 2)} on average "
            f"(1 if all point the same way, {number(agree['chance'])} by chance).",
            class_="about",
        ),
        table(("command", "share explained by the code", "by another clip's codes"), shares),
        about="Codes against the true commands of held-out video "
        f"({found['transitions']:,} transitions), which the latent action model has never seen. "
        f"Arrows show {_legend(found['ways'])}.",
    )


def arrow(row: Mapping[str, Any], ways: list[str]) -> str:
    """Where a code leads: an arrow for the first two directions, a triangle for the third."""
    if row["leads"] is None:
        return ""
    words = row["leads"].split()
    signs = [int(f"+{way}" in words) - int(f"-{way}" in words) for way in (*ways, "", "")][:3]
    flat = (signs[0], -signs[1])  # upwards on the page is towards smaller y
    return ("" if flat == (0, 0) and signs[2] else ARROWS[flat]) + HEIGHT[signs[2]]


def _legend(ways: list[str]) -> str:
    drawn = zip(ways, ("to the right", "upwards", f"by {HEIGHT[1]}"), strict=False)
    return ", ".join(f"+{way} {how}" for way, how in drawn)


STEERING = Metric("steering", _measure, rows=rows, section=steering)
