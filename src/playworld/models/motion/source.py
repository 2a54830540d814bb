"""The last picture as a source of copies: at whole pixels, and where the scene has moved to.

The view may move by half pixels, as films and games that are drawn finer than they are shown do.
Between pixels the six-tap filter of H.264 interpolates, which keeps edges sharp.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from playworld.models.motion.blocks import spread

TAPS = (1 / 32, -5 / 32, 20 / 32, 20 / 32, -5 / 32, 1 / 32)
"""Weights of the pixels around the middle between two."""


@dataclass(frozen=True)
class Source:
    """What blocks are copied from, one row per session."""

    window: Float[Tensor, "B C Y X"]
    """The last picture with `reach` pixels around it."""
    moved: Float[Tensor, "B C H W"]
    """The picture as the scene's motion makes it."""
    reach: int
    """Largest motion, pixels."""

    @staticmethod
    def of(window: Float[Tensor, "B C Y X"], scene: Int[Tensor, " B"], reach: int) -> "Source":
        """The source for this motion of the scene."""
        return Source(window, shifted(window, scene_vector(scene, reach), reach), reach)

    def copy(self, motion: Int[Tensor, "B h w"], side: int) -> Float[Tensor, "B C H W"]:
        """The picture whose cells of `side` pixels come from where their motions point to.

        Motions are numbered as in `blocks.vector`; the number after the last is the scene's.
        """
        B, C, rows, columns = self.window.shape
        motion, span = spread(motion, side), 2 * self.reach + 1
        height, width = motion.shape[1:]
        y = torch.arange(height, device=motion.device)[:, None]
        x = torch.arange(width, device=motion.device)
        elsewhere = (y + motion // span) * columns + x + motion % span
        places = torch.where(motion == span**2, rows * columns + y * width + x, elsewhere)
        every = torch.cat([self.window.flatten(2), self.moved.flatten(2)], dim=2)
        chosen = every.gather(2, places.flatten(1)[:, None].expand(-1, C, -1))
        return chosen.view(B, C, height, width)


def scene_vector(scene: Int[Tensor, "*batch"], reach: int) -> Int[Tensor, "*batch 2"]:
    """Rows and columns from a pixel to its source, in half pixels, by the number of the motion."""
    span = 4 * reach + 1
    return torch.stack([scene // span - 2 * reach, scene % span - 2 * reach], dim=-1)


def scene_number(halves: Int[Tensor, "*batch 2"], reach: int) -> Int[Tensor, "*batch"]:
    """The inverse of `scene_vector`."""
    span = 4 * reach + 1
    return (halves[..., 0] + 2 * reach) * span + halves[..., 1] + 2 * reach


def shifted(
    window: Float[Tensor, "B C Y X"], halves: Int[Tensor, "B 2"], reach: int
) -> Float[Tensor, "B C H W"]:
    """The picture in the middle of the window, moved by half pixels."""
    odd = (halves % 2 == 1)[:, :, None, None, None]
    if odd.device.type != "cpu" or bool(odd.any()):  # elsewhere asking costs more than doing
        window = torch.where(odd[:, 1], between(window, 3), window)
        window = torch.where(odd[:, 0], between(window, 2), window)
    return middle(window[:, None], torch.zeros_like(halves[:, 0]), halves, reach)


def phases(window: Float[Tensor, "B C Y X"]) -> Float[Tensor, "B 4 C Y X"]:
    """The window, and half a pixel further along columns, along rows, and along both."""
    right = between(window, 3)
    return torch.stack([window, right, between(window, 2), between(right, 2)], dim=1)


def middle(
    windows: Float[Tensor, "B K C Y X"],
    which: Int[Tensor, " B"],
    halves: Int[Tensor, "B 2"],
    reach: int,
) -> Float[Tensor, "B C H W"]:
    """The middle of one window of each row, moved by the whole part of this many half pixels."""
    _, _, C, rows, columns = windows.shape
    height, width = rows - 2 * reach, columns - 2 * reach
    whole = halves.div(2, rounding_mode="floor") + reach
    y = whole[:, :1] + torch.arange(height, device=windows.device)
    x = whole[:, 1:] + torch.arange(width, device=windows.device)
    places = (y[:, :, None] * columns + x[:, None]).flatten(1)
    plane = which[:, None] * C + torch.arange(C, device=which.device)
    places = plane[:, :, None] * (rows * columns) + places[:, None]
    return windows.flatten(1).gather(1, places.flatten(1)).view(-1, C, height, width)


def between(x: Float[Tensor, "B C Y X"], dim: int) -> Float[Tensor, "B C Y X"]:
    """Half a pixel further along rows (2) or columns (3), within the range of pixels."""
    pads = (2, 3, 0, 0) if dim == 3 else (0, 0, 2, 3)
    wide, count = F.pad(x, pads, mode="replicate"), x.shape[dim]
    total = torch.zeros_like(x)
    for offset, weight in enumerate(TAPS):
        total = total + weight * wide.narrow(dim, offset, count)
    return total.clamp(0, 1)
