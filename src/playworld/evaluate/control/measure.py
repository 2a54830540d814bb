"""Does the world do as it is told: delta PSNR, codes against what happened, and the buttons."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from jaxtyping import Float, Int, UInt8
from torch import Tensor

from playworld.evaluate.agreement import agreement, agreement_again
from playworld.evaluate.buttons import decides, describe_buttons, player_shifts
from playworld.evaluate.control.ceiling import movement_groups
from playworld.evaluate.control.directions import RealPresses, measure_directions
from playworld.evaluate.control.information import (
    EFFECTIVE,
    dictionary_accuracy,
    effective_keys,
    information_again,
    mutual_information,
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
class Happened:
    """What happened in every transition of held-out clips."""

    moved: Float[Tensor, "clips S 2"]
    """Displacements of the picture, pixels."""
    labels: dict[str, tuple[Int[Tensor, "clips S"], tuple[str, ...]]]
    """By what is told of a transition ("movement"; "keys" and "effective_keys" where they were
    written down): its class, and the names of the classes."""

    @staticmethod
    def of(held: HeldOut, camera: Camera) -> "Happened":
        """Found by registration, and read from the action files."""
        moved, keys = displacements(held.video, camera), pressed_keys(held)
        labels = {"movement": (movement_classes(moved, camera), CLASSES)}
        if keys is not None:
            labels["keys"] = keys
            merged = effective_keys(*keys, moved)
            if merged is not None:
                labels["effective_keys"] = (merged, EFFECTIVE)
        return Happened(moved, labels)


def measure_control(
    held: HeldOut,
    happened: Happened,
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
    moved, keys = happened.moved, happened.labels.get("keys")
    ways, _ = happened.labels["movement"]
    movement = agreement(codes, ways, CLASSES, len(buttons), seed)
    across = agreement(codes, ways // len(VERTICAL), HORIZONTAL, len(buttons), seed)
    groups = movement_groups(moved, len(buttons), seed)
    ceiling = agreement(groups, ways, CLASSES, len(buttons), seed)
    told = commands(held)
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
        if "effective_keys" not in happened.labels
        else agreement(codes, *happened.labels["effective_keys"], len(buttons), seed),
        "information": {
            name: mutual_information(codes, labels, len(buttons), len(names), seed)
            for name, (labels, names) in happened.labels.items()
        },
        "dictionary": {
            name: dictionary_accuracy(codes, labels, names, len(buttons), seed)
            for name, (labels, names) in happened.labels.items()
        },
        "steering": None if told is None else measure_steering(*told, codes, len(buttons), seed),
        "decides": decides(shifts),
        "buttons": describe_buttons(shifts, buttons, codes, moved, camera),
        "directions": measure_directions(shifts, buttons, real, presses, camera),
    }


def told_again(
    happened: Happened,
    codes: Int[Tensor, "clips S"],
    num_codes: int,
    information: Mapping[str, Mapping[str, Any] | None],
    seed: int,
) -> dict[str, Resampled]:
    """What codes tell of movement and keys, for comparing worlds: agreement, and bits above chance.

    `information` is that of the report. More codes tell more bits by chance alone.
    """
    across = happened.labels["movement"][0] // len(VERTICAL)
    found = {"codes against horizontal": agreement_again(codes, across, num_codes, seed)}
    for name, (labels, names) in happened.labels.items():
        found[f"codes against {name}"] = agreement_again(codes, labels, num_codes, seed)
        bits = information_again(codes, labels, num_codes, len(names), seed)
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
