"""Whether a world plays in pictures of looks that it was never trained on, and keeps the look.

    python benchmarks/unseen_play.py WORLD --sets CLIPS/ninja CLIPS/photo --out played.png

Every button is held from one picture of each clip. A picture passes *sides* if the world's buttons
for left and right both go that way in their first four presses, by half a pixel per press or more;
*upright* if its button for up does so and is a jump, or if the one for down does so too; *lands* if
a jump of three presses goes up and stands again within 40 frames, half a block or less from where
it began. Between frames the view is followed by the shift of the whole picture that fits best;
after it is taken out, the area that is still in view is compared with the prompt. A picture's
*look* is kept if PSNR of that area is at least 24 dB, as the mean over buttons, and the sharpness
(variance of the Laplacian) of what has scrolled in is 0.5 to 1.5 of the prompt's, as the median.
Printed for each set and for all: pictures that pass each; how far the view has moved, over all
buttons and for the button that moves it farthest; that PSNR and that sharpness; and frames per
second of one player. The picture has rows of prompts: the prompt, then each button's last frame.
The JSON is for `goals.py`.
"""

import argparse
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from torch import Tensor
from unseen import shown

from playworld.evaluate.button_names import arrow_buttons
from playworld.evaluate.buttons import PRESSES
from playworld.evaluate.heldout import read_held_out
from playworld.evaluate.metrics.look import hold, in_view
from playworld.evaluate.movement import HALF_PIXEL, player_movements
from playworld.evaluate.speed import measure_speed, processor_name
from playworld.world import World

WAYS = {"←": (-1, 0), "→": (1, 0), "↑": (0, -1), "↓": (0, 1)}
"""Arrows of buttons, and where they lead (x right, y down)."""
IN_VIEW = 24.0
"""PSNR from which on a look is kept, dB."""
JUMP, WAIT = 3, 37
"""Presses of jump, and of the button for rest after them."""
STANDS, NEAR = 5, 4.0
"""Frames at the end in which one who has landed stands, and how far from the start, pixels."""
SHARP = (0.5, 1.5)
"""Sharpness of new area that keeps a look, as a share of the prompt's."""


@dataclass(frozen=True)
class Played:
    """What was played from each picture."""

    last: UInt8[Tensor, "B columns H W C"]
    """The prompt and each button's last frame."""
    went: dict[str, Bool[Tensor, " B"]]
    """By arrow, for those that the world has a button for."""
    jumps: bool
    """Whether the button for up is a jump."""
    lands: Bool[Tensor, " B"]
    """Whether a jump of a few presses ends where it began."""
    moved: Float[Tensor, "buttons B"]
    """How far the view has moved, pixels."""
    kept: Float[Tensor, "buttons B"]
    """PSNR of the area still in view, dB; NaN where there is none."""
    fresh: Float[Tensor, "buttons B"]
    """Sharpness of new area, as a share of the prompt's; NaN where there is none."""

    def passed(self, rows: slice) -> dict[str, int]:
        """How many of these pictures pass each test."""
        never = torch.zeros(len(self.last), dtype=torch.bool)
        left, right, up, down = (self.went.get(arrow, never)[rows] for arrow in WAYS)
        median = self.fresh[:, rows].nanmedian(dim=0).values
        sharp = median.isnan() | ((median >= SHARP[0]) & (median <= SHARP[1]))
        return {
            "pictures": len(left),
            "sides": int((left & right).sum()),
            "upright": int((up & (down | self.jumps)).sum()),
            "lands": int(self.lands[rows].sum()),
            "look": int(((self.kept[:, rows].nanmean(dim=0) >= IN_VIEW) & sharp).sum()),
        }

    def line(self, name: str, rows: slice) -> str:
        """A row of the table."""
        passed, fresh, kept = self.passed(rows), self.fresh[:, rows], self.kept[:, rows]
        share = f"{fresh[~fresh.isnan()].median():.2f}" if (~fresh.isnan()).any() else "-"
        return (
            f"{name:10}{passed['pictures']:>9}{passed['sides']:>7}{passed['upright']:>9}"
            f"{passed['lands']:>7}{passed['look']:>6}{self.moved[:, rows].mean():>11.1f}"
            f"{self.moved[:, rows].amax(dim=0).mean():>10.1f}"
            f"{shown(kept[~kept.isnan()]):>14}{share:>16}"
        )


