"""What a run writes down: one JSON line per step, and TensorBoard with pictures."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np


class RunLog:
    """`metrics.jsonl` and TensorBoard event files of one stage, both in the run's folder."""

    def __init__(self, run: Path, stage: str, first_step: int):
        from torch.utils.tensorboard import SummaryWriter  # heavy, and needed in training only

        self.stage = stage
        path = run / "metrics.jsonl"
        forget_after(path, first_step)
        self._lines = path.open("a", buffering=1)
        self._board = SummaryWriter(str(run / "tensorboard"), purge_step=first_step)

    def step(self, step: int, metrics: Mapping[str, float | str]) -> None:
        """One line; steps count from 1. Every tenth step also goes to TensorBoard."""
        named = {f"{self.stage}/{key}": value for key, value in metrics.items()}
        self._lines.write(json.dumps({"step": step, "stage": self.stage, **metrics}) + "\n")
        if step % 10 == 0:
            for key, value in named.items():
                if not isinstance(value, str):
                    self._board.add_scalar(key, value, step)

    def pictures(self, step: int, pictures: Mapping[str, np.ndarray]) -> None:
        """Pictures (H, W, 3) uint8 by name."""
        for key, picture in pictures.items():
            self._board.add_image(f"{self.stage}/{key}", picture, step, dataformats="HWC")

    def close(self) -> None:
        """Flush and close."""
        self._lines.close()
        self._board.close()


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
