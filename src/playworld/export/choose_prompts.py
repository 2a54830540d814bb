"""Prompts from which play begins well: on open ground, where the first press moves."""

from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from playworld.config import InputError
from playworld.evaluate.button_names import arrow_buttons
from playworld.evaluate.buttons import player_shifts, press_each
from playworld.evaluate.heldout import read_held_out
from playworld.evaluate.movement import HALF_PIXEL, Camera, camera_of, player_movements
from playworld.world.world import World

STEPS = 3
"""Steps of open ground on either side: transitions of the video before and after a prompt."""
CLIPS, LENGTH = 400, 16
"""Held-out clips that are looked at, and their frames: each gives its best moment."""
CANDIDATES = 48
"""Of these, how many are tried: those with the most open ground."""
TRIED = 2
"""Presses of each button from each of them."""
SIDES = {"→": 1.0, "←": -1.0}
"""The buttons that a player presses first, and where they lead (x right)."""


def open_starts(world: World, clips: Path, count: int) -> UInt8[Tensor, "count H W C"] | None:
    """Held-out frames from which right and left can be walked, the ones that look least alike.

    In the video the player came from one side and walked on to the other; in the world a first
    press of either button moves. Where too few frames are like that, the nearest to it fill up.
    None for a world without a button for right or left.
    """
    if not _sides(world):
        return None
    try:
        video = read_held_out(clips, CLIPS, LENGTH, seed=0).video
    except InputError:
        video = read_held_out(clips, CLIPS, LENGTH, seed=0, split="train").video
    camera = camera_of(video[:CANDIDATES])
    walked, moment = walks(player_movements(video, camera)).max(dim=1)
    widest = walked.argsort(descending=True, stable=True)[:CANDIDATES]
    frames = video[widest, moment[widest]]
    openness = walked[widest] + freedom(world, frames, camera)
    best = openness.argsort(descending=True, stable=True)
    enough = int((openness >= openness.max() - 0.25).sum())
    return _unlike(frames[best[: max(count, enough)]], count)


def walks(moved: Float[Tensor, "clips S 2"]) -> Float[Tensor, "clips T"]:
    """For each frame, the share of the `STEPS` before and after it that walk one and the same way.

    A step walks that goes neither up nor down; frames nearer than `STEPS` to an end have none.
    """
    level = moved[..., 1].abs() < HALF_PIXEL
    ways = [level & (sign * moved[..., 0] >= HALF_PIXEL) for sign in (1, -1)]
    around = torch.stack(ways).float().unfold(2, 2 * STEPS, 1).mean(dim=3).amax(dim=0)
    return torch.nn.functional.pad(around, (STEPS, STEPS))


def freedom(
    world: World, frames: UInt8[Tensor, "starts H W C"], camera: Camera = "follows", seed: int = 0
) -> Float[Tensor, " starts"]:
    """Share of the presses of right and left that move the player that way, of `TRIED` of each."""
    sides = _sides(world)
    played = press_each(world, frames[:, None], TRIED, seed, buttons=list(sides))
    ways = torch.tensor(list(sides.values()))[:, None]
    steps = [player_shifts(played[:, :, k : k + 2], camera)[..., 0] * ways for k in range(TRIED)]
    return (torch.stack(steps) >= HALF_PIXEL).float().mean(dim=(0, 1))


def _sides(world: World) -> dict[int, float]:
    """The buttons for right and left, and where they lead."""
    buttons = arrow_buttons(world.buttons)
    return {buttons[arrow]: way for arrow, way in SIDES.items() if arrow in buttons}


def _unlike(frames: UInt8[Tensor, "N H W C"], count: int) -> UInt8[Tensor, "count H W C"]:
    """The first frame, then always the one that differs most from those chosen already."""
    flat = frames.flatten(1).float()
    chosen = [0]
    nearest = torch.full((len(frames),), torch.inf)
    for _ in range(count - 1):
        nearest = nearest.minimum((flat - flat[chosen[-1]]).abs().mean(dim=1))
        chosen.append(int(nearest.argmax()))
    return frames[chosen]
