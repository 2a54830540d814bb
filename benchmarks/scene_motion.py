"""How often tokens of changes say how the scene moves, beside a registration of the pictures.

    python benchmarks/scene_motion.py CLIPS

Frames of training clips by the larger part of their displacement, up or down and to the sides: the
share whose tokens take the scene to be at rest, and the share that is right within 0.75 pixels. A
world that keeps the scene leaves out what comes into view; one that does not counts it as an error
of the motion that brings it.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from playworld.evaluate.heldout import read_held_out
from playworld.evaluate.movement import displacements
from playworld.models.motion.source import scene_vector
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.pixels import to_float
from playworld.presets import PRESETS
from playworld.world import World

LENGTH = 13
BANDS = ((0.8, 1.6), (1.6, 3.2), (3.2, 8.0))
"""Pixels."""


@torch.inference_mode()
def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path, metavar="CLIPS")
    parser.add_argument("--count", type=int, default=300, help="clips")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = World.load("any").tokenizer
    assert isinstance(tokenizer, MotionTokenizer)
    video = read_held_out(arguments.clips, arguments.count, LENGTH, 5, "train").video
    true = displacements(video)
    print("scene kept  axis    pixels        frames  at rest    right")
    for kept in (False, True):
        config = replace(PRESETS["platformer"].tokenizer, keeps_scene=kept)
        tokenizer.config = config
        tokens = torch.cat([tokenizer.encode_pairs(to_float(clip[None])) for clip in video])
        found = -scene_vector(tokens[:, 1:, 0], config.reach).flip(-1) / 2
        for axis, name in enumerate(("across", "down")):
            for band in BANDS:
                line = row(found[..., axis], true[..., axis], band)
                if line is not None:
                    print(f"{kept!s:10}  {name:6}  {line}")


def row(
    found: Float[Tensor, "B S"], true: Float[Tensor, "B S"], band: tuple[float, float]
) -> str | None:
    """The line of one band; None where no frame is in it."""
    inside = (true.abs() >= band[0]) & (true.abs() < band[1])
    if not inside.any():
        return None
    rest = (found[inside] == 0).float().mean()
    right = ((found - true)[inside].abs() < 0.75).float().mean()
    return f"{band[0]} to {band[1]}  {int(inside.sum()):10}  {rest:7.1%}  {right:7.1%}"


if __name__ == "__main__":
    main()
