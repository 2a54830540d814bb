"""How fast stages train here, and how many steps of one recipe take as long as those of another."""

import json
import shutil
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from playworld.atomic import folder_at, temporary_folder, write_whole
from playworld.config import InputError
from playworld.data.clips.shards import read_json
from playworld.export.train_world import train_world
from playworld.machine import choose_device
from playworld.progress import Progress, ProgressFor
from playworld.train.options import TrainOptions
from playworld.train.recipe import Recipe
from playworld.train.runs import FINISHED

Stage = Literal["tokenizer", "world"]
PILOT_STEPS = 10
"""Steps of the short run by which two recipes are compared."""


@dataclass(frozen=True)
class RecipeRun:
    """A recipe, and the folder of its run."""

    recipe: Recipe
    run: Path


class Watch:
    """Progress that takes the time of every step of every stage.

    It is time of the processor, which no other work beside makes longer; on a GPU, of the clock.
    """

    def __init__(self, progress_for: ProgressFor):
        self._progress_for = progress_for
        self._now = time.process_time if choose_device("auto").type == "cpu" else time.perf_counter
        self._ends: dict[str, list[float]] = defaultdict(list)

    def __call__(self, stage: str) -> Progress:
        """The progress of one stage."""
        progress, ends = self._progress_for(stage), self._ends[stage]

        def step(done: int, total: int, note: str) -> None:
            ends.append(self._now())
            progress(done, total, note)

        return step

    def seconds(self, stage: Stage) -> float | None:
        """Median over the steps but the first, which is slower; None where there were none."""
        taken = [end - begin for begin, end in pairwise(self._ends[stage])]
        return statistics.median(taken) if taken else None


def steps_of_equal_time(
    stage: Stage, steps: int, first: RecipeRun, other: RecipeRun, clips: Path
) -> int:
    """Steps of a stage that take `other` as long as `steps` of them take `first`.

    Decided once for each run: one that is taken up needs as many steps as it was begun with.

    Raises:
        InputError: where the second stage cannot be timed, because `first` has no tokenizer.
    """
    path = other.run / "steps.json"
    decided = read_json(path) if path.exists() else {}
    if stage not in decided:
        share = _step_seconds(stage, first, clips) / _step_seconds(stage, other, clips)
        decided[stage] = max(1, round(steps * share))
        write_whole(path, json.dumps(decided))
    return decided[stage]


def _step_seconds(stage: Stage, recipe_run: RecipeRun, clips: Path) -> float:
    """Of one step, in a short run."""
    tokens = folder_at(recipe_run.run) / "tokens"
    watch = Watch(lambda name: lambda done, total, note: None)
    with temporary_folder(recipe_run.run, "pilot") as pilot:
        if stage == "world":
            if not (recipe_run.run / FINISHED).exists():
                raise InputError(
                    f"{recipe_run.run} gives the other rows their time, but has no tokenizer: its "
                    "training collapsed; try more --tokenizer-steps in another --out"
                )
            tokens.mkdir(exist_ok=True)
            (pilot / "tokens").symlink_to(tokens.resolve())  # made once, for the pilot and the run
            shutil.copytree(recipe_run.run / FINISHED, pilot / FINISHED)
        few = TrainOptions(
            run=pilot, stage=stage, tokenizer_steps=PILOT_STEPS, world_steps=PILOT_STEPS
        )
        train_world(recipe_run.recipe, clips, pilot / "made", few, watch)
    seconds = watch.seconds(stage)
    assert seconds is not None, "a pilot has steps"
    return seconds
