"""How a world of changes errs, apart from how the scene moves: its own frames, and its decisions.

    python benchmarks/own_frames.py WORLD [WORLD ...] --clips CLIPS

With the true motion of the scene, the true actions and true content where something comes into
view, the blocks are drawn as in play: PSNR of the first, second, fourth, eighth and twelfth own
frame after four true ones, over the clips that move. Below it the same with true tokens of the
first stage. Then, with a true past, how much of what true tokens contain the world decides too, and
how much of what it decides they contain: blocks with a motion of their own, split blocks, blocks
with content; in frames in which the scene moves up (a jump), down (a fall), aside, or not.
"""

import argparse
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from unittest.mock import patch

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from playworld.evaluate.heldout import read_held_out
from playworld.evaluate.image_quality import psnr
from playworld.evaluate.speed import processor_name
from playworld.models.motion.changes import FOLLOW, Changes
from playworld.models.motion.dynamics import MotionDynamics
from playworld.models.motion.source import scene_vector
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.pixels import to_float, to_uint8
from playworld.train.objectives.own_rollouts import TEMPERATURE, roll_out
from playworld.world import World
from playworld.world.token_sampler import ChangeSampler

LENGTH = 16
TRUE = 4
FRAMES = (1, 2, 4, 8, 12)
FAST = 3
"""Pixels up or down in a frame from which on it is a jump or a fall."""


class Clips:
    """Held-out clips as a world sees them."""

    def __init__(self, world: World, video: Float[Tensor, "B T H W C"]) -> None:
        models, dynamics, tokenizer = world.models, world.dynamics, world.tokenizer
        if not (isinstance(tokenizer, MotionTokenizer) and isinstance(dynamics, MotionDynamics)):
            raise SystemExit("a world of whole frames has no changes")
        self.tokenizer, self.dynamics, self.video = tokenizer, dynamics, video
        self.tokens = tokenizer.encode_pairs(video)
        codes = models.actions.encode(tokenizer.code_grid(self.tokens))
        self.actions = models.actions.embed(codes)
        self.blocks = tokenizer.config.num_blocks
        moves = self.tokens[:, TRUE:, 0] != tokenizer.config.num_scenes // 2
        self.moving = moves.float().mean(1) > 0.5

    def own_frames(self) -> str:
        """PSNR of own frames."""
        size = ChangeSampler(self.dynamics.config).draws
        noise = torch.rand(*self.video.shape[:2], size, generator=torch.Generator().manual_seed(0))
        begins = torch.full((len(self.video),), TRUE)
        own = roll_out(
            self.tokenizer, self.dynamics, self.video, self.actions, self.tokens, begins, noise
        )
        error = psnr(to_uint8(own.pictures), to_uint8(self.video))[self.moving].mean(0)
        return "  ".join(f"{error[TRUE - 1 + frame]:5.2f}" for frame in FRAMES)

    def true_tokens(self) -> str:
        """The same for a world that decides as the true tokens do, but for later stages."""

        def draw(sampler: object, target: Int[Tensor, "B L"], *_: object) -> Changes:
            changes = Changes.unpack(target, self.blocks)
            codes = changes.codes.clone()
            codes[..., 1:] = 0
            return Changes(changes.scene, changes.motion, changes.split, codes)

        with patch.object(ChangeSampler, "draw_blocks", draw):
            return self.own_frames()

    def decisions(self) -> Iterator[str]:
        """Shares that are decided as in truth, for each way of moving."""
        clips, frames = self.tokens.shape[:2]
        hidden = torch.zeros(clips, frames, self.blocks + 1, dtype=torch.bool)
        hidden[:, 1:, 1:] = True
        seen, moved, flight = self.tokenizer.context_pictures(self.tokens, self.video)
        logits = self.dynamics(self.tokens, hidden, self.actions, seen, moved, flight)
        logits = logits.flatten(0, 1)
        sampler, rows = ChangeSampler(self.dynamics.config), self.tokens[:, 1:].flatten(0, 1)
        noise = torch.rand(len(rows), sampler.draws, generator=torch.Generator().manual_seed(1))
        drawn = sampler.draw_blocks(rows, logits, TEMPERATURE, noise)
        truth = Changes.unpack(rows, self.blocks)
        down, aside = (scene_vector(rows[:, 0], self.tokenizer.config.reach) / 2).unbind(-1)
        ways = {
            "up": down <= -FAST,
            "down": down >= FAST,
            "aside": (down == 0) & (aside != 0),
            "not": (down == 0) & (aside == 0),
        }
        for name, some in ways.items():
            shares = [
                both(truth.motion != FOLLOW, drawn.motion != FOLLOW, some),
                both(truth.split > 0, drawn.split > 0, some),
                both(truth.new, drawn.new, some),
            ]
            yield f"  {name:8}{int(some.sum()):7}    " + "    ".join(shares)


def both(truth: Bool[Tensor, "M N"], drawn: Bool[Tensor, "M N"], some: Bool[Tensor, " M"]) -> str:
    """Recall and precision over some frames."""
    hits = (truth & drawn)[some].sum()
    recall, precision = hits / truth[some].sum(), hits / drawn[some].sum()
    return f"{100 * recall:5.0f}% {100 * precision:4.0f}%"


@torch.inference_mode()
def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", nargs="+", type=Path, metavar="WORLD")
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--count", type=int, default=64)
    args = parser.parse_args()
    torch.set_num_threads(1)
    video = to_float(read_held_out(args.clips, args.count, LENGTH, 0).video)
    print(f"{processor_name()}, torch {torch.__version__}, {date.today()}, {len(video)} clips")
    for place in args.worlds:
        clips = Clips(World.load(place), video)
        print(f"{place.name}: own frames " + ", ".join(map(str, FRAMES)))
        print(f"  drawn          {clips.own_frames()} dB")
        print(f"  true tokens    {clips.true_tokens()} dB")
        print("  scene    frames    own motion     split          content (recall, precision)")
        for line in clips.decisions():
            print(line)


if __name__ == "__main__":
    main()
