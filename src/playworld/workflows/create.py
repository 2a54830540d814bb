"""A world from a folder of videos within a time budget: ingest, train, evaluate, conclude.

A run has rounds. Round 0 is the world that it starts from, measured on the videos; each round after
it trains the best world so far further, or the first one from scratch, and is kept only if it is
better (`verdict.is_better`). More minutes are another round.
"""

import contextlib
import math
import shlex
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from playworld.atomic import alone
from playworld.config import InputError, to_dict
from playworld.data.clips.dataset import ClipDataset
from playworld.data.clips.shards import read_json
from playworld.data.ingest.documents import summary
from playworld.data.ingest.pipeline import ingest
from playworld.evaluate import EvaluateOptions, evaluate, format_table, write_report
from playworld.evaluate.context import Tried, try_buttons
from playworld.evaluate.starts import clips_camera
from playworld.export.card import measured_card, renamed_card
from playworld.export.key_labels import count_labels, keys_file, read_labels, with_keys
from playworld.export.prompts import choose_prompts
from playworld.export.train_world import named_by, train_world
from playworld.machine import choose_device
from playworld.manifest import refuse_foreign
from playworld.progress import Progress, ProgressFor, silent, silent_stages
from playworld.train.deadline import Deadline
from playworld.train.optim import StageConfig
from playworld.train.options import TrainOptions
from playworld.train.recipe import Recipe
from playworld.train.runs import default_run, reset_stage
from playworld.words import counted
from playworld.workflows.machine_fit import fitted, gpu_memory
from playworld.workflows.options import CreateOptions
from playworld.workflows.pace import seconds_per_step
from playworld.workflows.start import (
    check_size,
    fit_to_data,
    ingesting,
    listing,
    measurable,
    sized,
    start_and_recipe,
)
from playworld.workflows.time_budget import RESERVE, Budget
from playworld.workflows.verdict import Figures, compared, figures, is_better, problem
from playworld.world import World
from playworld.world.folder import WEIGHT_FILES

TOKENIZER_SHARE = 0.3
"""Of the time for training; tokenizer quality bounds the world's, but it converges fast."""
GENTLER = 1 / 3
"""Learning rate of a world that is trained further, as a share of the preset's."""
WARM_UP = 0.1
"""Largest share of a stage's steps in which the learning rate rises."""
LEAST_STEPS = 40
"""Fewer are not worth a stage."""
ROUND = "round-"
"""What the folders of rounds are called, before their number."""
SECONDS_BETWEEN = 240.0
"""Between two checkpoints, and pictures, that are shown while it trains; at least three of them."""
FEW_MINUTES = 20
"""Of video, below which more of it is advised."""


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
    device = choose_device(options.device)  # fails before the videos are decoded
    refuse_foreign(world, WEIGHT_FILES)
    start, recipe = start_and_recipe(options, device)
    options = sized(options, start)
    assert options.size is not None
    check_size(recipe, options.size)
    recipe = fitted(recipe, gpu_memory(device))
    run = options.run or default_run(world, videos, recipe.name)
    asked = to_dict(options) | {"run": None, "ingest_only": False, "videos": listing(videos)}
    with alone(run, f"another `playworld create` is at work in {run}; wait for it"):
        budget = Budget.open(run, asked)
        try:
            return _create(videos, world, run, recipe, start, options, budget, progress_for)
        finally:
            if (run / "clips").exists():  # before that there is nothing to resume
                budget.save()


def _create(videos, world, run, recipe, start, options, budget, progress_for) -> str:
    clips = run / "clips"
    if not (clips / "dataset.json").exists():
        ingest(videos, clips, ingesting(options), progress_for("ingest"))
        budget.save()
    if options.ingest_only:
        return f"{summary(read_json(clips / 'report.json'))}; look at {clips / 'report.html'}"
    recipe, measuring = fit_to_data(recipe, clips), measurable(clips, options.seed)
    if start is not None and budget.state["best"] is None:
        with budget.measuring():
            naming = Naming(measuring, lambda: progress_for("evaluate the start"))
            adopt(start, clips, round_folder(run, 0), naming)
        budget.state["best"] = 0
        budget.save()
    name, this = options.name or world.name, round_folder(run, budget.state["round"])
    best = None if budget.state["best"] is None else round_folder(run, budget.state["best"])
    if budget.state.get("finished"):
        assert best is not None
        if not world.exists():
            write_world(best, world, name, clips)
        return describe(best, world, clips, "finished before; it goes on with more --minutes")
    training = TrainOptions(run=run, seed=options.seed, device=options.device, name=name)
    naming = Naming(measuring, lambda: progress_for("evaluate"))
    if best is None:
        made = from_scratch(recipe, clips, this, training, budget, progress_for, naming)
    else:
        made = further(recipe, clips, best, this, training, budget, progress_for, naming)
    if made is not None:
        report = evaluate(made, clips, measuring, naming.progress, naming.tried)
        write_report(report, this / "report")
    chosen, done = choose(this if made else None, best)
    write_world(chosen, world, name, clips)
    budget.state |= {"best": int(chosen.name.removeprefix(ROUND)), "finished": True}
    return describe(chosen, world, clips, done)


