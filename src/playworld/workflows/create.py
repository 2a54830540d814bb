"""A world from a folder of videos within a time budget: ingest, train, evaluate, conclude."""

import json
import math
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from playworld.atomic import alone, may_be_ignored, temporary_folder
from playworld.config import InputError, to_dict
from playworld.data.clips.dataset import ClipDataset
from playworld.data.ingest.pipeline import IngestOptions, ingest
from playworld.data.options import parse_size
from playworld.evaluate import EvaluateOptions, evaluate, format_table, write_report
from playworld.evaluate.report import Report
from playworld.export.card import measured_card
from playworld.export.train_world import train_world
from playworld.machine import choose_device
from playworld.manifest import refuse_foreign
from playworld.presets import preset
from playworld.progress import ProgressFor, silent_stages
from playworld.train.options import TrainOptions
from playworld.train.recipe import Recipe
from playworld.train.runs import default_run, reset_stage
from playworld.words import counted
from playworld.workflows.options import CreateOptions
from playworld.workflows.time_budget import RESERVE, Budget
from playworld.world import World
from playworld.world.folder import WEIGHT_FILES

TOKENIZER_SHARE = 0.3
"""Of the time for training; tokenizer quality bounds the world's, but it converges fast."""
PILOT_STEPS = 6
"""Steps by which the pace of a stage is measured."""
LEAST_HORIZON = 4
"""Frames after the prompt at which controllability is read (delta_4 PSNR)."""
LEAST_STEPS = 40
"""Fewer are not worth a stage."""


def create(
    videos: Path,
    world: Path,
    options: CreateOptions,
    progress_for: ProgressFor = silent_stages,
) -> str:
    """Make, measure and describe a world; the same call resumes an interrupted one.

    Returns:
        The text for the user: figures, whether the world answers its buttons, how to play it.

    Raises:
        InputError: for videos that cannot be used, or a smaller budget than the run began with.
        Preempted, NonFinite, Collapsed: as training does.
    """
    recipe = preset(options.preset)
    choose_device(options.device)  # fails before the videos are decoded
    refuse_foreign(world, WEIGHT_FILES)
    check_size(recipe, options.size)
    run = options.run or default_run(world, videos, recipe.name)
    asked = to_dict(options) | {"run": None, "videos": listing(videos)}
    with alone(run, f"another `playworld create` is at work in {run}; wait for it"):
        budget = Budget.open(run, asked)
        try:
            return _create(videos, world, run, recipe, options, budget, progress_for)
        finally:
            if (run / "clips").exists():  # before that there is nothing to resume
                budget.save()


def _create(videos, world, run, recipe, options, budget, progress_for) -> str:
    clips = run / "clips"
    if not (clips / "dataset.json").exists():
        ingest(
            videos, clips, IngestOptions(fps=options.fps, size=options.size), progress_for("ingest")
        )
        budget.save()
    recipe, measuring = fit_to_data(recipe, clips), measurable(clips, options.seed)
    training = TrainOptions(
        run=run, seed=options.seed, device=options.device, name=options.name or world.name
    )
    one = replace(training, stage="tokenizer")
    first = budget.remember(
        "tokenizer_steps", lambda: fitting_steps(recipe, clips, run, one, TOKENIZER_SHARE, budget)
    )
    train_world(recipe, clips, world, replace(one, tokenizer_steps=first), progress_for)
    # Only now, as how long the tokenizer really took is known.
    second = budget.remember("world_steps", lambda: longer(recipe, clips, run, training, budget))
    training = replace(training, tokenizer_steps=first, world_steps=second)
    made = train_world(recipe, clips, world, replace(training, stage="world"), progress_for)
    assert made is not None
    report = evaluate(made, clips, measuring, progress_for("evaluate"))
    said = conclude(made, world, clips, run, report)
    budget.state["finished"] = True
    return said


def check_size(recipe: Recipe, size: str) -> None:
    """Raise InputError if frames of this size do not fit the recipe."""
    width, height = parse_size(size)
    try:
        recipe.resized(height, width)
    except ValueError as error:
        raise InputError(f"--size {size} does not fit {recipe.name!r}: {error}") from error


def listing(videos: Path) -> list[list[Any]]:
    """Names and sizes of the files in a folder, which identify a set of videos."""
    files = (path for path in videos.rglob("*") if path.is_file() and not path.is_symlink())
    names = ((path.relative_to(videos), path) for path in files)
    return sorted(
        [str(name), path.stat().st_size]
        for name, path in names
        if not any(map(may_be_ignored, name.parts))
    )


