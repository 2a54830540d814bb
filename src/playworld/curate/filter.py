"""A filter: a quality model with what it was made for, kept as a folder of safetensors and JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float

from playworld.config import InputError, from_dict, to_dict
from playworld.curate.quality_models import KINDS, LEVELS, QualityModel
from playworld.curate.stretches import Footage, LabelStretch, check_length
from playworld.data.clips.shards import DamagedChunk
from playworld.manifest import load_into, params_sha256, read_folder, write_folder
from playworld.progress import Progress, silent
from playworld.words import counted

WEIGHTS, CONFIG, REPORT = "filter.safetensors", "config.json", "report.json"
BATCH = 32


@dataclass(frozen=True)
class FilterConfig:
    """What a filter is, and what it was made for."""

    kind: Literal["quick", "resnet18"]
    """Kind of its quality model."""
    length: int
    """Frames of a stretch."""
    height: int
    """Of the frames, in pixels."""
    width: int
    """Of the frames, in pixels."""
    fps: float
    """Frames per second."""

    def __post_init__(self) -> None:
        check_length(self.length)


@dataclass(frozen=True)
class Filter:
    """Says how likely the label of a stretch is 2, 3, 4 or 5 at least."""

    config: FilterConfig
    model: QualityModel
    report: dict[str, Any]
    """How it was made, and what was measured on held-out labels."""

    @property
    def sha256(self) -> str:
        """Of its weights."""
        return params_sha256(self.model.state_dict())

    def save(self, path: Path) -> None:
        """Write the folder, whole or not at all."""
        documents = {CONFIG: {"format": 1, **to_dict(self.config)}, REPORT: self.report}
        write_folder(path, {WEIGHTS: self.model.state_dict()}, documents)

    @classmethod
    def load(cls, path: Path) -> "Filter":
        """Open a folder that `save` wrote.

        Raises:
            InputError: where it is no filter, or altered.
        """
        folder = read_folder(path)
        config = folder.json(CONFIG)
        if not isinstance(config, dict) or config.pop("format", None) != 1:
            raise InputError(f"{path / CONFIG}: expected format 1, is it from a newer version?")
        settings = from_dict(FilterConfig, config, where=str(path / CONFIG))
        model = KINDS[settings.kind]()
        load_into(model, folder.tensors(WEIGHTS), str(path / WEIGHTS))
        report = folder.json(REPORT)
        return cls(settings, model.eval(), report if isinstance(report, dict) else {})

    def check(self, footage: Footage) -> None:
        """Raise InputError unless the clips are of the kind that the filter was made for."""
        made = self.config.width, self.config.height, self.config.fps
        came = footage.width, footage.height, footage.fps
        if made != came:
            raise InputError(
                "the filter was trained on clips of {}x{} at {:g} frames per second, these have "
                "{}x{} at {:g}; ingest them alike".format(*made, *came)
            )

    def predict(
        self,
        footage: Footage,
        stretches: Sequence[LabelStretch],
        device: torch.device,
        progress: Progress = silent,
    ) -> Float[np.ndarray, "n K"]:
        """Chances of each stretch to reach labels 2, 3, 4, 5; NaN where its bytes are damaged."""
        model = self.model.to(device).eval()
        chances = np.full((len(stretches), len(LEVELS)), np.nan, dtype=np.float32)
        for rows, video in glimpses(footage, stretches, BATCH):
            with torch.inference_mode():
                chances[rows] = model.chances(torch.from_numpy(video).to(device)).cpu().numpy()
            done = rows[-1] + 1
            progress(done, len(stretches), counted(done, "stretch", "stretches"))
        return chances


def glimpses(
    footage: Footage, stretches: Sequence[LabelStretch], size: int
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Row numbers and frames (rows, T, H, W, 3), `size` at a time; damaged stretches left out."""
    rows: list[int] = []
    frames: list[np.ndarray] = []
    for number, stretch in enumerate(stretches):
        try:
            frames.append(footage.glimpse(stretch))
            rows.append(number)
        except DamagedChunk:
            pass
        if rows and (len(rows) == size or number == len(stretches) - 1):
            yield rows, np.stack(frames)
            rows, frames = [], []
