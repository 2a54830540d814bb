"""From clips to a world: its models trained, its buttons named, its prompts chosen."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from PIL import Image

from playworld.config import InputError
from playworld.evaluate.button_names import name_effects
from playworld.evaluate.buttons import player_shifts, press_each
from playworld.evaluate.context import Tried
from playworld.evaluate.movement import Camera
from playworld.evaluate.options import STARTS
from playworld.evaluate.starts import clips_camera, level_starts
from playworld.export.button_order import in_order, order_of, with_buttons
from playworld.export.card import first_card, read_about
from playworld.export.prompts import choose_prompts, fit_prompts, read_pictures
from playworld.machine import choose_device
from playworld.progress import ProgressFor, silent_stages
from playworld.train.deadline import Deadline
from playworld.train.distributed import first_rank_does, processes
from playworld.train.log import weights_and_biases
from playworld.train.options import TrainOptions
from playworld.train.recipe import Recipe
from playworld.train.stages import TrainingJob, train_stages
from playworld.world.world import World


def name_buttons(world: World, clips: Path, count: int = STARTS) -> World:
    """The world with its buttons labelled by what they do from `count` held-out starts.

    These are on level ground, as far as there is any. The world's codebook changes in place.
    """
    try:
        starts, camera = level_starts(clips, count), clips_camera(clips)
    except InputError:
        starts = level_starts(clips, count, split="train")
        camera = clips_camera(clips, "train")
    return named_by(world, Tried(starts, press_each(world, starts.video)), camera)[0]


def named_by(world: World, tried: Tried, camera: Camera) -> tuple[World, Tried]:
    """The world with its buttons labelled by what they have done, and that in their new order.

    They are numbered as `in_order` does it, which changes the world's codebook in place.
    """
    codes = world.infer_actions(tried.starts.video)
    shifts, gravity = player_shifts(tried.pressed, camera), world.config.actions.gravity
    effects = name_effects(shifts, camera, codes=codes, gravity=gravity)
    named = with_buttons(world, tuple(effect.button for effect in effects))
    pressed = tried.pressed[order_of(named.buttons)]
    return in_order(named), replace(tried, pressed=pressed)


def train_world(
    recipe: Recipe,
    clips: Path,
    world: Path,
    options: TrainOptions,
    progress_for: ProgressFor = silent_stages,
    name: Callable[[World, Path], World] = name_buttons,
    deadline: Deadline | None = None,
) -> World | None:
    """Train the stages that are asked for and write the world; None if it is not complete yet.

    The same call goes on where an interrupted one stopped.

    Args:
        recipe: what to train; adapted to the size of the clips.
        clips: folder that `ingest` wrote.
        world: folder to write.
        options: see TrainOptions.
        progress_for: from the name of a stage to its progress callback.
        name: names the buttons of the trained world, by these clips.
        deadline: by when each stage has to end; its steps are then a first choice.

    Raises:
        InputError: for clips or a world that cannot be used.
        Preempted, NonFinite, Collapsed: see `playworld.train.loop.fit`.
    """
    if options.wandb:
        weights_and_biases()  # fails before the training, not after a first stage
    device = choose_device(options.device)
    with processes(device):
        job = TrainingJob.of(recipe, clips, world, options, device, progress_for, deadline)
        pictures = read_pictures(options.prompts) if options.prompts else {}
        about = read_about(options.about) if options.about else ""
        made = train_stages(job)
        if made is None:
            return None
        first_rank_does(lambda: _export(made, job, world, pictures, about, name))
        return World.load(world, device)


def _export(
    made: World,
    job: TrainingJob,
    world: Path,
    pictures: Mapping[str, Image.Image],
    about: str,
    name: Callable[[World, Path], World],
) -> None:
    """Write the world as people play it."""
    if job.base is not None and job.options.keep_actions:
        named = with_buttons(made, job.base.buttons)
    else:
        named = name(made, job.clips)
    prompts = choose_prompts(job.clips, named) | fit_prompts(named, pictures)
    card = first_card(named, job.recipe.name, job.clips, job.history(), about)
    named.save(world, card, prompts)
