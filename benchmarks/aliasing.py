"""How many tokens of changes only say that the view moved by a part of a pixel.

    python benchmarks/aliasing.py CLIPS [CLIPS ...]

Blocks of a moving frame that lie in view before and after, as the dynamics learn them: how many
move by themselves, how many are split and how many have content. A figure accounts for a few; the
others are edges that do not fall on pixels. Tokenizer of `any`, with `layer_blocks` as in preset
platformer, where a block that a copy matches within 28 or 22 dB has no content (`predict_below`).
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from playworld.evaluate.heldout import read_held_out
from playworld.models.motion.changes import FOLLOW, Changes
from playworld.models.motion.source import comes_into_view
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.pixels import to_float
from playworld.presets import PRESETS
from playworld.world import World

LENGTH = 17
LEAST = {28: 4 * 4e-4, 22: 10**-2.2}
"""`predict_below` by decibels."""


@torch.inference_mode()
def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIPS")
    parser.add_argument("--count", type=int, default=64, help="held-out clips")
    arguments = parser.parse_args()
    tokenizer = World.load("any").tokenizer
    assert isinstance(tokenizer, MotionTokenizer)
    torch.set_num_threads(1)
    print(f"{'':24}  dB  moving frames    own motion    split    content")
    for clips in arguments.clips:
        video = to_float(read_held_out(clips, arguments.count, LENGTH, 0).video)
        for decibels, least in LEAST.items():
            tokenizer.config = replace(
                tokenizer.config,
                layer_blocks=PRESETS["platformer"].tokenizer.layer_blocks,
                predict_below=least,
            )
            print(f"{clips.name:24}  {decibels}  {counts(tokenizer, video)}")


def counts(tokenizer: MotionTokenizer, video: torch.Tensor) -> str:
    """Moving frames, and blocks of each kind in one of them."""
    tokens = torch.cat([tokenizer.encode_pairs(clip[None])[0, 1:] for clip in video])
    moving = tokens[tokens[:, 0] != tokenizer.config.num_scenes // 2]
    changes = Changes.unpack(moving, tokenizer.config.num_blocks)
    inside = ~comes_into_view(changes.scene, tokenizer.config)
    kinds = changes.motion != FOLLOW, changes.split > 0, changes.new
    means = [(kind & inside).float().sum(1).mean() for kind in kinds]
    return f"{len(moving):13d}{means[0]:14.1f}{means[1]:9.1f}{means[2]:11.1f}"


if __name__ == "__main__":
    main()
