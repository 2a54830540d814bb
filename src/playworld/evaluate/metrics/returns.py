"""Leave and come back: a button, then its opposite, and whether the start is there again."""

import math
from collections.abc import Iterator, Mapping

import torch

from playworld.evaluate.buttons import name_effects
from playworld.evaluate.context import Context
from playworld.evaluate.control.reversibility import (
    opposite_pairs,
    play_round_trips,
    score_reversibility,
)
from playworld.evaluate.intervals import A_SHARE, Samples
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.page.media import frames_table
from playworld.evaluate.page.numbers import number, share
from playworld.evaluate.pictures import Grid, return_grid
from playworld.markup import Html, join, section, table, tag

PICTURE = "returns.png"


def _measure(context: Context) -> Measured:
    options, camera, seed = context.options, context.camera, context.seed
    effects = name_effects(context.shifts, camera)
    labels = [effect.button.label for effect in effects]
    away = context.button_starts.video[: options.return_starts]
    pairs = opposite_pairs(effects)
    trips = play_round_trips(context.world, away, pairs, options.away, seed, context.sampler)
    rows = score_reversibility(trips, labels, camera, seed)
    paired = {}
    for row in rows:
        came = [math.nan if home is None else float(home) for home in row["home"]]
        paired[f"{row['way']} returns"] = Samples(torch.tensor(came), A_SHARE)
    grids = {}
    if trips:
        far = max(trips, key=lambda trip: trip.presses)
        grids[PICTURE] = return_grid(far.video, labels[far.button], labels[far.opposite])
    return Measured({"control": {"returns": rows}}, paired, grids)


def _frames(options: EvaluateOptions, buttons: int) -> int:
    return 4 * options.return_starts * options.away


def _rows(report: Report) -> Iterator[Row]:
    for index, row in enumerate(report["control"]["returns"]):
        yield Row(
            "there and back" if index == 0 else "",
            f"{row['label']} x{row['presses']}, {row['opposite_label']} x{row['presses']}: "
            f"{share(row['returns'])} of {row['left']} return, "
            f"{share(row['recognised'])} recognised (chance {share(row['recognised_chance'])})",
        )


def _compared(report: Report) -> Iterator[Compared]:
    for row in report["control"]["returns"]:
        name = f"{row['way']} returns"
        yield Compared(name, number(row["returns"]), name)


def _section(report: Report, grids: Mapping[str, Grid]) -> Html:
    returns = report["control"]["returns"]
    if not returns:
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
        for row in returns
    ]
    inside = [table(head, rows)]
    if PICTURE in grids:
        inside.append(frames_table(grids[PICTURE]))
    return section(
        "Leave and come back",
        *inside,
        about="A button a few times, then its opposite as often. A start returns where at most "
        "half the way out is left; it is recognised where the last frame fits it, at the best "
        "alignment, better than any other start. Walls and momentum keep real games from doing "
        "this perfectly too.",
    )


RETURNS = Metric(
    "there and back", _measure, _frames, rows=_rows, compared=_compared, section=_section
)
