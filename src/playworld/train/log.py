"""What a run writes down: a JSON line per step, TensorBoard with pictures, W&B if wanted."""

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from playworld.config import InputError


class RunLog:
    """`metrics.jsonl` and TensorBoard event files of one stage, both in the run's folder."""

    def __init__(self, run: Path, stage: str, first_step: int, wandb: str | None = None):
        from torch.utils.tensorboard import SummaryWriter  # heavy, and needed in training only

        self.stage = stage
        path = run / "metrics.jsonl"
        forget_after(path, first_step)
        self._lines = path.open("a", buffering=1)
        self._board = SummaryWriter(str(run / "tensorboard"), purge_step=first_step + 1)
        self._wandb = weights_and_biases() if wandb else None
        if self._wandb:
            name = f"{run.parent.name}-{stage}"  # the same run again, after an interruption
            self._wandb.init(project=wandb, name=name, id=name, resume="allow", dir=str(run))

    def step(self, step: int, metrics: Mapping[str, float | str]) -> None:
        """One line; steps count from 1. Every tenth step is drawn as well."""
        named = {f"{self.stage}/{key}": value for key, value in metrics.items()}
        self._lines.write(json.dumps({"step": step, "stage": self.stage, **metrics}) + "\n")
        if step % 10 == 0:
            numbers = {key: value for key, value in named.items() if not isinstance(value, str)}
            for key, value in numbers.items():
                self._board.add_scalar(key, value, step)
            if self._wandb:
                self._wandb.log(numbers, step=step)

    def pictures(self, step: int, pictures: Mapping[str, np.ndarray]) -> None:
        """Pictures (H, W, 3) uint8 by name."""
        for key, picture in pictures.items():
            self._board.add_image(f"{self.stage}/{key}", picture, step, dataformats="HWC")
            if self._wandb:
                self._wandb.log({f"{self.stage}/{key}": self._wandb.Image(picture)}, step=step)

    def close(self) -> None:
        """Flush and close."""
        self._lines.close()
        self._board.close()
        if self._wandb:
            self._wandb.finish()


def weights_and_biases() -> Any:
    """The wandb module, which is no part of playworld's requirements.

    Raises:
        InputError: if it is not installed.
    """
    try:
        return importlib.import_module("wandb")
    except ImportError as error:
        raise InputError("--wandb needs the package wandb: pip install wandb") from error


def forget_after(path: Path, step: int) -> None:
    """Drop the lines of steps that will be run again, and a line that a crash cut short."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text().splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line)
        except ValueError:
            break
    path.write_text("".join(line + "\n" for line in kept))
