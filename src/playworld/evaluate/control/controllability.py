"""Controllability: delta PSNR, latent codes against labels of transitions, and the buttons."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from jaxtyping import Float, Int, UInt8
from torch import Tensor

from playworld.evaluate.agreement import agreement, resampled_agreement
from playworld.evaluate.buttons import decides, describe_buttons, player_shifts
from playworld.evaluate.control.ceiling import movement_groups
from playworld.evaluate.control.directions import RealPresses, measure_directions
from playworld.evaluate.control.information import (
    EFFECTIVE,
    dictionary_accuracy,
    effective_keys,
    mutual_information,
    resampled_information,
)
from playworld.evaluate.control.steering import commands, measure_steering
from playworld.evaluate.heldout import HeldOut, pressed_keys
from playworld.evaluate.metrics import PSNR_BOUNDS, Resampled, by_frame, gap_of, psnr
from playworld.evaluate.movement import (
    CLASSES,
    HORIZONTAL,
    VERTICAL,
    Camera,
    displacements,
    movement_classes,
)
from playworld.evaluate.rollouts import Rollouts
from playworld.world import Button

HEADLINE_FRAME = 4
"""The generated frame at which the paper reads controllability."""


@dataclass(frozen=True)
class TransitionLabels:
    """Labels of every transition of held-out clips."""

    moved: Float[Tensor, "clips S 2"]
    """Displacements of the picture, pixels."""
    labels: dict[str, tuple[Int[Tensor, "clips S"], tuple[str, ...]]]
    """By kind ("movement"; "keys" and "effective_keys" where keys were recorded): classes, and the
    names of the classes."""

    @staticmethod
    def of(held: HeldOut, camera: Camera) -> "TransitionLabels":
        """Found by registration, and read from the action files."""
        moved, keys = displacements(held.video, camera), pressed_keys(held)
        labels = {"movement": (movement_classes(moved, camera), CLASSES)}
        if keys is not None:
            labels["keys"] = keys
            merged = effective_keys(*keys, moved)
            if merged is not None:
                labels["effective_keys"] = (merged, EFFECTIVE)
        return TransitionLabels(moved, labels)


def measure_control(
    held: HeldOut,
    transitions: TransitionLabels,
    rollouts: Rollouts,
    codes: Int[Tensor, "clips S"],
    pressed: UInt8[Tensor, "buttons starts K H W C"],
    real: RealPresses,
    buttons: tuple[Button, ...],
    camera: Camera,
    seed: int,
) -> dict[str, Any]:
    """Everything under `control` in the report.

    `codes` are the latent actions of all transitions of the held-out clips, `pressed` the frames
    that follow when each button is held, `real` what was pressed in true video.
    """
    moved, keys = transitions.moved, transitions.labels.get("keys")
    ways, _ = transitions.labels["movement"]
    movement = agreement(codes, ways, CLASSES, len(buttons), seed)
    across = agreement(codes, ways // len(VERTICAL), HORIZONTAL, len(buttons), seed)
    groups = movement_groups(moved, len(buttons), seed)
    ceiling = agreement(groups, ways, CLASSES, len(buttons), seed)
    commanded = commands(held)
    shifts, presses = player_shifts(pressed, camera), pressed.shape[2] - 1
    delta = delta_psnr(rollouts, seed)
    return {
        "delta_psnr": delta,
        "answers": answers(delta),
        "agreement": movement["balanced"],
        "majority": movement["majority"],
        "ceiling": ceiling["balanced"],
        "movement": movement,
        "horizontal": across,
        "keys": None if keys is None else agreement(codes, *keys, len(buttons), seed),
        "effective": None
        if "effective_keys" not in transitions.labels
        else agreement(codes, *transitions.labels["effective_keys"], len(buttons), seed),
        "information": {
            name: mutual_information(codes, labels, len(buttons), len(names), seed)
            for name, (labels, names) in transitions.labels.items()
        },
        "dictionary": {
            name: dictionary_accuracy(codes, labels, names, len(buttons), seed)
            for name, (labels, names) in transitions.labels.items()
        },
        "steering": None
        if commanded is None
        else measure_steering(*commanded, codes, len(buttons), seed),
        "decides": decides(shifts),
        "buttons": describe_buttons(shifts, buttons, codes, moved, camera),
        "directions": measure_directions(shifts, buttons, real, presses, camera),
    }


def resampled_codes(
    transitions: TransitionLabels,
    codes: Int[Tensor, "clips S"],
    num_codes: int,
    information: Mapping[str, Mapping[str, Any] | None],
    seed: int,
) -> dict[str, Resampled]:
    """Agreement of codes with labels and bits above chance, resampled for comparing worlds.

    `information` is that of the report. More codes have more bits by chance alone.
    """
    across = transitions.labels["movement"][0] // len(VERTICAL)
    found = {"codes against horizontal": resampled_agreement(codes, across, num_codes, seed)}
    for name, (labels, names) in transitions.labels.items():
        found[f"codes against {name}"] = resampled_agreement(codes, labels, num_codes, seed)
        bits = resampled_information(codes, labels, num_codes, len(names), seed)
        known = information[name]
        if bits and known:
            found[f"bits about {name}"] = replace(bits, value=bits.value - known["chance"])
    return {name: again for name, again in found.items() if again is not None}


def delta_psnr(rollouts: Rollouts, seed: int = 0) -> dict[str, dict[str, float | None]]:
    """Controllability by frame number: PSNR(x_t, x^_t) - PSNR(x_t, x'_t) (Genie, section 3).

    x^ follows the latent actions inferred from the true video, x' random ones. 0 dB for a world
    that ignores its actions.
    """
    gap = psnr(rollouts.inferred, rollouts.truth) - psnr(rollouts.random, rollouts.truth)
    return by_frame(gap, seed, gap_of(PSNR_BOUNDS))


def answers(delta: dict[str, dict[str, float | None]]) -> bool | None:
    """Whether the buttons surely matter: the interval of delta PSNR at frame 4 lies above 0 dB.

    At the last frame where fewer were generated. None where one clip gives no interval.
    """
    low = delta[str(min(HEADLINE_FRAME, len(delta)))]["low"]
    return None if low is None else low > 0