def choose(this: Path | None, best: Path | None) -> tuple[Path, str]:
    """The round whose world is the result, and why: this or the best so far."""
    if this is None:
        assert best is not None
        return best, "no time was left to train further"
    if best is None:
        return this, "trained from scratch"
    report, before = read_report(this), read_report(best)
    return this if is_better(report, before) else best, compared(report, before)


def round_folder(run: Path, number: int) -> Path:
    """Where the world and the report of a round lie."""
    return run / f"{ROUND}{number}"


def read_report(folder: Path) -> Figures:
    """The figures of a round."""
    return read_json(folder / "report" / "report.json")


class Naming:
    """Names a world's buttons by what they do, and keeps that: it is measured, too."""

    def __init__(self, measuring: EvaluateOptions, begin: Callable[[], Progress]) -> None:
        """Args: `begin` shows the stage of measuring, to which the naming belongs."""
        self.measuring, self.begin = measuring, begin
        self.progress: Progress = silent
        self.tried: Tried | None = None

    def __call__(self, world: World, clips: Path) -> World:
        """The world with its buttons named."""
        self.progress = self.begin()
        self.progress(0, 0, "trying its buttons")
        tried = try_buttons(world, clips, self.measuring)
        named, self.tried = named_by(world, tried, clips_camera(clips))
        return named


def adopt(start: World, clips: Path, folder: Path, naming: Naming) -> None:
    """Name and measure on these videos the world to start from, as it came."""
    named = naming(start, clips)
    card = renamed_card(start.card, named.buttons)
    named.save(folder / "world", card, choose_prompts(clips, named))
    report = evaluate(named, clips, naming.measuring, naming.progress, naming.tried)
    write_report(report, folder / "report")


def from_scratch(
    recipe: Recipe,
    clips: Path,
    this: Path,
    training: TrainOptions,
    budget: Budget,
    progress_for: ProgressFor,
    naming: Naming,
) -> World | None:
    """Train both stages, each for its share of the time."""
    one = replace(training, stage="tokenizer")
    first = budget.remember(
        "tokenizer_steps", lambda: fitting_steps(recipe, clips, one, TOKENIZER_SHARE, budget)
    )
    ends = budget.remember(
        "tokenizer_ends", lambda: budget.spent() + TOKENIZER_SHARE * budget.left()
    )
    one = replace(one, tokenizer_steps=first)
    recipe = replace(recipe, tokenizer_stage=of_length(recipe.tokenizer_stage, first, budget))
    deadline = Deadline(time.monotonic() + ends - budget.spent())
    train_world(recipe, clips, this / "world", one, progress_for, deadline=deadline)
    # Only now, as how long the tokenizer really took is known.
    second = budget.remember(
        "world_steps", lambda: fitting_steps(recipe, clips, training, 1.0, budget)
    )
    two = replace(one, stage="world", world_steps=second)
    recipe = replace(recipe, world_stage=of_length(recipe.world_stage, second, budget))
    return train_world(recipe, clips, this / "world", two, progress_for, naming, budget.deadline())


