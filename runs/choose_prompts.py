"""Chooses the prompts of a finished world anew: its weights, buttons and card stay as they are.

    python runs/choose_prompts.py WORLD CLIPS [--prompts FOLDER]

Prompts 01 to 08 are frames of CLIPS (held-out ones, where it has some) from which right and left
can be walked; the pictures of FOLDER follow. Prints for each of them, as it was and as it is, the
share of the presses of right and left, two of each, that move the player that way.
"""

import argparse
from pathlib import Path

import torch

from playworld.export.choose_prompts import freedom
from playworld.export.prompts import choose_prompts, fit_prompts, read_pictures
from playworld.world import World


def report(world: World) -> str:
    """The freedom of every prompt, in a line."""
    names, frames = zip(*world.prompts(), strict=True)
    shares = freedom(world, torch.stack(frames)).tolist()
    return ", ".join(f"{name} {share:.2f}" for name, share in zip(names, shares, strict=True))


def main() -> None:
    """Choose, save and say what has changed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--prompts", type=Path, help="a folder of pictures to add")
    arguments = parser.parse_args()
    world = World.load(arguments.world)
    print("before:", report(world))
    pictures = read_pictures(arguments.prompts) if arguments.prompts else {}
    prompts = choose_prompts(arguments.clips, world) | fit_prompts(world, pictures)
    world.save(arguments.world, prompts=prompts)
    print("after:", report(World.load(arguments.world)))


if __name__ == "__main__":
    main()