HEAD = (
    f"{'set':10}{'pictures':>9}{'sides':>7}{'upright':>9}{'lands':>7}{'look':>6}{'moved, px':>11}"
    f"{'farthest':>10}{'in view, dB':>14}{'new, sharpness':>16}"
)


@torch.no_grad()
def play(world: World, prompts: UInt8[Tensor, "B H W C"], presses: int) -> Played:
    """Hold every button from every prompt."""
    last, shifts = [prompts], []
    moved, kept, fresh = (torch.full((world.num_actions, len(prompts)), torch.nan) for _ in "123")
    begun = world.start(prompts[:, None], list(range(len(prompts))))
    for button in range(world.num_actions):
        frames, way = [prompts], torch.zeros(len(prompts), 2)
        for frame, so_far in hold(world, *begun, button, presses):
            frames.append(frame)
            way = so_far
        shifts.append(player_movements(torch.stack(frames[: PRESSES + 1], 1), "mixed").mean(1))
        last.append(frames[-1])
        moved[button] = way.abs().sum(dim=1)
        for row, pair in enumerate(zip(prompts, frames[-1], way, strict=True)):
            kept[button, row], share = in_view(*pair)
            fresh[button, row] = torch.nan if share is None else share
    buttons = arrow_buttons(world.buttons)
    went = {
        arrow: shifts[buttons[arrow]] @ torch.tensor(way).float() >= HALF_PIXEL
        for arrow, way in WAYS.items()
        if arrow in buttons
    }
    jumps = "↑" in buttons and "jump" in world.buttons[buttons["↑"]].label
    lands = torch.zeros(len(prompts), dtype=torch.bool)
    if jumps and "•" in buttons:
        lands = jump(world, prompts, begun, buttons["↑"], buttons["•"])
    return Played(torch.stack(last, dim=1), went, jumps, lands, moved, kept, fresh)


def jump(
    world: World, prompts: UInt8[Tensor, "B H W C"], begun: Any, up: int, rest: int
) -> Bool[Tensor, " B"]:
    """Whether each picture goes up and comes down again."""
    frames, state = [prompts], begun[1]
    for button in [up] * JUMP + [rest] * WAIT:
        frame, state = world.step(state, [button] * len(prompts))
        frames.append(frame)
    rows = player_movements(torch.stack(frames, dim=1), "mixed")[..., 1]
    rises = rows[:, :JUMP].mean(dim=1) <= -HALF_PIXEL
    return rises & (rows[:, -STANDS:].abs().amax(dim=1) == 0) & (rows.sum(dim=1).abs() <= NEAR)


def main() -> None:
    """Play every set, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world")
    parser.add_argument("--sets", nargs="+", type=Path, required=True, help="folders of clips")
    parser.add_argument("--clips", type=int, default=5, help="prompts of a set (default 5)")
    parser.add_argument("--presses", type=int, default=32)
    parser.add_argument("--out", type=Path, help="where to draw what was played (PNG)")
    parser.add_argument("--json", type=Path, help="where to write what all pictures pass")
    asked = parser.parse_args()
    world = World.load(asked.world)
    parts = [read_held_out(place, asked.clips, 1, seed=0).video[:, 0] for place in asked.sets]
    speed = measure_speed(world, parts[0][:1, None], 40)["fps_median"]
    print(
        f"{processor_name()}, {torch.get_num_threads()} threads, {date.today():%Y-%m-%d}: "
        f"{speed:.1f} frames/s for one player\n{HEAD}"
    )
    played, first = play(world, torch.cat(parts), asked.presses), 0
    grid: list[Any] = []
    for place, prompts in zip(asked.sets, parts, strict=True):
        rows = slice(first, first + len(prompts))
        print(played.line(place.name, rows))
        grid += [torch.cat(list(row), dim=1) for row in played.last[rows][:3]]
        first += len(prompts)
    print(played.line("all", slice(None)))
    if asked.json:
        asked.json.write_text(json.dumps(played.passed(slice(None)) | {"presses": asked.presses}))
    if asked.out:
        Image.fromarray(np.concatenate([row.numpy() for row in grid])).save(asked.out)


if __name__ == "__main__":
    main()