def further(
    recipe: Recipe,
    clips: Path,
    best: Path,
    this: Path,
    training: TrainOptions,
    budget: Budget,
    progress_for: ProgressFor,
    naming: Naming,
) -> World | None:
    """Train latent actions and dynamics of the best world; None where no time is left for that.

    Its tokenizer stays: at equal minutes training it, too, was no better (docs/research_log.md).
    """
    rate = GENTLER * recipe.world_stage.learning_rate
    training = replace(training, stage="world", start=str(best / "world"), learning_rate=rate)

    def decide() -> int:
        reset_stage(this.parent / "world")  # of the round before
        count = affordable(recipe, clips, training, 1.0, budget)
        return count if count >= LEAST_STEPS else 0

    steps = budget.remember("world_steps", decide)
    if steps == 0:
        return None
    stage = of_length(recipe.world_stage, steps, budget)
    recipe, training = replace(recipe, world_stage=stage), replace(training, world_steps=steps)
    folder, deadline = this / "world", budget.deadline()
    return train_world(recipe, clips, folder, training, progress_for, naming, deadline)


def affordable(
    recipe: Recipe, clips: Path, training: TrainOptions, share: float, budget: Budget
) -> int:
    """Steps of the last stage asked for that fit into a share of the time left, by a few of them.

    A first choice: `Budget.deadline` changes it as the pace changes.
    """
    pace = budget.state["seconds_per_step"] = seconds_per_step(recipe, clips, training)
    return int(share * budget.left() / pace)


def of_length(stage: StageConfig, steps: int, budget: Budget) -> StageConfig:
    """The stage with a warm-up for so few steps, and checkpoints and pictures every few minutes."""
    every = max(1, int(steps / max(3, budget.left() / SECONDS_BETWEEN)))
    warmup = min(stage.warmup_steps, math.ceil(WARM_UP * steps))
    return replace(stage, save_every=every, pictures_every=every, warmup_steps=warmup)


def fitting_steps(
    recipe: Recipe, clips: Path, training: TrainOptions, share: float, budget: Budget
) -> int:
    """Steps of a stage that fit into a share of the time left, after a few on the real clips.

    Raises:
        InputError: where they are too few.
    """
    stage = "tokenizer" if training.stage == "tokenizer" else "world"
    count = affordable(recipe, clips, training, share, budget)
    if count < LEAST_STEPS:
        left, pace = budget.left(), budget.state["seconds_per_step"]
        missing = 1.2 * LEAST_STEPS * pace / share - left  # the next call measures the pace, too
        needed = budget.state["asked"]["minutes"] + missing / 60 / (1 - RESERVE)
        raise InputError(
            f"{max(0.0, left) / 60:.1f} minutes are left, in which this machine makes "
            f"{counted(max(count, 0), 'step')} of the {stage} of {recipe.name!r}; give --minutes "
            f"{math.ceil(10 * needed) / 10:g} or more to go on"
        )
    return count


def write_world(chosen: Path, world: Path, name: str, clips: Path) -> None:
    """Write the world of a round as the result, its figures on its card.

    Keys that somebody has pressed for moments of these clips name its buttons again.
    """
    made, table = World.load(chosen / "world"), format_table(dict(read_report(chosen)))
    card = measured_card(made.card, table, f"playworld evaluate {world.name} CLIPS")
    buttons = made.buttons
    with contextlib.suppress(InputError):  # there are none, or they are of other videos
        buttons = with_keys(buttons, count_labels(made, clips, read_labels(keys_file(world))))
    made.renamed(name, buttons).save(world, renamed_card(card, buttons))


def describe(chosen: Path, world: Path, clips: Path, done: str) -> str:
    """The figures of a round's world, what is wrong with it, and the next commands."""
    report = read_report(chosen)
    dataset = ClipDataset(clips, "train", 2)
    seconds = dataset.num_frames / dataset.fps
    lines = [f"{done}; {seconds / 60:.1f} minutes of video", "", figures(report), ""]
    if (wrong := problem(report)) or seconds < 60 * FEW_MINUTES:
        lines += [" ".join(filter(None, (wrong, advice(seconds)))), ""]
    lines += [
        f"report and pictures: {chosen / 'report'}",
        f"Name the buttons with your keys: {command('label', world, clips)}",
        f"Play it with: {command('play', world)}",
    ]
    return "\n".join(lines)


def command(*words: object) -> str:
    """A command of playworld, ready for a shell."""
    return shlex.join(["playworld", *map(str, words)])


def advice(seconds: float) -> str:
    """What to try when a world is poor, or has seen little."""
    few = seconds < 60 * FEW_MINUTES
    more = f"more video ({seconds / 60:.1f} minutes are few), " if few else ""
    return (
        f"What helps: {more}more --minutes, videos in which a character moves with purpose and the "
        "camera does not cut, and fewer different scenes. Other videos need another --run."
    )
