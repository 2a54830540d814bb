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
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor
from unseen import shown

from playworld.evaluate.heldout import read_held_out
from playworld.evaluate.metrics.look import hold, in_view
from playworld.evaluate.speed import measure_speed, processor_name
from playworld.world import World


@torch.no_grad()
def measure(
    world: World, prompts: UInt8[Tensor, "B H W C"], presses: int
) -> tuple[list[str], UInt8[Tensor, "rows H W C"]]:
    """The cells of one row of the table, and the pictures."""
    columns, farthest = [prompts], torch.zeros(len(prompts))
    kept, fresh, ways = [], [], []
    begun = world.start(prompts[:, None], list(range(len(prompts))))
    for button in range(world.num_actions):
        *_, (last, moved) = hold(world, *begun, button, presses)
        columns.append(last)
        for row in range(len(prompts)):
            ways.append(float(moved[row].abs().sum()))
            farthest[row] = max(farthest[row], ways[-1])
            score, share = in_view(prompts[row], last[row], moved[row])
            kept += [score] if score == score else []
            fresh += [share] if share is not None else []
    way = sum(ways) / len(ways)
    sharp = f"{torch.stack(fresh).median():.2f}" if fresh else "-"
    cells = [f"{way:.1f}", f"{farthest.mean():.1f}", shown(torch.tensor(kept)), sharp]
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
