"""Planning inside a world: which buttons lead from one picture to another?

The cross-entropy method: sequences of buttons are drawn, played in the world as rows of one batch,
and the next are drawn as the best of them were. A world is a pure function of its state and the
buttons, so within it a plan gives exactly the frames of the search: no step is planned again.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn.functional import one_hot

from playworld.agents.options import PlannerOptions
from playworld.models.pixels import to_float
from playworld.world import SamplerConfig, World, WorldState


@dataclass(frozen=True)
class ButtonPlan:
    """The best way to the goal that was found."""

    buttons: tuple[int, ...]
    """To press one after the other; none where the start is the closest."""
    frames: UInt8[Tensor, "K H W 3"]
    """The start and what follows each press; the last is closest to the goal."""
    distance: float
    """Of the last frame from the goal: see `distances`."""
    best: tuple[float, ...]
    """The least distance found after each round."""


def make_plan(
    world: World,
    prompt: UInt8[Tensor, "P H W 3"],
    goal: UInt8[Tensor, "H W 3"],
    options: PlannerOptions | None = None,
) -> ButtonPlan:
    """Look for the buttons that lead from the prompt's last frame to the goal picture.

    Raises:
        InputError: if the pictures are not of the world's size.
    """
    options = options or PlannerOptions()
    first, state = world.start(prompt[None], [options.seed])
    target = world.reconstruct(goal[None, None])[0, 0].cpu()  # no frame of a world is sharper
    start = first.cpu()
    chances = torch.full((options.choices, world.num_actions), 1 / world.num_actions)
    generator = torch.Generator().manual_seed(options.seed)
    found = ButtonPlan((), start, float(distances(start, target)), ())
    for _ in range(options.rounds):
        chosen = draw(chances, options.candidates, generator)
        presses = chosen.repeat_interleave(options.hold, dim=1)[:, : options.horizon]
        frames = futures(world, state, presses, world.sampler(options.steps))
        far, at = distances(frames, target).min(dim=1)
        best = int(far.argmin())
        if far[best] < found.distance:
            end = int(at[best]) + 1
            way = torch.cat([start, frames[best, :end]])
            found = ButtonPlan(
                tuple(presses[best, :end].tolist()), way, float(far[best]), found.best
            )
        found = replace(found, best=(*found.best, found.distance))
        elites = chosen[far.topk(options.kept, largest=False).indices]
        share = one_hot(elites, world.num_actions).float().mean(dim=0)
        chances = options.smoothing * chances + (1 - options.smoothing) * share
    return found


def draw(
    chances: Float[Tensor, "choices A"], count: int, generator: torch.Generator
) -> Int[Tensor, "count choices"]:
    """Sequences, each choice by itself."""
    return torch.multinomial(chances, count, replacement=True, generator=generator).T


def futures(
    world: World,
    state: WorldState,
    presses: Int[Tensor, "N K"],
    sampler: SamplerConfig | None = None,
) -> UInt8[Tensor, "N K H W 3"]:
    """What follows one state for each of N sequences of buttons.

    Sequences that begin alike share their first frames, which are computed once.
    """
    frames, row = [], torch.zeros(len(presses), dtype=torch.long)
    for k in range(presses.shape[1]):
        pairs = torch.stack([row, presses[:, k]], dim=1)
        different, row = torch.unique(pairs, dim=0, return_inverse=True)
        branches = state.rows(different[:, 0])
        pictures, state = world.step(branches, different[:, 1], sampler, in_place=True)
        frames.append(pictures.cpu()[row])
    return torch.stack(frames, dim=1)


def distances(
    frames: UInt8[Tensor, "*N H W 3"], goal: UInt8[Tensor, "H W 3"]
) -> Float[Tensor, "*N"]:
    """Mean squared difference from the goal, of values in [0, 1]."""
    return (to_float(frames) - to_float(goal)).square().mean(dim=(-3, -2, -1))
