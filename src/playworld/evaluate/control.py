"""Does the world do as it is told: delta PSNR, codes against what happened, and the buttons."""

from typing import Any

from jaxtyping import Int, UInt8
from torch import Tensor

from playworld.evaluate.agreement import agreement
from playworld.evaluate.buttons import describe_buttons
from playworld.evaluate.heldout import HeldOut, pressed_keys
from playworld.evaluate.metrics import by_frame, psnr
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


def measure_control(
    held: HeldOut,
    rollouts: Rollouts,
    codes: Int[Tensor, "clips S"],
    pressed: UInt8[Tensor, "buttons starts K H W C"],
    buttons: tuple[Button, ...],
    camera: Camera,
    seed: int,
) -> dict[str, Any]:
    """Everything under `control` in the report.

    `codes` are the latent actions of all transitions of the held-out clips, `pressed` the frames
    that follow when each button is held.
    """
    moved = displacements(held.video)
    happened = movement_classes(moved, camera)
    movement = agreement(codes, happened, CLASSES, len(buttons), seed)
    across = agreement(codes, happened // len(VERTICAL), HORIZONTAL, len(buttons), seed)
    keys = pressed_keys(held)
    delta = delta_psnr(rollouts, seed)
    return {
        "delta_psnr": delta,
        "answers": answers(delta),
        "agreement": movement["balanced"],
        "majority": movement["majority"],
        "movement": movement,
        "horizontal": across,
        "keys": None if keys is None else agreement(codes, *keys, len(buttons), seed),
        "buttons": describe_buttons(pressed, buttons, codes, moved, camera),
    }


def delta_psnr(rollouts: Rollouts, seed: int = 0) -> dict[str, dict[str, float | None]]:
    """Controllability by frame number: PSNR(x_t, x^_t) - PSNR(x_t, x'_t) (Genie, section 3).

    x^ follows the latent actions inferred from the true video, x' random ones. 0 dB for a world
    that ignores its actions.
    """
    gap = psnr(rollouts.inferred, rollouts.truth) - psnr(rollouts.random, rollouts.truth)
    return by_frame(gap, seed)


def answers(delta: dict[str, dict[str, float | None]]) -> bool:
    """Whether the buttons surely matter: the interval of delta PSNR at frame 4 lies above 0 dB.

    At the last frame where fewer were generated.
    """
    low = delta[str(min(HEADLINE_FRAME, len(delta)))]["low"]
    return low is not None and low > 0
