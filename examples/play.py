"""Play a world from Python: start it from a picture, press buttons, keep what it shows.

    python examples/play.py --world coinrun --out played.gif

A world holds no game: `start` gives the first frame and a state, `step` the next of both. Keep a
state to come back to it; two buttons pressed from one state are two ways to go on.
"""

import argparse
from pathlib import Path

import torch
from PIL import Image

from playworld import World


def main() -> None:
    """Hold the first button, then go back to the start and hold the last one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", default="coinrun", help="folder, or name of a built-in world")
    parser.add_argument("--picture", type=Path, help="any picture; else the world's first prompt")
    parser.add_argument("--presses", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("played.gif"))
    args = parser.parse_args()

    world = World.load(args.world)
    if args.picture:
        prompt = world.prompt(Image.open(args.picture))  # scaled and cropped to the world's size
    else:
        _, prompt = world.prompts()[0]
    first, start = world.start(prompt[None, None], seeds=[0])  # a batch of 1 game, 1 frame

    ways = []
    for action in (0, world.num_actions - 1):
        print(f"holding {world.buttons[action].label}")
        frames, state = [first[0]], start
        for _ in range(args.presses):
            picture, state = world.step(state, [action])
            frames.append(picture[0])
        ways.append(torch.stack(frames))

    beside = torch.cat(ways, dim=2).numpy()  # (time, height, 2 x width, 3)
    size = (4 * beside.shape[2], 4 * beside.shape[1])
    images = [Image.fromarray(frame).resize(size, Image.Resampling.NEAREST) for frame in beside]
    images[0].save(
        args.out, save_all=True, append_images=images[1:], duration=1000 / world.fps, loop=0
    )
    print(f"{len(images)} frames written to {args.out}")


if __name__ == "__main__":
    main()
