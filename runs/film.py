"""Film the built-in world as it is played, for the README.

    python runs/film.py docs/images/platformer-played.webp

Games side by side, each from another prompt of the world. Every frame but the first is generated,
from the button whose name stands below it.
"""

import argparse
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from playworld import World

Game = tuple[str, str]
"""A prompt; buttons, and how many frames each is held for. All are equally long."""
GAMES: tuple[Game, ...] = (
    ("02", "right*20 jump*6 right*18 stay*6 left*20 stay*10"),
    ("01", "stay*4 jump*6 stay*20 right*24 jump*6 right*20"),
    ("03", "right*30 jump*6 stay*20 left*24"),
    ("04", "stay*4 left*20 jump*6 stay*20 right*30"),
)
SCALE, GAP, CAPTION = 3, 8, 18
"""Screen pixels for one of the world, between games, and below them."""


def presses(game: str) -> list[str]:
    """The button of every frame."""
    held = (part.split("*") for part in game.split())
    return [name for name, count in held for _ in range(int(count))]


def drawn(frames: torch.Tensor, names: list[str]) -> Image.Image:
    """One moment of all games, each with the name of its button below."""
    games, height, width, _ = frames.shape
    step = width * SCALE + GAP
    canvas = Image.new("RGB", (games * step - GAP, height * SCALE + CAPTION), "white")
    pen = ImageDraw.Draw(canvas)
    for number, (frame, name) in enumerate(zip(frames.numpy(), names, strict=True)):
        picture = Image.fromarray(frame).resize((width * SCALE, height * SCALE), 0)
        canvas.paste(picture, (number * step, 0))
        place = (number * step + width * SCALE / 2, height * SCALE + CAPTION / 2)
        pen.text(place, name, "black", anchor="mm")
    return canvas


def main() -> None:
    """Play the four games and write the film."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    world = World.load("platformer")
    number = {button.label: code for code, button in enumerate(world.buttons)}
    prompts = dict(world.prompts())
    start = torch.stack([prompts[prompt] for prompt, _ in GAMES])
    frames, state = world.start(start[:, None], seeds=list(range(len(GAMES))))
    images = [drawn(frames, [""] * len(GAMES))]
    for names in zip(*(presses(held) for _, held in GAMES), strict=True):
        frames, state = world.step(state, [number[name] for name in names])
        images.append(drawn(frames, list(names)))
    images[0].save(
        args.out, save_all=True, append_images=images[1:], duration=round(1000 / world.fps),
        loop=0, quality=70, method=6,
    )  # fmt: skip
    print(f"{len(images)} frames, {args.out.stat().st_size / 1e6:.2f} MB: {args.out}")


if __name__ == "__main__":
    main()
