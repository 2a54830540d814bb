"""What the dynamics of changes learn from: how simple the true tokens are, and how far they carry.

    python benchmarks/predictability.py any --sets CLIPS/ninja CLIPS/photo

For each set: blocks with a motion of their own, with one that fewer than three blocks of the frame
have, with split quarters and with content; different motions per frame. Then PSNR when the true
tokens, of which play knows only the first stage of the content, are decoded from the first picture
on, at frames 1, 4, 8 and 15: what a dynamics model that makes no error would reach. Below it a copy
of the first picture.
"""

import argparse
from datetime import date
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from playworld.evaluate.heldout import read_held_out
from playworld.evaluate.image_quality import psnr
from playworld.evaluate.speed import processor_name
from playworld.models.motion.changes import FOLLOW, Changes
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.pixels import to_float, to_uint8
from playworld.world import World

FRAMES = (1, 4, 8, 15)


def first_stage(tokens: Int[Tensor, "B T L"], num_blocks: int) -> Int[Tensor, "B T L"]:
    """The tokens without the codes that play cannot predict."""
    changes = Changes.unpack(tokens, num_blocks)
    codes = changes.codes.clone()
    codes[..., 1:] = 0
    return Changes(changes.scene, changes.motion, changes.split, codes).pack()


def simplicity(changes: Changes, num_motions: int) -> list[float]:
    """Shares of blocks (own motion, rare motion, split, content), and motions per frame."""
    motion = changes.motion.flatten(0, 1)
    count = torch.zeros(len(motion), num_motions + 1).scatter_add_(
        1, motion, torch.ones_like(motion, dtype=torch.float)
    )
    own = motion != FOLLOW
    rare = own & (count.gather(1, motion) < 3)
    shares = [part.float().mean().item() for part in (own, rare, changes.split > 0, changes.new)]
    return [*shares, (count > 0).sum(1).float().mean().item()]


def row(video: Float[Tensor, "B T H W C"], truth: Float[Tensor, "B T H W C"]) -> str:
    """Mean PSNR of some frames."""
    every = psnr(to_uint8(video), to_uint8(truth)).mean(0)
    return "  ".join(f"{every[t]:5.1f}" for t in FRAMES)


@torch.inference_mode()
def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world")
    parser.add_argument("--sets", nargs="+", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=24)
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = World.load(args.world).tokenizer
    assert isinstance(tokenizer, MotionTokenizer), "a world of whole frames has no changes"
    blocks, motions = tokenizer.config.num_blocks, tokenizer.config.num_motions
    print(f"{processor_name()}, torch {torch.__version__}, {date.today()}, {args.clips} clips")
    print(f"{'set':10}{'own':>7}{'rare':>7}{'split':>7}{'new':>7}{'motions':>9}", end="    ")
    print("  ".join(f"{t:>5}" for t in FRAMES))
    for place in args.sets:
        truth = to_float(read_held_out(place, args.clips, 16, 0).video)
        tokens = tokenizer.encode_pairs(truth)
        *shares, many = simplicity(Changes.unpack(tokens[:, 1:], blocks), motions)
        decoded = tokenizer.decode(first_stage(tokens, blocks), truth[:, 0])
        print(f"{place.name:10}" + "".join(f"{share:7.3f}" for share in shares), end="")
        print(f"{many:9.1f}    {row(decoded, truth)}")
        print(f"{'':47}    {row(truth[:, :1].expand_as(truth), truth)}")


if __name__ == "__main__":
    main()
