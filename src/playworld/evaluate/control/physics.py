"""Physics that a player relies on: jumps land, held buttons do no harm, a long walk goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from playworld.evaluate.image_stats import RealImageStats
from playworld.evaluate.metrics import interval, share_interval
from playworld.evaluate.movement import HALF_PIXEL, Camera, displacements
from playworld.evaluate.rollouts import press
from playworld.world import SamplerConfig, World, WorldState

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
BATCH_SIZE = 16
"""Starts played as one batch."""


@dataclass(frozen=True)
class _Play:
    """One world and how it is played."""

    world: World
    camera: Camera
    seed: int
    sampler: SamplerConfig

    def start(self, starts: UInt8[Tensor, "B P H W C"]) -> tuple[Tensor, WorldState]:
        """The prompt's last frame, and the state after it."""
        frame, state = self.world.start(starts, [self.seed + row for row in range(len(starts))])
        return frame.cpu(), state

    def run(
        self, starts: UInt8[Tensor, "B P H W C"], buttons: list[int]
    ) -> UInt8[Tensor, "B K H W C"]:
        """The prompt's last frame, and one for each of these buttons, pressed from every start."""
        parts = []
        for part in starts.split(BATCH_SIZE):
            frame, state = self.start(part)
            moves = torch.tensor(buttons).expand(len(part), -1)
            parts.append(
                torch.cat([frame[:, None], press(self.world, state, moves, self.sampler)], dim=1)
            )
        return torch.cat(parts)

    def moved(self, video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, "B S 2"]:
        """Movement of the character over each transition: pixels, x right and y up."""
        picture = displacements(video, self.camera)
        signs = (-1.0, 1.0) if self.camera == "follows" else (1.0, -1.0)
        return picture * torch.tensor(signs)


@torch.inference_mode()
def measure_physics(
    world: World,
    starts: UInt8[Tensor, "starts P H W C"],
    buttons: Mapping[str, int],
    real_stats: RealImageStats,
    camera: Camera,
    seed: int,
    sampler: SamplerConfig,
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
    """
    play = _Play(world, camera, seed, sampler)
    right, jump = buttons["right"], buttons["jump"]
    landing = {}
    for name, before in (("stand", []), ("run", [right] * RUN)):
        video = play.run(starts, before + [jump] * JUMP + [right] * LANDING)
        landing[name] = lands(play.moved(video)[:, len(before) :, 1], JUMP).float()
    up, across = (play.run(starts, [button] * HELD) for button in (jump, right))
    stays = [
        torch.tensor([real_stats.passes(frames) for frames in video]) for video in (up, across)
    ]
    held = {
        "jump": (comes_down(play.moved(up)[..., 1]) & stays[0]).float(),
        "right": stays[1].float(),
    }
    moving = _walk(play, starts[:WALKERS], right, jump)
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


def lands(rises: Float[Tensor, "B S"], jump: int) -> Bool[Tensor, " B"]:
    """Whether each jump, of the first `jump` transitions, ends on the ground before the last one.

    The character has to fall by `FALL` of what it has risen, and then to rest for `REST`
    transitions. Where it has not left the ground there is nothing to fall from.
    """
    height = rises.cumsum(dim=1)
    top = height.cummax(dim=1).values.clamp_min(0)
    fallen = (top - height >= FALL * top) | (top < HALF_PIXEL)
    rests = (rises.abs() < HALF_PIXEL).float().unfold(1, REST, 1).amin(dim=-1) > 0
    later = slice(max(jump, REST - 1), None)
    rests = torch.nn.functional.pad(rests, (REST - 1, 0))
    return (rests & fallen)[:, later].any(dim=1)


def comes_down(rises: Float[Tensor, "B S"]) -> Bool[Tensor, " B"]:
    """Whether the character falls by half of what it has risen at some time, if it rises at all."""
    height = rises.cumsum(dim=1)
    top = height.cummax(dim=1).values.clamp_min(0)
    return ((top - height) >= 0.5 * top).logical_and(top >= HALF_PIXEL).any(dim=1) | (
        top[:, -1] < HALF_PIXEL
    )


def _walk(
    play: _Play, starts: UInt8[Tensor, "B P H W C"], right: int, jump: int
) -> Float[Tensor, " B"]:
    """Frames in which each walk to the right moves; whoever stands still for `REST` jumps."""
    last, state = play.start(starts)
    stood: Int[Tensor, " B"] = torch.zeros(len(starts), dtype=torch.long)
    moving = torch.zeros(len(starts))
    for _ in range(WALK):
        stuck = stood >= REST
        frame, state = play.world.step(state, torch.where(stuck, jump, right), play.sampler)
        frame = frame.cpu()
        ahead = play.moved(torch.stack([last, frame], dim=1))[:, 0, 0] >= HALF_PIXEL
        moving += ahead
        # After as many presses of jump as a jump takes, right is tried again.
        stood = torch.where(ahead | (stood >= REST + JUMP), 0, stood + 1)
        last = frame
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
