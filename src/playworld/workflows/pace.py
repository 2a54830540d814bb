"""How long a training step takes here, measured on the real clips."""

import json
from dataclasses import replace
from pathlib import Path

from playworld.atomic import temporary_folder
from playworld.machine import choose_device
from playworld.progress import silent_stages
from playworld.train.distributed import processes
from playworld.train.options import TrainOptions
from playworld.train.recipe import Recipe
from playworld.train.stages import TrainingJob, train_stages

PILOT_STEPS = 6
"""Steps by which the pace of a stage is measured."""


def seconds_per_step(recipe: Recipe, clips: Path, training: TrainOptions) -> float:
    """Pace of the last stage asked for, from a few steps in a temporary folder of its run."""
    assert training.run is not None
    device = choose_device(training.device)
    with temporary_folder(training.run, "pilot") as pilot, processes(device):
        few = replace(
            training, run=pilot, tokens="live", tokenizer_steps=PILOT_STEPS, world_steps=PILOT_STEPS
        )
        train_stages(TrainingJob.of(recipe, clips, pilot / "made", few, device, silent_stages))
        log = pilot / few.stages()[-1] / "metrics.jsonl"
        last = json.loads(log.read_text().splitlines()[-1])
    return last["clip_frames"] / last["frames_per_second"]
