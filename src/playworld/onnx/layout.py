"""The file that says what the graphs of an exported world are, and all else that playing needs.

Imports neither PyTorch nor ONNX Runtime: whoever plays reads it.
"""

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal

from playworld.config import InputError, check_ranges, from_dict
from playworld.world.sampler_config import SamplerConfig

WORLD_FILE = "world.json"
PROMPTS_FOLDER = "prompts"
MOST_NUMBERS = 10**9
"""Of a tensor of a session's state."""
ElementType = Literal["float32", "int32", "uint8"]
GraphName = Literal["begin", "picture", "predict", "decode"]
Precision = Literal["fp32", "fp16", "int8"]


@dataclass(frozen=True)
class StateTensor:
    """A tensor of a session's state, which is all zeros before the first picture."""

    name: str
    type: ElementType
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or min(self.shape) < 0 or prod(self.shape) > MOST_NUMBERS:
            raise ValueError(f"{self.name!r:.40} of shape {self.shape!r:.80} is no state tensor")


@dataclass(frozen=True)
class OnnxConfig:
    """All that a player of the graphs has to know; docs/onnx.md describes the graphs."""

    name: str
    """Of the world."""
    sha256: str
    """Hash of the weights that were exported."""
    precision: Precision
    """How the weights are stored."""
    fps: float
    """Frames per second of the training video."""
    height: int
    """Rows of a frame, pixels."""
    width: int
    """Columns of a frame, pixels."""
    buttons: tuple[tuple[str, str], ...]
    """Label and arrow of each latent action. Action number `len(buttons)` is none, for the first
    frame."""
    prompts: tuple[str, ...]
    """Names of the pictures in the folder `prompts`."""
    sampler: SamplerConfig
    """Default sampler settings."""
    graphs: tuple[GraphName, ...]
    """Names of the files NAME.onnx."""
    state: tuple[StateTensor, ...]
    """The state of a session but for its seed, its frame number and its tokens."""
    owners: tuple[int, ...]
    """The position that each token of a frame belongs to; a position is decided as a whole."""
    scene: bool
    """Whether position 0 is the motion of the scene, which a pass of its own decides first."""
    sees_motion: bool
    """Whether features of the last picture change once the motion of the scene is decided."""
    halton: tuple[int, ...]
    """Rank of every place in the order `halton`: the positions but for the scene."""
    draws: int
    """Uniform numbers that a pass takes."""
    format: int = 1
    """Version of this file and of the graphs."""

    def __post_init__(self) -> None:
        if self.format != 1:
            raise ValueError(f"format must be 1, got {self.format}: it needs a newer playworld")
        for name in self.prompts:
            if name != Path(name).name:
                raise ValueError(f"a prompt must be the name of a file, got {name!r:.80}")
        check_ranges(self, height=(1, 4_096), width=(1, 4_096), draws=(1, 10**7))

    @property
    def num_actions(self) -> int:
        """Buttons of the world, |A|."""
        return len(self.buttons)


def read_config(folder: Path) -> OnnxConfig:
    """The description of an exported world.

    Raises:
        InputError: where there is none, or it is damaged.
    """
    path = folder / WORLD_FILE
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{folder} holds no exported world: {path.name}: {error}") from error
    return from_dict(OnnxConfig, data, str(path))