def fit_to_data(recipe: Recipe, clips: Path) -> Recipe:
    """Shorter clips where no scene is as long as the recipe's."""
    return recipe.shortened(
        max(scene.num_frames for scene in ClipDataset(clips, "train", 2).scenes)
    )


def measurable(clips: Path, seed: int) -> EvaluateOptions:
    """Options of the evaluation for these held-out scenes; checked before the training.

    Raises:
        InputError: where no held-out scene is long enough to tell whether the buttons work.
    """
    options = EvaluateOptions.brief(seed=seed, button_starts=16)
    try:
        scenes = ClipDataset(clips, "valid", options.prompt_frames + LEAST_HORIZON).scenes
    except InputError as error:
        raise InputError(
            f"these videos are too few or too short to be measured: {error}"
        ) from error
    longest = max(scene.num_frames for scene in scenes)
    return replace(options, horizon=min(options.horizon, longest - options.prompt_frames))


def longer(recipe: Recipe, clips: Path, run: Path, training: TrainOptions, budget: Budget) -> int:
    """Steps of the second stage for the time left; one that was finished with fewer restarts."""
    steps = fitting_steps(recipe, clips, run, training, 1.0, budget)
    finished = budget.state.get("finished_steps", 0)
    if 0 < finished < steps:
        reset_stage(run / "world")
    budget.state.pop("finished_steps", None)
    return max(steps, finished)


def fitting_steps(
    recipe: Recipe, clips: Path, run: Path, training: TrainOptions, share: float, budget: Budget
) -> int:
    """Steps of a stage that fit into a share of the time left, after a few on the real clips."""
    stage = "tokenizer" if training.stage == "tokenizer" else "world"
    with temporary_folder(run, "pilot") as pilot:
        few = replace(
            training, run=pilot, tokens="live", tokenizer_steps=PILOT_STEPS, world_steps=PILOT_STEPS
        )
        train_world(recipe, clips, pilot / "made", few)
        pace = seconds_per_step(pilot / stage)
    count = int(share * budget.left() / pace)
    if count < LEAST_STEPS:
        left = budget.left()
        missing = 1.2 * LEAST_STEPS * pace / share - left  # the next call measures the pace, too
        needed = budget.state["asked"]["minutes"] + missing / 60 / (1 - RESERVE)
        raise InputError(
            f"{max(0.0, left) / 60:.1f} minutes are left, in which this machine makes "
            f"{counted(max(count, 0), 'step')} of the {stage} of {recipe.name!r}; give --minutes "
            f"{math.ceil(10 * needed) / 10:g} or more to go on"
        )
    return count


def seconds_per_step(stage: Path) -> float:
    """Pace of a short run, from its log."""
    last = json.loads((stage / "metrics.jsonl").read_text().splitlines()[-1])
    return last["clip_frames"] / last["frames_per_second"]


def conclude(made: World, world: Path, clips: Path, run: Path, report: Report) -> str:
    """Write report and card; returns the table, the verdict and the next command."""
    write_report(report, run / "report")
    table, command = format_table(report), f"playworld evaluate {world.name} CLIPS"
    made.save(world, measured_card(made.card, table, command))
    rollout = report["rollout"]
    better = rollout["psnr"]["4"] > rollout["copy_last"]["4"]
    verdict = ""
    if not report["control"]["answers"]:
        verdict = "Nothing shows that this world answers its buttons."
    elif not better:
        verdict = "This world answers its buttons, but a frozen picture predicts frame 4 better."
    lines = [table, f"report and pictures: {run / 'report'}", ""]
    if verdict:
        lines += [verdict, advice(ClipDataset(clips, "train", 2))]
    lines.append(f"Play it with: {shlex.join(['playworld', 'play', str(world)])}")
    return "\n".join(lines)


def advice(dataset: ClipDataset) -> str:
    """What to try when a world is poor."""
    minutes = dataset.num_frames / dataset.fps / 60
    more = f"more video ({minutes:.0f} minutes are few), " if minutes < 20 else ""
    return (
        f"What helps: {more}more --minutes, videos in which a character moves with purpose and the "
        "camera does not cut, and fewer different scenes. Other videos need another --run."
    )
