"""In which precision the weights of a world are stored: the smallest that nobody sees."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from playworld.onnx.export import export_world
from playworld.onnx.layout import GraphName, Precision
from playworld.onnx.player import OnnxState, OnnxWorld
from playworld.world.world import World

if TYPE_CHECKING:
    from onnx import ModelProto

SMALLEST_FIRST: tuple[Precision, ...] = ("int8", "fp16")
LEAST_PSNR = 40.0
"""Of frames against those of fp32, dB: an error of 2.5 of 255 levels."""
PROMPTS, FRAMES = 4, 8


def choose_precision(world: World, graphs: Mapping[GraphName, "ModelProto"]) -> Precision:
    """The smallest precision in which frames stay the same to the eye, found by playing some.

    Every frame follows the same state as that of fp32, so that one flipped token does not count in
    all later frames; see docs/onnx.md for figures.

    Raises:
        InputError: where ONNX Runtime is not installed.
    """
    with TemporaryDirectory() as folder:
        export_world(world, Path(folder, "fp32"), "fp32", graphs)
        exact = OnnxWorld(Path(folder, "fp32"))
        moments = list(_moments(exact))
        wanted = [exact.step(*moment)[0] for moment in moments]
        for precision in SMALLEST_FIRST:
            export_world(world, Path(folder, precision), precision, graphs)
            stored = OnnxWorld(Path(folder, precision))
            found = [stored.step(*moment)[0] for moment in moments]
            if _psnr(np.stack(found), np.stack(wanted)) >= LEAST_PSNR:
                return precision
    return "fp32"


def _moments(world: OnnxWorld) -> Iterator[tuple[OnnxState, int]]:
    """States of play from the first prompts, and the button that is pressed in each."""
    config, draw = world.config, np.random.default_rng(0)
    black = np.zeros((config.height, config.width, 3), np.uint8)
    for seed, picture in enumerate(list(world.prompts().values())[:PROMPTS] or [black]):
        _, state = world.start(picture, seed)
        for press in draw.integers(config.num_actions, size=FRAMES // 2).repeat(2):
            yield state, int(press)
            _, state = world.step(state, int(press))


def _psnr(found: np.ndarray, wanted: np.ndarray) -> float:
    error = np.mean((found.astype(np.float32) - wanted) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))
