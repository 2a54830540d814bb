"""Load a world from the Hugging Face Hub, or put one there.

    python examples/hub.py OWNER/NAME                    fetch it, once, and press every button
    python examples/hub.py my-world --push OWNER/NAME    upload (after `hf auth login`)

A world on the Hub is a model repository with the files of a world folder, so a folder will do in
place of OWNER/NAME. Only those files are fetched, no code, and each is checked by its SHA-256.
"""

import argparse

import torch

from playworld import World


def main() -> None:
    """Open the world, show what it is, press every button once; upload it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world", help="OWNER/NAME on the Hub, or a folder")
    parser.add_argument("--revision", help="branch, tag or commit of the repository")
    parser.add_argument("--push", metavar="OWNER/NAME", help="upload it under this name")
    parser.add_argument("--private", action="store_true", help="with --push: only for you")
    args = parser.parse_args()

    world = World.from_pretrained(args.world, revision=args.revision)
    print(f"{world.config.name}: {world.width}x{world.height} at {world.fps:g} frames per second")

    # One batch: row k presses button k, all from the same picture with the same randomness.
    _, prompt = world.prompts()[0]
    rows = world.num_actions
    first, state = world.start(prompt.expand(rows, 1, -1, -1, -1), seeds=[0] * rows)
    frames, _ = world.step(state, torch.arange(rows))
    for button, frame in zip(world.buttons, frames, strict=True):
        change = (frame.float() - first[0]).abs().mean().item()
        print(f"{button.arrow} {button.label}: pixels change by {change:.1f} of 255 on average")

    if args.push:
        print(f"uploaded to {world.push_to_hub(args.push, private=args.private)}")


if __name__ == "__main__":
    main()
