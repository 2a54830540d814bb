"""Options of `create` and `plan`. Imports nothing heavy."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import FlagCreatePairsOff

from playworld.config import InputError

UNITS = {"GB": 10**9, "GiB": 2**30, "TB": 10**12, "TiB": 2**40, "MB": 10**6, "MiB": 2**20}


@dataclass(frozen=True)
class CreateOptions:
    """Options of `playworld create`."""

    minutes: float = 60.0
    """Time budget for everything, on this machine."""
    start: Annotated[str | None, tyro.conf.arg(name="from")] = None
    """The world that is trained further on these videos: a folder, a built-in name, or owner/name
    on the Hugging Face Hub; if not given the built-in world `any`, or `platformer` with --gravity.
    """
    scratch: bool = False
    """Start from no world: train `motion`, or --preset."""
    preset: str | None = None
    """Shapes and schedules of a world from scratch; steps are chosen for the budget."""
    fps: float | None = None
    """Frames per second of the world; as many as the one it starts from has. 10 from scratch, and
    without gravity from a world with gravity."""
    size: str | None = None
    """Width x height of its frames, pixels; those of the one it starts from, or 64x64."""
    gravity: FlagCreatePairsOff[bool] = False
    """The videos show a game from the side, in which what jumps comes down by itself: no button
    leads down, and jumps land. Only for tokens of changes."""
    name: str | None = None
    """What the world is called; the folder's name if not given."""
    run: Path | None = None
    """Where clips, checkpoints, logs and report go; a folder in the user's cache if not given."""
    seed: int = 0
    """Seed of everything."""
    ingest_only: FlagCreatePairsOff[bool] = False
    """Cut the videos into clips, say what was understood, and stop; the same command without this
    goes on."""
    device: str = "auto"
    """cpu, cuda (cuda:1 for the second GPU), mps (a Mac's), or auto: the GPU if there is one."""

    def __post_init__(self) -> None:
        if not (self.minutes > 0 and math.isfinite(self.minutes)):
            raise InputError(f"minutes must be positive, got {self.minutes}")
        if self.start is not None and self.from_scratch:
            given = "--preset" if self.preset else "--scratch"
            raise InputError(f"--from names a world to start from and {given} none: leave one out")

    @property
    def from_scratch(self) -> bool:
        """Whether no world is the start."""
        return self.scratch or self.preset is not None


@dataclass(frozen=True)
class TrainingPlanOptions:
    """Options of `playworld plan`."""

    devices: int = 1
    """Devices that share the work: parameters, gradients and optimizer are sharded over all."""
    device_memory: str = "80GB"
    """Memory of one device, such as 141GB or 80GiB."""
    peak: float = 989.0
    """TFLOP/s of one device in bf16; 989 is what NVIDIA states for an H100 or H200."""
    utilisation: float = 0.4
    """Share of the peak that training reaches, FLOPs of recomputation not counted."""
    batch_size: int | None = None
    """Clips per step in both stages, instead of the preset's."""

    def __post_init__(self) -> None:
        memory_bytes(self.device_memory)
        if self.devices < 1 or (self.batch_size is not None and self.batch_size < 1):
            raise InputError(
                f"devices and batch_size must be at least 1, got {self.devices} and "
                f"{self.batch_size}"
            )
        if not (self.peak > 0 and 0 < self.utilisation <= 1):
            raise InputError(
                f"peak must be above 0 and utilisation in (0, 1], got {self.peak} and "
                f"{self.utilisation}"
            )


def memory_bytes(text: str) -> int:
    """Bytes of a size such as 141GB.

    Raises:
        InputError: where it is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]+)", text.strip())
    if match is None or match[2] not in UNITS or float(match[1]) == 0:
        raise InputError(f"device memory should look like 141GB or 80GiB, got {text!r}")
    return int(float(match[1]) * UNITS[match[2]])
