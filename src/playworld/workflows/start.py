"""What `create` starts from: a world, a recipe, and clips that can be measured."""

from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch

from playworld.atomic import may_be_ignored
from playworld.config import InputError
from playworld.data.clips.dataset import ClipDataset
from playworld.data.ingest.pipeline import IngestOptions
from playworld.data.options import parse_size
from playworld.evaluate import EvaluateOptions
from playworld.models.actions import LatentActionModel
from playworld.presets import preset, preset_like
from playworld.train.recipe import Recipe
from playworld.workflows.options import CreateOptions
from playworld.world import World

BUILT_IN, FALLING = "any", "platformer"
"""The worlds that are trained further where none is named: in general, and where there is gravity.
"""
FROM_SCRATCH, WITH_GRAVITY = "motion", "platformer"
"""The presets where none is named."""
NUM_CLIPS, STARTS, LONGEST_HORIZON = 24, 12, 8
"""Held-out clips, starts and generated frames on which a world is measured: every round takes that
time, once more for the start."""
PROMPT, LEAST_HORIZON = 4, 4
"""Frames of a prompt, and after it at which controllability is read (delta_4 PSNR)."""

SPARED = 0.05
"""Share of the frames that may be of scenes too short for the clips: longer clips say more."""


def start_and_recipe(options: CreateOptions, device: torch.device) -> tuple[World | None, Recipe]:
    """The world to start from, with gravity or without, and how it is trained further.

    Raises:
        InputError: for gravity where latent actions are not of motions.
    """
    built_in = FALLING if options.gravity else BUILT_IN
    start = None if options.from_scratch else World.load(options.start or built_in, device)
    usual = WITH_GRAVITY if options.gravity else FROM_SCRATCH
    recipe = preset(options.preset or usual) if start is None else preset_like(start.config)
    own = recipe.actions if start is None else start.config.actions
    if options.gravity and own.stem != "vector":
        raise InputError(
            "--gravity needs a world of changes, such as `any`: leave it out, or leave out "
            "--from and --preset"
        )
    if start is None:
        shape = replace(own, gravity=own.gravity or options.gravity)
        return None, replace(recipe, actions=shape)
    if own.gravity == options.gravity:
        return start, recipe
    shape = replace(own, gravity=options.gravity)
    actions = LatentActionModel(shape).to(device)
    actions.load_state_dict(start.actions.state_dict())
    # Many videos have no more frames per second than that; falls and jumps need those of the start.
    fps = start.config.fps if options.gravity else min(start.config.fps, IngestOptions().fps)
    config = replace(start.config, actions=shape, fps=fps)
    models = start.tokenizer, actions.eval(), start.dynamics
    return World(config, *models, card=start.card), recipe


def sized(options: CreateOptions, start: World | None) -> CreateOptions:
    """The options with size and rate of the frames: asked for, those of the start, or usual ones.

    Raises:
        InputError: for another size than that of the world to start from.
    """
    own = f"{start.width}x{start.height}" if start else "64x64"
    if start and options.size not in (None, own):
        raise InputError(
            f"{start.config.name!r} has frames of {own}: leave --size out, or add --scratch"
        )
    fps = start.config.fps if start else IngestOptions().fps
    return replace(options, size=options.size or own, fps=options.fps or fps)


def check_size(recipe: Recipe, size: str) -> None:
    """Raise InputError if frames of this size do not fit the recipe."""
    width, height = parse_size(size)
    try:
        recipe.resized(height, width)
    except ValueError as error:
        raise InputError(f"--size {size} does not fit {recipe.name!r}: {error}") from error


def ingesting(options: CreateOptions) -> IngestOptions:
    """Options for the clips: every scene counts that is long enough to be measured."""
    assert options.fps is not None and options.size is not None
    return IngestOptions(fps=options.fps, size=options.size, min_frames=PROMPT + LEAST_HORIZON)


def fit_to_data(recipe: Recipe, clips: Path) -> Recipe:
    """Shorter clips where scenes too short for the recipe's have more frames than are `SPARED`."""
    lengths = sorted(scene.num_frames for scene in ClipDataset(clips, "train", 2).scenes)
    spared = SPARED * sum(lengths)
    seen = zip(lengths, accumulate(lengths), strict=True)
    return recipe.shortened(next(length for length, frames in seen if frames > spared))


def measurable(clips: Path, seed: int) -> EvaluateOptions:
    """Options of the evaluation for these held-out scenes; checked before the training.

    Raises:
        InputError: where no held-out scene is long enough to tell whether the buttons work.
    """
    options = EvaluateOptions.brief(
        num_clips=NUM_CLIPS, horizon=LONGEST_HORIZON, button_starts=STARTS, seed=seed
    )
    try:
        scenes = ClipDataset(clips, "valid", options.prompt_frames + LEAST_HORIZON).scenes
    except InputError as error:
        raise InputError(
            f"these videos are too few or too short to be measured: {error}"
        ) from error
    longest = max(scene.num_frames for scene in scenes)
    return replace(options, horizon=min(options.horizon, longest - options.prompt_frames))


def listing(videos: Path) -> list[list[Any]]:
    """Names and sizes of the files in a folder, which identify a set of videos."""
    files = (path for path in videos.rglob("*") if path.is_file() and not path.is_symlink())
    names = ((path.relative_to(videos), path) for path in files)
    return sorted(
        [str(name), path.stat().st_size]
        for name, path in names
        if not any(map(may_be_ignored, name.parts))
    )
