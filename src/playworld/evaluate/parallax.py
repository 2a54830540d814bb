"""Parallax: does what is near move further than what is far, when a button moves the camera?

Nothing labels which pixels are near. In most games and films of the world the ground is, so the
picture is cut into bands, from top to bottom, and each is registered by itself.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from playworld.evaluate.buttons import press_each
from playworld.evaluate.frame_grid import FrameGrid
from playworld.evaluate.intervals import interval
from playworld.evaluate.movement import displacement
from playworld.words import counted
from playworld.world import World

BANDS = 4
"""Bands of the picture; those of 64 rows are 16 rows high, and show shifts of up to 4 pixels."""


@dataclass(frozen=True)
class Parallax:
    """How far the bands of the picture move with one button held."""

    button: int
    video: UInt8[Tensor, "starts K H W C"]
    """The start, then the frame after each press."""
    bands: list[dict[str, float | None]]
    """From top to bottom, columns per press to the right: `mean`, `low`, `high` over starts."""

    @property
    def way(self) -> float:
        """How far the band that moves furthest goes to the right, in pixels per press."""
        return max((band["mean"] or 0.0 for band in self.bands), key=abs)


def band_shifts(
    video: UInt8[Tensor, "starts K H W C"], bands: int = BANDS
) -> Float[Tensor, "starts bands"]:
    """Columns that each band goes to the right from frame to frame, a mean over the frames."""
    height = video.shape[2] // bands
    before, after = video[:, :-1].flatten(0, 1), video[:, 1:].flatten(0, 1)
    shifts = []
    for band in range(bands):
        rows = slice(band * height, (band + 1) * height)
        moved = displacement(before[:, rows], after[:, rows]).xy[:, 0]
        shifts.append(moved.reshape(len(video), -1).mean(dim=1))
    return torch.stack(shifts, dim=1)


def measure_parallax(
    world: World, starts: UInt8[Tensor, "starts P H W C"], presses: int, seed: int = 0
) -> list[Parallax]:
    """Every button held from every start; the button that moves the picture furthest comes first.

    Args:
        world: which is played.
        starts: prompts of one frame or more.
        presses: frames that each button is held for.
        seed: of the noise.
    """
    made = []
    for button, video in enumerate(press_each(world, starts, presses, seed)):
        bands = [interval(shift) for shift in band_shifts(video).unbind(dim=1)]
        made.append(Parallax(button, video, bands))
    return sorted(made, key=lambda row: -abs(row.way))


def parallax_picture(world: World, rows: list[Parallax], start: int = 0) -> Image.Image:
    """Buttons down, presses across; on the last frame how far each band moves per press."""
    presses, starts = rows[0].video.shape[1] - 1, len(rows[0].video)
    grid = FrameGrid(
        len(rows),
        1 + presses,
        (world.height, world.width),
        f"{world.config.name}: does what is near move further?",
        "pixels per press that each band moves over the screen, mean of "
        f"{counted(starts, 'start')}",
        lead=1,
        names=[world.buttons[row.button].label for row in rows],
    )
    grid.head(0, "start")
    for number, row in enumerate(rows):
        for column in range(presses + 1):
            grid.frame(number, column, row.video[start, column])
        for band, moved in enumerate(row.bands):
            shift = moved["mean"] or 0.0
            grid.mark(number, presses, (band + 0.5) / len(row.bands), shift, f"{shift:+.1f}")
    for column in range(1, presses + 1):
        grid.head(column, f"press {column}")
    return grid.image
