"""What each button does: presses from many starts, and how far the player moves."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from playworld.evaluate.movement import Camera, player_movements
from playworld.evaluate.rollouts import press
from playworld.world import SamplerConfig, World

PRESSES = 4
"""Presses of a button in a row when it is measured."""
BATCH_SIZE = 16
"""Starts played as one batch."""


def press_each(
    world: World,
    prompts: UInt8[Tensor, "starts P H W C"],
    presses: int = PRESSES,
    seed: int = 0,
    sampler: SamplerConfig | None = None,
    buttons: Sequence[int] | None = None,
    played: Callable[[int], None] = lambda frames: None,
) -> UInt8[Tensor, "buttons starts K H W C"]:
    """Every button (or these alone) pressed `presses` times from every start, frame 0 of K."""
    chosen = range(world.num_actions) if buttons is None else buttons
    held = [[button] * presses for button in chosen]
    return torch.stack(press_sequences(world, prompts, held, seed, sampler, played))


def press_sequences(
    world: World,
    prompts: UInt8[Tensor, "starts P H W C"],
    sequences: Sequence[Sequence[int]],
    seed: int = 0,
    sampler: SamplerConfig | None = None,
    played: Callable[[int], None] = lambda frames: None,
) -> list[UInt8[Tensor, "starts _ H W C"]]:
    """For each sequence of buttons the frames from every start: its own, then one per press.

    `played` is called with the number of frames generated so far.
    """
    count = 0
    parts: list[list[Tensor]] = [[] for _ in sequences]
    for first in range(0, len(prompts), BATCH_SIZE):
        part = prompts[first : first + BATCH_SIZE]
        frames, state = world.start(part, [seed + first + row for row in range(len(part))])
        for sequence, made in zip(sequences, parts, strict=True):
            after = press(world, state, torch.tensor(sequence).expand(len(part), -1), sampler)
            made.append(torch.cat([frames.cpu()[:, None], after], dim=1))
            count += len(part) * len(sequence)
            played(count)
    return [torch.cat(made) for made in parts]


def player_shifts(
    played: UInt8[Tensor, "buttons starts K H W C"], camera: Camera = "follows"
) -> Float[Tensor, "buttons starts 2"]:
    """Pixels per press by which the player moved, averaged over the presses from each start."""
    player = player_movements(played.flatten(0, 1), camera).mean(dim=1)
    return player.reshape(*played.shape[:2], 2)


def decides(shifts: Float[Tensor, "buttons starts 2"]) -> float | None:
    """Share of the variance of all shifts that the button explains.

    1 where a button does the same from every start, 0 where starts decide and buttons do nothing;
    None where nothing moves.
    """
    mean = shifts.mean(dim=(0, 1))
    total = (shifts - mean).square().sum()
    between = (shifts.mean(dim=1) - mean).square().sum() * shifts.shape[1]
    return (between / total).item() if total > 0 else None
