"""Left, right, jump and stay: the button for each, and how surely it works."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from playworld.evaluate.agreement import MIN_COUNT
from playworld.evaluate.heldout import pressed_keys, read_held_out
from playworld.evaluate.intervals import share_interval
from playworld.evaluate.movement import HALF_PIXEL, Camera, player_movements
from playworld.evaluate.starts import on_level
from playworld.world import Button, World

Direction = Literal["left", "right", "jump", "stay"]
DIRECTIONS: tuple[Direction, ...] = ("left", "right", "jump", "stay")

REAL_CLIPS = 256
"""Held-out clips that the real game's figures are taken from, at most."""

KEYS = {"left": "left", "right": "right", "jump": "up", "stay": "none"}
"""The word that the names of a game's keys have for a direction, as in "right-up"."""


@dataclass(frozen=True)
class RealPresses:
    """Presses in held-out video as true keys and as inferred codes, and the movement after them."""

    codes: Int[Tensor, "clips S"]
    keys: tuple[Int[Tensor, "clips S"], tuple[str, ...]] | None
    player: Float[Tensor, "clips S 2"]
    """Movements of the player, pixels."""


def real_presses(
    world: World,
    clips: Path,
    length: int,
    seed: int = 0,
    batch_size: int = 16,
    camera: Camera = "follows",
) -> RealPresses:
    """Presses of up to `REAL_CLIPS` held-out clips; more than are played, as they cost little."""
    held = read_held_out(clips, REAL_CLIPS, length, seed)
    codes = infer_codes(world, held.video, batch_size)
    return RealPresses(codes, pressed_keys(held), player_movements(held.video, camera))


def infer_codes(
    world: World, video: UInt8[Tensor, "clips T H W C"], batch_size: int = 16
) -> Int[Tensor, "clips S"]:
    """The latent actions of all clips, so many clips at a time."""
    return torch.cat([world.infer_actions(part).cpu() for part in video.split(batch_size)])


def goes(shifts: Float[Tensor, "*starts 2"], direction: Direction) -> Bool[Tensor, "*starts"]:
    """Whether the player moved that way: at least half a pixel per press, for stay less."""
    across, down = shifts[..., 0], shifts[..., 1]
    if direction == "stay":
        return (across.abs() < HALF_PIXEL) & (down.abs() < HALF_PIXEL)
    return {"left": -across, "right": across, "jump": -down}[direction] >= HALF_PIXEL


def best_buttons(shifts: Float[Tensor, "buttons starts 2"]) -> dict[Direction, int]:
    """The button that goes each way from most starts; of equals, the one that goes furthest.

    A start from which it goes across and up at once counts half: beside a walk to the right a jump
    to the right, which gets over walls, is the poorer way there, and it is the poorer jump.
    """
    found: dict[Direction, int] = {}
    both = goes(shifts, "jump") & (goes(shifts, "left") | goes(shifts, "right"))
    for direction in DIRECTIONS:
        share = (goes(shifts, direction) * (1 - 0.5 * both.float())).mean(dim=1)
        length = shifts.mean(dim=1).norm(dim=1)
        tie = -length if direction == "stay" else length
        # No shift is longer than the picture, and a share is a multiple of half a start.
        found[direction] = int((share + 1e-6 * tie).argmax())
    return found


def measure_directions(
    shifts: Float[Tensor, "buttons starts 2"],
    buttons: tuple[Button, ...],
    real: RealPresses,
    presses: int,
) -> dict[Direction, dict[str, Any]]:
    """For each direction its best button and the share of starts from which it goes that way.

    Beside it the real game: the same share over moments on level ground of held-out video at which
    the button's code comes up (`in_video`), or at which the true key goes down (`key_in_video`:
    what walls leave of it). Of such a moment the movement is the mean for as long as it lasted, at
    most `presses` transitions. None where there are fewer than `MIN_COUNT` of them.
    """
    rows: dict[Direction, dict[str, Any]] = {}
    for direction, button in best_buttons(shifts).items():
        works = goes(shifts[button], direction).float()
        rows[direction] = {
            "button": button,
            "label": buttons[button].label,
            "share": works.mean().item(),
            "share_interval": share_interval(works),
            "in_video": _in_video(real.codes == button, real.player, direction, presses),
            "key_in_video": None
            if real.keys is None
            else _in_video(_key_held(*real.keys, direction), real.player, direction, presses),
        }
    return rows


def _key_held(
    keys: Int[Tensor, "clips S"], names: tuple[str, ...], direction: Direction
) -> Bool[Tensor, "clips S"]:
    wanted = [number for number, name in enumerate(names) if KEYS[direction] in name.split("-")]
    return torch.isin(keys, torch.tensor(wanted, dtype=keys.dtype))


def _in_video(
    held: Bool[Tensor, "clips S"],
    player: Float[Tensor, "clips S 2"],
    direction: Direction,
    presses: int,
) -> float | None:
    """Share of the presses begun on level ground that went that way while they lasted."""
    begins = held & on_level(player)
    begins[:, 1:] &= ~held[:, :-1]
    clips, at = begins.nonzero(as_tuple=True)
    if len(clips) < MIN_COUNT:
        return None
    means = []
    for clip, k in zip(clips.tolist(), at.tolist(), strict=True):
        lasted = held[clip, k : k + presses].long().cumprod(dim=0).sum()
        means.append(player[clip, k : k + int(lasted)].mean(dim=0))
    return goes(torch.stack(means), direction).float().mean().item()
