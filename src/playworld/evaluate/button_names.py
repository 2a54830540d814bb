"""The name and the arrow of each button, from how far it moves the player."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from playworld.evaluate.buttons import PRESSES, player_shifts, press_each
from playworld.evaluate.intervals import percentiles, resamples
from playworld.evaluate.movement import HALF_PIXEL, Camera
from playworld.world import Button, World

NAMED = 0.2
"""Least share of the other direction's movement that a direction needs to be in the name: a jump
from a run drifts, and is a jump."""

ARROWS: dict[tuple[int, int], Literal["•", "→", "←", "↑", "↓", "↗", "↖", "↘", "↙"]] = {
    (0, 0): "•",
    (1, 0): "→",
    (-1, 0): "←",
    (0, -1): "↑",
    (0, 1): "↓",
    (1, -1): "↗",
    (-1, -1): "↖",
    (1, 1): "↘",
    (-1, 1): "↙",
}
"""Direction of the player (x right, y down) to arrow."""

WORDS = {-1: "left", 0: "", 1: "right"}
UPWARD: dict[Camera, str] = {"follows": "jump", "fixed": "up", "mixed": "up"}
"""Upward movement is a jump where the camera follows a character; an arm or a view moves up."""


@dataclass(frozen=True)
class Effect:
    """What one button does, in the player's directions: x right, y down."""

    button: Button
    shift: tuple[float, float]
    """Mean pixels per press."""
    consistency: float
    """Share of the starts from which the button does what its label says."""


def measure_buttons(
    world: World,
    prompts: UInt8[Tensor, "starts P H W C"],
    presses: int = PRESSES,
    seed: int = 0,
    camera: Camera = "follows",
) -> tuple[Button, ...]:
    """Measure a label and an arrow for every button of a world, to be stored in its config.

    Each button is pressed `presses` times from every prompt. `level_starts` selects prompts on the
    ground: in the air, every button falls.
    """
    shifts = player_shifts(press_each(world, prompts, presses, seed), camera)
    gravity = world.config.actions.gravity
    return tuple(effect.button for effect in name_effects(shifts, camera, gravity=gravity))


def name_effects(
    shifts: Float[Tensor, "buttons starts 2"],
    camera: Camera = "follows",
    seed: int = 0,
    codes: Int[Tensor, "..."] | None = None,
    gravity: bool = False,
) -> tuple[Effect, ...]:
    """Name each button after its mean shift.

    A direction counts if the mean over starts is at least half a pixel per press, its 95% interval
    leaves out zero, and it is not small beside the other direction (`NAMED`). Buttons of one
    direction are numbered, the strongest first and without a number, so that "right" is the button
    that moves furthest right. "stay" is the one that true video has most often, if its `codes` are
    given: others stand for what moves elsewhere in a view at rest, and not for a fall. With
    `gravity` whatever goes up is a jump.
    """
    used = torch.zeros(len(shifts)) if codes is None else _counts(codes, len(shifts))
    mean = shifts.mean(dim=1)
    directions = [_direction(shifts[button], seed) for button in range(len(shifts))]
    upward = "jump" if gravity else UPWARD[camera]
    labels = [_label(direction, upward) for direction in directions]
    strength = mean.norm(dim=1)
    effects = []
    for button, (label, direction) in enumerate(zip(labels, directions, strict=True)):
        rivals = [other for other in range(len(labels)) if labels[other] == label]
        stays = direction == (0, 0)
        rivals.sort(key=lambda b: (-used[b], strength[b]) if stays else -strength[b])
        rank = rivals.index(button)
        name = label if rank == 0 else f"{label} {rank + 1}"
        effects.append(
            Effect(
                Button(name, ARROWS[direction]),
                (mean[button, 0].item(), mean[button, 1].item()),
                _consistency(shifts[button], direction),
            )
        )
    return tuple(effects)


def arrow_buttons(buttons: Sequence[Button]) -> dict[str, int]:
    """The button for each arrow: of several the one whose name has no number."""
    shortest = sorted(range(len(buttons)), key=lambda number: len(buttons[number].label))
    return {buttons[number].arrow: number for number in reversed(shortest)}


def describe_buttons(
    shifts: Float[Tensor, "buttons starts 2"],
    stored: tuple[Button, ...],
    codes: Int[Tensor, "clips transitions"],
    player: Float[Tensor, "clips transitions 2"],
    camera: Camera = "follows",
    gravity: bool = False,
) -> list[dict[str, Any]]:
    """For the report: each button's stored label, what it does in play and stands for in video.

    `codes` are the latent actions found in true video and `player` the player's movement over the
    same transitions: good codes do not imply that play follows them.
    """
    rows = []
    for button, effect in enumerate(name_effects(shifts, camera, codes=codes, gravity=gravity)):
        meant = player[codes == button]
        rows.append(
            {
                "label": stored[button].label,
                "does": effect.button.label,
                "arrow": effect.button.arrow,
                "shift": list(effect.shift),
                "consistency": effect.consistency,
                "shift_in_video": meant.mean(dim=0).tolist() if len(meant) else None,
                "share_in_video": len(meant) / codes.numel(),
            }
        )
    return rows


def _counts(codes: Int[Tensor, "..."], buttons: int) -> Float[Tensor, " buttons"]:
    return torch.bincount(codes.flatten().cpu(), minlength=buttons).float()


def _direction(shifts: Float[Tensor, "starts 2"], seed: int) -> tuple[int, int]:
    """Signs of the mean shift along x and y, 0 where it is small or not sure."""
    means = shifts[resamples(len(shifts), seed)].mean(dim=1)
    mean = shifts.mean(dim=0).tolist()
    least = max(HALF_PIXEL, NAMED * max(map(abs, mean)))
    signs = []
    for axis in (0, 1):
        low, high = percentiles(means[:, axis])
        counts = (low > 0 or high < 0) and abs(mean[axis]) >= least
        signs.append(int(mean[axis] > 0) - int(mean[axis] < 0) if counts else 0)
    return signs[0], signs[1]


def _label(direction: tuple[int, int], upward: str) -> str:
    x, y = direction
    if direction == (0, 0):
        return "stay"
    return " ".join(word for word in ({-1: upward, 0: "", 1: "down"}[y], WORDS[x]) if word)


def _consistency(shifts: Float[Tensor, "starts 2"], direction: tuple[int, int]) -> float:
    """Share of the starts that move in every direction of the label, or in none for "stay"."""
    wanted = torch.tensor(direction, dtype=shifts.dtype)
    if direction == (0, 0):
        right = (shifts.abs() < HALF_PIXEL).all(dim=1)
    else:
        right = ((shifts * wanted >= HALF_PIXEL) | (wanted == 0)).all(dim=1)
    return right.float().mean().item()
