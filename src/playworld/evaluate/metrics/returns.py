"""Leave and come back: a button, then its opposite, and whether the start is there again."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from playworld.evaluate.button_names import ARROWS, Effect, name_effects
from playworld.evaluate.buttons import PRESSES
from playworld.evaluate.context import Context
from playworld.evaluate.image_quality import PSNR_BOUNDS, PSNR_CAP
from playworld.evaluate.intervals import (
    A_SHARE,
    Samples,
    interval,
    share_interval,
    with_interval,
)
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row
from playworld.evaluate.movement import (
    HALF_PIXEL,
    Camera,
    displacement,
    player_movements,
)
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.page.media import frames_table
from playworld.evaluate.page.numbers import number, share
from playworld.evaluate.pictures import Grid, return_grid
from playworld.evaluate.rollouts import press
from playworld.markup import Html, join, section, table, tag
from playworld.world import SamplerConfig, World

BACK = 0.5
"""Share of the way out that may be left of a return."""

CONSISTENT = 0.5
"""Share of the starts from which a button has to do what its name says to be worth a trip."""


@dataclass(frozen=True)
class RoundTrip:
    """One button, then its opposite, from several starts."""

    button: int
    opposite: int
    direction: tuple[int, int]
    """Of `button`, x right and y down."""
    presses: int
    """Of each of the two."""
    video: UInt8[Tensor, "starts K H W C"]
    """The start, `presses` frames out, and as many back."""

    @property
    def way(self) -> str:
        """The same name in every world, whatever its buttons are called: "→ x4, ← x4"."""
        x, y = self.direction
        return f"{ARROWS[x, y]} x{self.presses}, {ARROWS[-x, -y]} x{self.presses}"


def opposite_pairs(effects: Sequence[Effect]) -> list[tuple[int, int, tuple[int, int]]]:
    """Buttons of which one goes where the other came from, and the first one's direction.

    Both orders of a pair are in the list. Of several buttons of one direction the strongest counts:
    `name_effects` gives it the name without a number.
    """
    ways = {arrow: way for way, arrow in ARROWS.items()}
    strongest = {}
    for button, effect in enumerate(effects):
        way = ways[effect.button.arrow] if effect.button.arrow else (0, 0)
        numbered = effect.button.label[-1].isdigit()
        if way != (0, 0) and not numbered and effect.consistency >= CONSISTENT:
            strongest[way] = button
    opposite = {way: strongest.get((-way[0], -way[1])) for way in strongest}
    return [(b, o, way) for way, b in strongest.items() if (o := opposite[way]) is not None]


def play_round_trips(
    world: World,
    starts: UInt8[Tensor, "starts P H W C"],
    pairs: Sequence[tuple[int, int, tuple[int, int]]],
    away: int,
    seed: int = 0,
    sampler: SamplerConfig | None = None,
) -> list[RoundTrip]:
    """For each pair a short trip of `PRESSES` presses each way and one of `away`."""
    trips: list[RoundTrip] = []
    if len(starts) == 0 or not pairs:
        return trips
    frames, state = world.start(starts, [seed + row for row in range(len(starts))])

    def hold(button: int, count: int) -> Tensor:
        return torch.full((len(starts), count), button)

    for button, opposite, way in pairs:
        for presses in sorted({min(PRESSES, away), away}):
            there_and_back = torch.cat([hold(button, presses), hold(opposite, presses)], dim=1)
            after = press(world, state, there_and_back, sampler)
            video = torch.cat([frames.cpu()[:, None], after], dim=1)
            trips.append(RoundTrip(button, opposite, way, presses, video))
    return trips


def score_reversibility(
    trips: Sequence[RoundTrip], labels: Sequence[str], camera: Camera = "follows", seed: int = 0
) -> list[dict[str, Any]]:
    """One row per trip.

    `out` and `back` are pixels along the button's direction. `returns` is the share of the starts
    that were left (by half a pixel per press or more) at the end of which at most half the way out
    is left; None where none was left; `home` says it for each start, None where it was not left.
    `start_psnr` compares the last frame with the start at their
    best alignment, over what both show, and `other_psnr` with another start: a world without
    memory scores the same in both. `recognised` is the share of last frames that fit their own
    start better than any other.
    """
    return [_row(trip, labels, camera, seed) for trip in trips]


def _row(trip: RoundTrip, labels: Sequence[str], camera: Camera, seed: int) -> dict[str, Any]:
    way = torch.tensor(trip.direction, dtype=torch.float32)
    along = player_movements(trip.video, camera) @ (way / way.norm())
    out, back = along[:, : trip.presses].sum(dim=1), along[:, trip.presses :].sum(dim=1)
    left = out >= HALF_PIXEL * trip.presses
    came = (out + back).abs() <= BACK * out
    returns = share_interval(came[left].float())
    fit = fits(trip.video[:, -1], trip.video[:, 0])
    own, others = fit.diagonal(), fit[~torch.eye(len(fit), dtype=torch.bool)]
    recognised = (fit.argmax(dim=1) == torch.arange(len(fit))).float()
    return {
        "way": trip.way,
        "button": trip.button,
        "label": labels[trip.button],
        "opposite": trip.opposite,
        "opposite_label": labels[trip.opposite],
        "presses": trip.presses,
        "starts": len(out),
        "left": int(left.sum()),
        "out": out.mean().item(),
        "back": -back.mean().item(),
        **with_interval("returns", returns),
        "home": [c if out else None for c, out in zip(came.tolist(), left.tolist(), strict=True)],
        "start_psnr": interval(own, seed, PSNR_BOUNDS),
        "other_psnr": others.mean().item() if len(others) else None,
        "recognised": recognised.mean().item() if len(others) else None,
        "recognised_chance": 1 / len(fit) if len(others) else None,
    }


def fits(
    frames: UInt8[Tensor, "N H W C"], starts: UInt8[Tensor, "M H W C"]
) -> Float[Tensor, "N M"]:
    """PSNR of every frame against every start at their best alignment, over the overlap, dB."""
    rows = []
    for frame in frames:
        error = displacement(frame.expand_as(starts), starts).aligned
        rows.append((-10 * error.log10()).clamp(max=PSNR_CAP))
    return torch.stack(rows)


PICTURE = "returns.png"


def _measure(context: Context) -> Measured:
    options, camera, seed = context.options, context.camera, context.seed
    effects = name_effects(context.shifts, camera, gravity=context.world.config.actions.gravity)
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
