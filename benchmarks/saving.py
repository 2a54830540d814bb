"""How long saving holds up training, and what a run with saves takes beside one without.

    python benchmarks/saving.py                  the world stage of `small` on noise
    python benchmarks/saving.py --preset tiny --every 20

Two runs of the same steps, one of which saves every so often; their steps are taken in turns, so
that a slow minute of the machine meets both. Held up: the copying of the tensors, which training
waits for, and what the writing takes from the steps beside it.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from playworld.models.actions import LatentActionModel
from playworld.models.dynamics import Dynamics
from playworld.models.tokenizer import VideoTokenizer
from playworld.presets import preset
from playworld.train.checkpoints import Saver
from playworld.train.objectives import WorldObjective
from playworld.train.train_step import TrainState


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="small")
    parser.add_argument("--every", type=int, default=10, help="steps between saves here")
    parser.add_argument("--saves", type=int, default=3)
    arguments = parser.parse_args()
    recipe = preset(arguments.preset)
    stage, frame = recipe.world_stage, recipe.tokenizer
    video = torch.randint(
        256,
        (stage.batch_size, stage.clip_length, frame.height, frame.width, 3),
        dtype=torch.uint8,
    )
    with tempfile.TemporaryDirectory() as name:
        run = Path(name)
        states = []
        for _ in range(2):
            models = LatentActionModel(recipe.actions), Dynamics(recipe.dynamics)
            objective = WorldObjective(*models, VideoTokenizer(frame), recipe.world_loss)
            states.append(TrainState(objective, stage, run, torch.device("cpu")))
            states[-1].update(video, None)
        plain, saving = states
        saver, copying, without, beside = Saver(run, sharded=False), [], [], []
        for _ in range(arguments.saves):
            copying.append(timed(lambda: saving.save(saver)))
            for _ in range(arguments.every):
                without.append(timed(lambda: plain.update(video, None)))
                beside.append(timed(lambda: saving.update(video, None)))
            waited = timed(saver.wait)
        files = [path for path in run.rglob("*.safetensors")]
        size = sum(path.stat().st_size for path in files) / len({path.parent for path in files})
        synchronous = []
        for _ in range(arguments.saves):
            saving.save(saver)
            synchronous.append(timed(saver.wait))
        saver.close()
    copy, step = statistics.median(copying), statistics.median(without)
    lost = copy + max(0.0, sum(beside) - sum(without)) / arguments.saves
    write, between = statistics.median(synchronous), stage.save_every * step
    print(f"world stage of {recipe.name}: {step * 1e3:.0f} ms a step, {size / 1e6:.1f} MB a save")
    print(f"copying, for which training waits   {copy * 1e3:8.1f} ms")
    print(f"writing, beside the steps           {write * 1e3:8.1f} ms")
    print(f"still to be written after {arguments.every} steps  {waited * 1e3:8.1f} ms")
    print(f"held up in all by a save            {lost * 1e3:8.1f} ms")
    print(f"share of the time, saving every {stage.save_every} steps: {lost / between:.2%}")
    print(f"and if the writing stopped training: {(copy + write) / between:.2%}")


if __name__ == "__main__":
    main()
