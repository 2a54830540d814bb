"""Everything that a world generates for an evaluation: clips, buttons, round trips, long play."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from playworld.evaluate.buttons import PRESSES, name_effects, player_shifts, press_each
from playworld.evaluate.clip_rollouts import ClipRollouts, roll_out_clips, roll_out_controls
from playworld.evaluate.control.directions import RealPresses, best_buttons, real_presses
from playworld.evaluate.control.reversibility import RoundTrip, opposite_pairs, play_round_trips
from playworld.evaluate.heldout import HeldOut
from playworld.evaluate.longplay import LongPlay, held_buttons, play_long, recorded_buttons
from playworld.evaluate.movement import Camera
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.starts import Starts, level_starts
from playworld.world import SamplerConfig, World


@dataclass(frozen=True)
class Generated:
    """Everything that a world generated; all figures are computed from it."""

    clips: ClipRollouts
    controls: dict[str, UInt8[Tensor, "some frames H W C"]]
    """The first clips with actions that are wrong in a known way."""
    starts: Starts
    """Where the buttons were tried."""
    pressed: UInt8[Tensor, "buttons starts K H W C"]
    """The frames that follow when each button is held."""
    trips: list[RoundTrip]
    real: RealPresses
    """The same in true video."""
    sides: dict[str, int]
    """The buttons for left and right."""
    jump: int
    """The button for jump."""
    long: dict[str, LongPlay]
    """By whose moves were played."""


@torch.inference_mode()
def generate(
    world: World,
    clips: Path,
    held: HeldOut,
    options: EvaluateOptions,
    camera: Camera,
    sampler: SamplerConfig,
    progress: Callable[[int, str], None],
) -> Generated:
    """Generate everything: held-out clips, buttons one by one, round trips, long play."""
    seed, num_clips = options.seed, len(held.video)
    rollouts = roll_out_clips(
        world, held, options, sampler, lambda done: progress(done, "rollouts")
    )
    controls = roll_out_controls(world, rollouts, options, sampler)
    progress(num_clips, "buttons")
    wanted = max(options.button_starts, options.long_rollouts)
    enough = level_starts(clips, wanted, options.prompt_frames, seed)
    starts = enough.first(options.button_starts)
    pressed = press_each(world, starts.video, PRESSES, seed, sampler)
    shifts = player_shifts(pressed, camera)
    pairs = opposite_pairs(name_effects(shifts, camera))
    away = starts.video[: options.return_starts]
    trips = play_round_trips(world, away, pairs, options.away, seed, sampler)
    real = real_presses(world, clips, options.length, seed, options.batch_size, camera)
    best = best_buttons(shifts)
    sides = {"left": best["left"], "right": best["right"]}
    long = _play_long(
        world,
        enough.video[: options.long_rollouts],
        real.codes,
        sides,
        options,
        camera,
        sampler,
        lambda done: progress(num_clips + options.button_starts + done, "long play"),
    )
    return Generated(rollouts, controls, starts, pressed, trips, real, sides, best["jump"], long)


def _play_long(
    world: World,
    starts: UInt8[Tensor, "starts P H W C"],
    codes: Int[Tensor, "clips S"],
    sides: dict[str, int],
    options: EvaluateOptions,
    camera: Camera,
    sampler: SamplerConfig,
    progress: Callable[[int], None],
) -> dict[str, LongPlay]:
    """With "random" buttons, and with those "recorded" in true video."""
    length, seed = options.long_frames, options.seed
    if not len(starts):
        return {}
    moves = {
        "random": held_buttons(len(starts), length, world.num_actions, seed),
        "recorded": recorded_buttons(codes, len(starts), length, seed),
    }

    def play(turn: int, buttons: Tensor) -> LongPlay:
        return play_long(
            world,
            starts,
            buttons,
            sides,
            seed,
            options.batch_size,
            camera,
            sampler,
            lambda done: progress(turn * len(starts) + done),
        )

    return {name: play(turn, moves[name]) for turn, name in enumerate(moves)}
