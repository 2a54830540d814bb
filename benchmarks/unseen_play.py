"""Whether a world that is started from a picture of an unseen look stays in that look.

    python benchmarks/unseen_play.py WORLD --sets CLIPS/ninja CLIPS/photo --out played.png

Every button is held from one picture of each clip. Between frames the view is followed by the shift
of the whole picture that fits best; after it is taken out, the area that is still in view is
compared with the prompt. Printed for each set: how far the view has moved, over all buttons and for
the button that moves it farthest; PSNR of the area still in view after 16 presses; sharpness
(variance of the Laplacian) of what has scrolled in, as a share of the prompt's; and frames per
second of one player. The picture has a row for each prompt: the prompt, then each button's last
frame.
"""

import argparse
from datetime import date
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int, UInt8
from PIL import Image
from torch import Tensor
from unseen import shown

from playworld.evaluate.heldout import read_held_out
from playworld.evaluate.looks import sharpness
from playworld.evaluate.movement import displacement
from playworld.evaluate.speed import measure_speed, processor_name
from playworld.models.pixels import to_float
from playworld.world import World

LEAST = 8
"""Columns or rows that must have scrolled in to be measured, and must still be in view."""


def overlap(
    prompt: UInt8[Tensor, "H W C"], frame: UInt8[Tensor, "H W C"], y: int, x: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Both pictures where they show the same, and the larger part of what has come into view."""
    height, width = prompt.shape[:2]
    one = prompt[max(0, y) : height + min(0, y), max(0, x) : width + min(0, x)]
    two = frame[max(0, -y) : height + min(0, -y), max(0, -x) : width + min(0, -x)]
    new = None
    if abs(x) >= max(LEAST, abs(y)):
        new = frame[:, width - x :] if x > 0 else frame[:, :-x]
    elif abs(y) >= LEAST:
        new = frame[height - y :] if y > 0 else frame[:-y]
    return one, two, new


@torch.no_grad()
def held(
    world: World, prompts: UInt8[Tensor, "B H W C"], button: int, presses: int
) -> tuple[UInt8[Tensor, "B H W C"], Int[Tensor, "B 2"]]:
    """The last frame, and how far the view has moved."""
    last, state = world.start(prompts[:, None], list(range(len(prompts))))
    moved = torch.zeros(len(prompts), 2)
    for _ in range(presses):
        now, state = world.step(state, [button] * len(prompts), in_place=True)
        moved -= displacement(last, now).xy.flip(1)  # the view moves the other way
        last = now
    return last, moved.round().long()


def measure(
    world: World, prompts: UInt8[Tensor, "B H W C"], presses: int
) -> tuple[list[str], UInt8[Tensor, "rows H W C"]]:
    """The cells of one row of the table, and the pictures."""
    height, width = prompts.shape[1:3]
    columns, farthest = [prompts], torch.zeros(len(prompts))
    kept, fresh, ways = [], [], []
    for button in range(world.num_actions):
        last, moved = held(world, prompts, button, presses)
        columns.append(last)
        for row in range(len(prompts)):
            y, x = moved[row].tolist()
            ways.append(float(moved[row].abs().sum()))
            farthest[row] = max(farthest[row], ways[-1])
            if abs(y) > height - LEAST or abs(x) > width - LEAST:
                continue
            one, two, new = overlap(prompts[row], last[row], y, x)
            error = (to_float(one) - to_float(two)).square().mean()
            kept.append(-10 * error.clamp_min(1e-6).log10())
            if new is not None:
                share = sharpness(new[None, None]) / sharpness(prompts[row, None, None]).clamp_min(
                    1e-4
                )
                fresh.append(share[0, 0])
    way = sum(ways) / len(ways)
    sharp = f"{torch.stack(fresh).median():.2f}" if fresh else "-"
    cells = [f"{way:.1f}", f"{farthest.mean():.1f}", shown(torch.stack(kept)), sharp]
    return cells, torch.stack(columns, dim=1)


def main() -> None:
    """Play every set, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world")
    parser.add_argument("--sets", nargs="+", type=Path, required=True, help="folders of clips")
    parser.add_argument("--clips", type=int, default=10, help="prompts of a set (default 10)")
    parser.add_argument("--presses", type=int, default=16)
    parser.add_argument("--out", type=Path, help="where to draw what was played (PNG)")
    asked = parser.parse_args()
    world, grid = World.load(asked.world), []
    first = read_held_out(asked.sets[0], 1, 1, seed=0).video
    speed = measure_speed(world, first, 40)["fps_median"]
    print(
        f"{processor_name()}, {torch.get_num_threads()} threads, {date.today():%Y-%m-%d}: "
        f"{speed:.1f} frames/s for one player\n"
        f"{'set':10}{'moved, px':>10}{'farthest':>10}{'in view, dB':>14}{'new, sharpness':>16}"
    )
    for place in asked.sets:
        prompts = read_held_out(place, asked.clips, asked.presses + 1, seed=0).video[:, 0]
        cells, pictures = measure(world, prompts, asked.presses)
        print(
            f"{place.name:10}{cells[0]:>10}{cells[1]:>10}{cells[2]:>19}{cells[3]:>16}", flush=True
        )
        grid += [torch.cat(list(row), dim=1) for row in pictures[:3]]
    if asked.out:
        Image.fromarray(np.concatenate([row.numpy() for row in grid])).save(asked.out)


if __name__ == "__main__":
    main()
