"""Does the world do as it is told: delta PSNR, codes against what happened, and the buttons."""

from typing import Any

from jaxtyping import Float, Int, UInt8
from torch import Tensor

from playworld.evaluate.agreement import agreement
from playworld.evaluate.buttons import decides, describe_buttons, player_shifts
from playworld.evaluate.control.ceiling import movement_groups
from playworld.evaluate.control.directions import RealPresses, measure_directions
from playworld.evaluate.control.information import (
    EFFECTIVE,
    dictionary_accuracy,
    effective_keys,
    mutual_information,
)
from playworld.evaluate.control.steering import commands, measure_steering
from playworld.evaluate.heldout import HeldOut, pressed_keys
from playworld.evaluate.metrics import by_frame, psnr
from playworld.evaluate.movement import (
    CLASSES,
    HORIZONTAL,
    VERTICAL,
    Camera,
    movement_classes,
)
from playworld.evaluate.rollouts import Rollouts
from playworld.world import Button

HEADLINE_FRAME = 4
"""The generated frame at which the paper reads controllability."""


def measure_control(
    held: HeldOut,
    moved: Float[Tensor, "clips S 2"],
    rollouts: Rollouts,
    codes: Int[Tensor, "clips S"],
    pressed: UInt8[Tensor, "buttons starts K H W C"],
    real: RealPresses,
    buttons: tuple[Button, ...],
    camera: Camera,
    seed: int,
) -> dict[str, Any]:
    """Everything under `control` in the report.

    `codes` are the latent actions of all transitions of the held-out clips, `moved` the
    displacements of the picture over them, `pressed` the frames that follow when each button is
    held, `real` what was pressed in true video.
    """
    happened = movement_classes(moved, camera)
    movement = agreement(codes, happened, CLASSES, len(buttons), seed)
    across = agreement(codes, happened // len(VERTICAL), HORIZONTAL, len(buttons), seed)
    groups = movement_groups(moved, len(buttons), seed)
    ceiling = agreement(groups, happened, CLASSES, len(buttons), seed)
    keys = pressed_keys(held)
    labelled: dict[str, tuple[Tensor, tuple[str, ...]]] = {"movement": (happened, CLASSES)}
    if keys is not None:
        labelled["keys"] = keys
        merged = effective_keys(*keys, moved)
        if merged is not None:
            labelled["effective_keys"] = (merged, EFFECTIVE)
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
        "information": {
            name: mutual_information(codes, labels, len(buttons), len(names), seed)
            for name, (labels, names) in labelled.items()
        },
        "dictionary": {
            name: dictionary_accuracy(codes, labels, names, len(buttons), seed)
            for name, (labels, names) in labelled.items()
        },
        "steering": None if told is None else measure_steering(*told, codes, len(buttons), seed),
        "decides": decides(shifts),
        "buttons": describe_buttons(shifts, buttons, codes, moved, camera),
        "directions": measure_directions(shifts, buttons, real, presses, camera),
    }


def delta_psnr(rollouts: Rollouts, seed: int = 0) -> dict[str, dict[str, float | None]]:
    """Controllability by frame number: PSNR(x_t, x^_t) - PSNR(x_t, x'_t) (Genie, section 3).

    x^ follows the latent actions inferred from the true video, x' random ones. 0 dB for a world
    that ignores its actions.
    """
    gap = psnr(rollouts.inferred, rollouts.truth) - psnr(rollouts.random, rollouts.truth)
    return by_frame(gap, seed)


def answers(delta: dict[str, dict[str, float | None]]) -> bool | None:
    """Whether the buttons surely matter: the interval of delta PSNR at frame 4 lies above 0 dB.

    At the last frame where fewer were generated. None where one clip gives no interval.
    """
    low = delta[str(min(HEADLINE_FRAME, len(delta)))]["low"]
    return None if low is None else low > 0
