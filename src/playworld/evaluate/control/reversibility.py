"""Reversibility: after a button and then its opposite, is the start there again?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from playworld.evaluate.buttons import ARROWS, PRESSES, Effect
from playworld.evaluate.image_quality import PSNR_BOUNDS, PSNR_CAP
from playworld.evaluate.intervals import interval, share_interval
from playworld.evaluate.movement import (
    HALF_PIXEL,
    Camera,
    displacement,
    displacements,
    player_movement,
)
from playworld.evaluate.rollouts import press
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
    moved = player_movement(displacements(trip.video, camera), camera)
    along = moved @ (way / way.norm())
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
        "returns": returns["mean"],
        "returns_interval": returns,
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
