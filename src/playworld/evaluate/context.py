"""What every metric is measured on: a world, held-out clips, and what it played along them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from playworld.evaluate.buttons import PRESSES, player_shifts, press_each
from playworld.evaluate.clip_rollouts import ClipRollouts, roll_out_clips
from playworld.evaluate.directions import (
    Direction,
    RealPresses,
    best_buttons,
    real_presses,
)
from playworld.evaluate.fidelity.embeddings import I3D, Embedding, RandomFeatures
from playworld.evaluate.fidelity.perceptual import LPIPS
from playworld.evaluate.heldout import HeldOut
from playworld.evaluate.image_stats import RealImageStats, real_image_stats
from playworld.evaluate.movement import Camera, camera_of
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.rollouts import Rollouts
from playworld.evaluate.starts import Starts, level_starts
from playworld.evaluate.transitions import TransitionLabels
from playworld.progress import Progress
from playworld.world import SamplerConfig, World

Played = Callable[[int], None]
"""Called with the number of frames that a part of the evaluation has played so far."""


def shared_frames(options: EvaluateOptions, buttons: int) -> dict[str, int]:
    """Frames that are played once for all metrics, by what the progress calls them."""
    return {
        "rollouts": 2 * options.num_clips * options.horizon,
        "buttons": options.button_starts * buttons * PRESSES,
    }


def parts(progress: Progress, frames: Mapping[str, int]) -> Callable[[str], Played]:
    """Progress over parts that play so many frames each, one after the other.

    Calling what is returned with a part's name begins the part.
    """
    ends = dict(zip(frames, accumulate(frames.values()), strict=True))

    def begin(name: str) -> Played:
        def played(done: int) -> None:
            left = max(0, frames[name] - done)
            progress(ends[name] - left, max(1, sum(frames.values())), name)

        played(0)
        return played

    return begin


@dataclass(frozen=True)
class Networks:
    """What fidelity is measured with, loaded first: a bad file fails before anything is played."""

    embeddings: tuple[Embedding, ...]
    lpips: LPIPS | None

    @staticmethod
    def load(options: EvaluateOptions, device: torch.device) -> "Networks":
        """The networks that these options name, and the one that needs no file."""
        named = () if options.i3d is None else (I3D(options.i3d, device),)
        lpips = None if options.lpips is None else LPIPS(options.lpips, device)
        return Networks((*named, RandomFeatures(device)), lpips)


@dataclass(frozen=True)
class Tried:
    """What every button does: it is named by this, and measured on it."""

    starts: Starts
    """Held-out moments, on level ground as far as there is any."""
    pressed: UInt8[Tensor, "buttons tried K H W C"]
    """The frames that follow from the first of them when each button is held."""


def try_buttons(
    world: World,
    clips: Path,
    options: EvaluateOptions,
    sampler: SamplerConfig | None = None,
    played: Played = lambda frames: None,
) -> Tried:
    """Press every button, from `options.button_starts` of as many starts as long play needs.

    Raises:
        InputError: where CLIPS has no held-out scene of that length.
    """
    wanted = max(options.button_starts, options.long_rollouts)
    starts = level_starts(clips, wanted, options.prompt_frames, options.seed)
    first = starts.first(options.button_starts).video
    pressed = press_each(world, first, PRESSES, options.seed, sampler, played=played)
    return Tried(starts, pressed)


@dataclass(frozen=True)
class Context:
    """One evaluation: its inputs, and what several metrics are computed from."""

    world: World
    clips: Path
    options: EvaluateOptions
    held: HeldOut
    """The clips that are played along."""
    others: HeldOut
    """Real clips that nothing is played along."""
    networks: Networks
    sampler: SamplerConfig
    camera: Camera
    played: ClipRollouts
    starts: Starts
    """As many as buttons or long play need, whichever needs more."""
    pressed: UInt8[Tensor, "buttons starts K H W C"]
    """The frames that follow when each button is held."""
    shifts: Float[Tensor, "buttons starts 2"]
    """Pixels per press by which each button moved the player."""
    best: dict[Direction, int]
    """The button for each direction."""
    real: RealPresses
    """What was pressed in true video."""
    transitions: TransitionLabels
    real_stats: RealImageStats
    figures: dict[str, Any] = field(default_factory=dict)
    """What the metrics before this one have found."""
    advance: Played = lambda done: None
    """Takes the frames that this metric has played so far."""

    @property
    def seed(self) -> int:
        """Chooses random actions, sampler noise and bootstrap."""
        return self.options.seed

    @property
    def rollouts(self) -> Rollouts:
        """The held-out clips as they were and as the world continued them."""
        return self.played.rollouts

    @property
    def button_starts(self) -> Starts:
        """Where the buttons were tried."""
        return self.starts.first(self.options.button_starts)

    @property
    def sides(self) -> dict[str, int]:
        """The buttons for left and right."""
        return {"left": self.best["left"], "right": self.best["right"]}


def prepare(
    world: World,
    clips: Path,
    options: EvaluateOptions,
    held: HeldOut,
    others: HeldOut,
    networks: Networks,
    begin: Callable[[str], Played],
    tried: Tried | None = None,
) -> Context:
    """Play what several metrics look at: the held-out clips, and every button not yet tried."""
    seed = options.seed
    sampler = world.sampler(options.steps, options.temperature, options.order)
    camera = camera_of(held.video) if options.camera == "auto" else options.camera
    played = begin("rollouts")
    rollouts = roll_out_clips(
        world, held, options, sampler, lambda clips: played(2 * clips * options.horizon)
    )
    played = begin("buttons")
    tried = tried or try_buttons(world, clips, options, sampler, played)
    shifts = player_shifts(tried.pressed, camera)
    return Context(
        world,
        clips,
        options,
        held,
        others,
        networks,
        sampler,
        camera,
        rollouts,
        tried.starts,
        tried.pressed,
        shifts,
        best_buttons(shifts),
        real_presses(world, clips, options.length, seed, options.batch_size, camera),
        TransitionLabels.of(held, camera),
        real_image_stats(clips),
    )
