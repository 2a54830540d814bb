"""What a run writes down: a JSON line per step, TensorBoard with pictures, W&B if wanted."""

import importlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from playworld.atomic import named, write_whole
from playworld.config import InputError
from playworld.images import QUICK, to_png

logger = logging.getLogger(__name__)


class RunLog:
    """`metrics.jsonl` and TensorBoard event files of one stage, both in the run's folder."""

    def __init__(self, run: Path, stage: str, first_step: int, wandb: str | None = None):
        from torch.utils.tensorboard import SummaryWriter  # heavy, and needed in training only

        self.stage = stage
        self._path = run / "metrics.jsonl"
        forget_after(self._path, first_step)
        self._lines = self._path.open("ab", buffering=0)
        self._curves, self._newest = run / "tensorboard", run / "pictures"
        with named(self._curves, 4096):
            self._board = SummaryWriter(str(self._curves), purge_step=first_step + 1)
        self._wandb = weights_and_biases() if wandb else None
        if self._wandb:
            name = f"{run.parent.name}-{stage}"  # the same run again, after an interruption
            self._wandb.init(project=wandb, name=name, id=name, resume="allow", dir=str(run))

    def step(self, step: int, metrics: Mapping[str, float | str]) -> None:
        """One line; steps count from 1. Every tenth step is drawn as well."""
        keyed = {f"{self.stage}/{key}": value for key, value in metrics.items()}
        line = json.dumps({"step": step, "stage": self.stage, **metrics}) + "\n"
        self._write(line.encode())
        if step % 10 == 0:
            numbers = {key: value for key, value in keyed.items() if not isinstance(value, str)}
            with named(self._curves, 64 * len(numbers)):
                for key, value in numbers.items():
                    self._board.add_scalar(key, value, step)
            if self._wandb:
                self._wandb.log(numbers, step=step)

    def _write(self, line: bytes) -> None:
        rest = line
        with named(self._path, len(line)):
            while rest:  # a disk with little room takes a part of it first
                rest = rest[self._lines.write(rest) :]

    def pictures(self, step: int, pictures: Mapping[str, np.ndarray]) -> None:
        """Pictures (H, W, 3) uint8 by name; the newest ones are PNG files of the run as well."""
        for key, picture in pictures.items():
            self._newest.mkdir(exist_ok=True)
            write_whole(self._newest / f"{key}.png", to_png(torch.from_numpy(picture), QUICK))
            with named(self._curves, picture.nbytes):
                self._board.add_image(f"{self.stage}/{key}", picture, step, dataformats="HWC")
            if self._wandb:
                self._wandb.log({f"{self.stage}/{key}": self._wandb.Image(picture)}, step=step)

    def close(self) -> None:
        """Flush and close; curves that a full disk does not take are only logged."""
        self._lines.close()
        try:
            with named(self._curves, 4096):
                self._board.close()
        except OSError as error:
            logger.error("%s", error)
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
    write_whole(path, "".join(line + "\n" for line in kept))
