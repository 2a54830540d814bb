"""Rollouts of worlds with the actions of true video, beside a copy of the last prompt frame.

    python benchmarks/unseen_rollouts.py WORLD [WORLD ...] --sets TEST/ninja TEST/photo

PSNR in dB of the first, the fourth and the last generated frame, over the clips that move. The
actions are inferred from the true video, so this is an upper bound for what buttons can reach.
"""

import argparse
from pathlib import Path

from jaxtyping import Float, UInt8
from torch import Tensor

from playworld.evaluate.heldout import read_held_out
from playworld.evaluate.image_quality import psnr
from playworld.evaluate.rollouts import press
from playworld.world import World

MOVES = 20.0
"""Mean squared change from frame to frame, of 255 squared, from which on a clip moves."""


def rollout(world: World, video: UInt8[Tensor, "B T H W 3"], prompt: int) -> Float[Tensor, "B S"]:
    """PSNR of the frames after a prompt of that many."""
    actions = world.infer_actions(video)[:, prompt - 1 :]
    _, state = world.start(video[:, :prompt], [0] * len(video))
    return psnr(press(world, state, actions), video[:, prompt:])


def main() -> None:
    """Print a line for each set, length of prompt and world."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", nargs="+", type=Path)
    parser.add_argument("--sets", nargs="+", type=Path, required=True, help="folders of clips")
    parser.add_argument("--prompts", nargs="+", type=int, default=[1, 4], help="pictures")
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--frames", type=int, default=9, help="of a clip")
    parser.add_argument("--seed", type=int, default=3)
    args = parser.parse_args()
    worlds = {path.name: World.load(path) for path in args.worlds}
    print("set        prompt  clips  world           first  fourth    last")
    for folder in args.sets:
        video = read_held_out(folder, args.clips, args.frames, args.seed).video
        change = (video[:, 1:].float() - video[:, :-1].float()).square().mean((1, 2, 3, 4))
        video = video[change > MOVES]
        for prompt in args.prompts:
            true = video[:, prompt:]
            rows = {"copy": psnr(video[:, prompt - 1, None].expand_as(true), true)}
            rows |= {name: rollout(world, video, prompt) for name, world in worlds.items()}
            for name, found in rows.items():
                mean = found.mean(0)
                figures = f"{mean[0]:6.2f}  {mean[3]:6.2f}  {mean[-1]:6.2f}"
                print(
                    f"{folder.name:9}  {prompt:6}  {len(video):5}  {name:12}  {figures}", flush=True
                )


if __name__ == "__main__":
    main()
