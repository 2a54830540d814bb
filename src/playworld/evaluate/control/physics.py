"""Physics that a player relies on: jumps land, held buttons do no harm, a long walk goes on."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from playworld.evaluate.buttons import press_sequences
from playworld.evaluate.image_stats import RealImageStats
from playworld.evaluate.intervals import interval, share_interval
from playworld.evaluate.movement import HALF_PIXEL, Camera, displacements, player_movement
from playworld.world import SamplerConfig, World

RUN, JUMP, LANDING = 3, 3, 15
"""Presses of right before a jump from a run, of jump, and of right in which the jump has to end."""
HELD = 40
"""Presses of one button in a row."""
WALK, WALKERS = 100, 8
"""Presses of a long walk, and starts that it is tried from."""
REST = 3
"""Transitions in a row without vertical movement that count as ground: the top of a jump lasts one
or two."""
FALL = 0.25
"""Share of a jump's height by which the character has to fall again."""


@torch.inference_mode()
def measure_physics(
    world: World,
    starts: UInt8[Tensor, "starts P H W C"],
    buttons: Mapping[str, int],
    real_stats: RealImageStats,
    camera: Camera,
    seed: int,
    sampler: SamplerConfig,
    played: Callable[[int], None] = lambda frames: None,
) -> dict[str, Any]:
    """The report's `landing`, `held` and `walk`.

    Args:
        world: what is measured.
        starts: prompts with ground under the character.
        buttons: those for "right" and "jump".
        real_stats: ranges of real frames.
        camera: whether it follows the character.
        seed: of the sampler's noise.
        sampler: how frames are drawn.
        played: called with the number of frames generated so far.
    """
    right, jump = buttons["right"], buttons["jump"]
    sequences = _sequences(right, jump)
    stand, run, up, across = press_sequences(world, starts, sequences, seed, sampler, played)
    landing = {
        "stand": lands(_rises(stand, camera), JUMP).float(),
        "run": lands(_rises(run, camera)[:, RUN:], JUMP).float(),
    }
    stays = [
        torch.tensor([real_stats.passes(frames) for frames in video]) for video in (up, across)
    ]
    held = {
        "jump": (comes_down(_rises(up, camera)) & stays[0]).float(),
        "right": stays[1].float(),
    }
    before = len(starts) * sum(map(len, sequences))

    def walked(frames: int) -> None:
        played(before + frames)

    moving = _walk(world, starts[:WALKERS], right, jump, camera, seed, sampler, walked)
    return {
        "landing": _shares(landing),
        "held": _shares(held),
        "walk": {
            "moving_frames": moving.mean().item(),
            "interval": interval(moving, seed, (0.0, WALK)),
            "least": moving.min().item(),
            "presses": WALK,
            "starts": len(moving),
        },
    }


def frames_played(starts: int) -> int:
    """Frames that `measure_physics` plays."""
    return starts * sum(map(len, _sequences(0, 0))) + min(starts, WALKERS) * WALK


def _sequences(right: int, jump: int) -> tuple[list[int], ...]:
    """Jumps from a stand and from a run, and two buttons held."""
    leap = [jump] * JUMP + [right] * LANDING
    return leap, [right] * RUN + leap, [jump] * HELD, [right] * HELD


def _rises(video: UInt8[Tensor, "B T H W C"], camera: Camera) -> Float[Tensor, "B S"]:
    """How far the character goes up in each transition, pixels."""
    return -player_movement(displacements(video, camera), camera)[..., 1]


def _falls(rises: Float[Tensor, "B S"]) -> tuple[Float[Tensor, "B S"], Float[Tensor, "B S"]]:
    """How far it is below the highest point so far, and how high that is above the start."""
    height = rises.cumsum(dim=1)
    top = height.cummax(dim=1).values.clamp_min(0)
    return top - height, top


def lands(rises: Float[Tensor, "B S"], jump: int) -> Bool[Tensor, " B"]:
    """Whether each jump, of the first `jump` transitions, ends on the ground before the last one.

    The character has to fall by `FALL` of what it has risen, and then to rest for `REST`
    transitions. Where it has not left the ground there is nothing to fall from.
    """
    below, top = _falls(rises)
    fallen = (below >= FALL * top) | (top < HALF_PIXEL)
    rests = (rises.abs() < HALF_PIXEL).float().unfold(1, REST, 1).amin(dim=-1) > 0
    later = slice(max(jump, REST - 1), None)
    rests = torch.nn.functional.pad(rests, (REST - 1, 0))
    return (rests & fallen)[:, later].any(dim=1)


def comes_down(rises: Float[Tensor, "B S"]) -> Bool[Tensor, " B"]:
    """Whether the character falls by half of what it has risen at some time, if it rises at all."""
    below, top = _falls(rises)
    rose = top >= HALF_PIXEL
    return ((below >= 0.5 * top) & rose).any(dim=1) | ~rose[:, -1]


def _walk(
    world: World,
    starts: UInt8[Tensor, "B P H W C"],
    right: int,
    jump: int,
    camera: Camera,
    seed: int,
    sampler: SamplerConfig,
    played: Callable[[int], None],
) -> Float[Tensor, " B"]:
    """Frames in which each walk to the right moves; whoever stands still for `REST` jumps."""
    last, state = world.start(starts, [seed + row for row in range(len(starts))])
    last = last.cpu()
    stood: Int[Tensor, " B"] = torch.zeros(len(starts), dtype=torch.long)
    moving = torch.zeros(len(starts))
    for k in range(WALK):
        stuck = stood >= REST
        frame, state = world.step(state, torch.where(stuck, jump, right), sampler)
        frame = frame.cpu()
        moved = displacements(torch.stack([last, frame], dim=1), camera)
        ahead = player_movement(moved, camera)[:, 0, 0] >= HALF_PIXEL
        moving += ahead
        # After as many presses of jump as a jump takes, right is tried again.
        stood = torch.where(ahead | (stood >= REST + JUMP), 0, stood + 1)
        last = frame
        played((k + 1) * len(starts))
    return moving


def _shares(found: Mapping[str, Float[Tensor, " starts"]]) -> dict[str, Any]:
    every = torch.cat(list(found.values()))
    parts = {
        name: {"share": part.mean().item(), "interval": share_interval(part)}
        for name, part in found.items()
    }
    return {
        "share": every.mean().item(),
        "interval": share_interval(every),
        "starts": len(every) // len(found),
        **parts,
    }
