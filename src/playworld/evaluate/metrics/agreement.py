"""Codes against labels of transitions: movement, its horizontal part, and the pressed key."""

from collections.abc import Iterator, Mapping
from typing import Any

from jaxtyping import Int
from torch import Tensor

from playworld.evaluate.agreement import agreement, resampled_agreement
from playworld.evaluate.context import Context
from playworld.evaluate.intervals import Resampled
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row, Tile
from playworld.evaluate.movement import CLASSES, HORIZONTAL, VERTICAL
from playworld.evaluate.movement_groups import movement_groups
from playworld.evaluate.page.numbers import number, share, share_band
from playworld.evaluate.transitions import TransitionLabels

TITLES = {
    "movement": "codes against movement",
    "horizontal": "  left / none / right",
    "keys": "codes against keys",
}
"""By the place under `control`."""
NAMES = {"keys": "keys", "effective_keys": "effective"}
"""Places under `control` of what keys are compared, by the kind of label."""


def paired_agreement(
    transitions: TransitionLabels, codes: Int[Tensor, "clips S"], num_codes: int, seed: int
) -> dict[str, Resampled]:
    """Agreement of codes with each kind of label, resampled for comparing worlds."""
    kinds = {name: labels for name, (labels, _) in transitions.labels.items()}
    kinds["horizontal"] = kinds["movement"] // len(VERTICAL)
    found = {
        f"codes against {name}": resampled_agreement(codes, labels, num_codes, seed)
        for name, labels in kinds.items()
    }
    return {name: again for name, again in found.items() if again is not None}


def _measure(context: Context) -> Measured:
    labels, codes = context.transitions.labels, context.played.actions
    num_codes, seed = context.world.num_actions, context.seed
    ways, _ = labels["movement"]
    movement = agreement(codes, ways, CLASSES, num_codes, seed)
    groups = movement_groups(context.transitions.player, num_codes, seed)
    figures = {
        "agreement": movement["balanced"],
        "majority": movement["majority"],
        "ceiling": agreement(groups, ways, CLASSES, num_codes, seed)["balanced"],
        "movement": movement,
        "horizontal": agreement(codes, ways // len(VERTICAL), HORIZONTAL, num_codes, seed),
    }
    for kind, name in NAMES.items():
        known = labels.get(kind)
        figures[name] = known and agreement(codes, *known, num_codes, seed)
    paired = paired_agreement(context.transitions, codes, num_codes, seed)
    return Measured({"control": figures}, paired)


def _rows(report: Report) -> Iterator[Row]:
    control, groups = report["control"], report["codes"]["actions_total"]
    ceiling = f"{share(control['ceiling'], 1)} for as many groups as codes ({groups})"
    yield Row(TITLES["movement"], _text(control["movement"]))
    yield Row("  true movement, grouped", ceiling)
    yield Row(TITLES["horizontal"], _text(control["horizontal"]))
    yield Row(TITLES["keys"], _text(control["keys"]))


def _text(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "no action files with keys beside the videos"
    if found["balanced"] is None:
        return "too little of it in these clips to tell"
    return (
        f"{found['balanced']:.1%} {share_band(found['balanced_interval'])} balanced over "
        f"{len(found['counts'])} classes, majority {found['majority']:.1%}"
    )


def _compared(report: Report) -> Iterator[Compared]:
    for part, title in TITLES.items():
        found = report["control"][part]
        if found is not None:
            yield Compared(title, number(found["balanced"], 3), f"codes against {part}")


def _tile(report: Report) -> Iterator[Tile]:
    control = report["control"]
    found = control["movement"]
    about = "Too little movement in these clips to tell."
    if found["balanced"] is not None:
        about = (
            f"Balanced accuracy of the latent code over {len(found['counts'])} movements. Chance "
            f"{share(found['majority'])}, true movement in as many groups "
            f"{share(control['ceiling'])}."
        )
    range_ = share_band(found["balanced_interval"]) if found["balanced_interval"] else ""
    yield Tile("Codes name the movement", share(found["balanced"]), "", range_, about)


AGREEMENT = Metric("codes against movement", _measure, rows=_rows, compared=_compared, tiles=_tile)
