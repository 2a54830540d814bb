"""The last picture as a source of copies: at whole pixels, and where the scene has moved to.

The view may move by half pixels, as films and games that are drawn finer than they are shown do.
Between pixels a filter of eight taps interpolates. It keeps edges sharp, and amplifies nothing: a
view that moves by half a pixel in every frame is interpolated over and over, and the six taps of
H.264, which amplify stripes of four pixels by 6%, turn wood and waves into stripes within seconds.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from playworld.models.motion.blocks import number, spread, vector
from playworld.models.motion.layout import BlockLayout

TAPS = tuple(weight / 64 for weight in (-1, 4, -10, 39, 39, -10, 4, -1))
"""Weights of the pixels around the middle between two."""
DIFFERS = 30.5 / 255
"""Sum over the colours of a difference from the scene from which on a pixel stands before it."""
TAKEN = 0.5
"""Of pixels that a block takes along, though nothing says that they stand before the scene."""
NEAR = 8
"""Pixels around what stands before the scene within which nothing else moves by itself."""
MARGIN = len(TAPS) // 2
"""Pixels that it needs on each side."""


@dataclass(frozen=True)
class Source:
    """What blocks are copied from, one row per session."""

    pixels: Float[Tensor, "B 4 P X"]
    """The last picture with `reach` pixels around it, and below that, at the left, the scene as
    its motion makes it. The fourth channel says what a block takes along: see `carried`."""
    reach: int
    """Largest motion, pixels."""

    @staticmethod
    def of(
        window: Float[Tensor, "B C Y X"],
        scene: Int[Tensor, " B"],
        reach: int,
        nothing_moves: Bool[Tensor, " B"],
    ) -> "Source":
        """The source for this motion of the scene; the window has `reach` pixels around it."""
        still = nothing_moves[:, None, None, None]
        layer = torch.where(still, window[:, :3], scene_in(window))
        moved = F.pad(shifted(layer, scene_vector(scene, reach), reach), (0, 2 * reach))
        picture = torch.cat([window[:, :3], carried(window)], dim=1)
        moved = torch.cat([moved, torch.full_like(moved[:, :1], TAKEN)], dim=1)
        return Source(torch.cat([picture, moved], dim=2), reach)

    @property
    def window(self) -> Float[Tensor, "B 3 Y X"]:
        """The last picture with `reach` pixels around it."""
        height = (self.pixels.shape[2] - 2 * self.reach) // 2
        return self.pixels[:, :3, : height + 2 * self.reach]

    @property
    def scene(self) -> Float[Tensor, "B 3 H W"]:
        """The scene where it has moved to."""
        height, width = (side - 2 * self.reach for side in self.pixels.shape[2:])
        return self.pixels[:, :3, -(height // 2) :, :width]

    def copies(
        self, motions: Int[Tensor, "B copies h w"], side: int
    ) -> Float[Tensor, "B copies C H W"]:
        """The pictures whose cells of `side` pixels come from where their motions point to.

        Motions are numbered as in `blocks.vector`; the number after the last is the scene's.
        """
        found = self._found(motions, side)
        return torch.where(found[:, :, 3:] >= TAKEN, found[:, :, :3], self.scene[:, None])

    def before(self, motions: Int[Tensor, "B h w"], side: int) -> Bool[Tensor, "B 1 H W"]:
        """Where what stands before the scene is copied to by these motions."""
        return self._found(motions[:, None], side)[:, 0, 3:] > TAKEN

    def _found(
        self, motions: Int[Tensor, "B copies h w"], side: int
    ) -> Float[Tensor, "B copies 4 H W"]:
        B, K, h, w = motions.shape
        C, columns = self.pixels.shape[1], self.pixels.shape[3]
        span, height, width = 2 * self.reach + 1, h * side, w * side
        corner = motions // span * columns + motions % span
        corner = torch.where(motions == span**2, (height + 2 * self.reach) * columns, corner)
        y = torch.arange(height, device=motions.device)[:, None]
        places = spread(corner, side) + (y * columns + torch.arange(width, device=y.device))
        every = self.pixels.flatten(2)[:, None].expand(-1, K, -1, -1)
        chosen = every.gather(3, places.flatten(2)[:, :, None].expand(-1, -1, C, -1))
        return chosen.view(B, K, C, height, width)


def scene_in(layers: Shaped[Tensor, "B C Y X"]) -> Shaped[Tensor, "B 3 Y X"]:
    """The scene among the channels of a canvas: the picture, where none is kept."""
    return layers[:, 3:6] if layers.shape[1] > 3 else layers


def stands_before(
    picture: Float[Tensor, "B 3 Y X"], scene: Float[Tensor, "B 3 Y X"]
) -> Bool[Tensor, "B 1 Y X"]:
    """Pixels that differ from the scene, and so stand before it."""
    return (picture - scene).abs().sum(1, keepdim=True) > DIFFERS


def carried(window: Float[Tensor, "B C Y X"]) -> Float[Tensor, "B 1 Y X"]:
    """1 for pixels before the scene, `TAKEN` for others that a block takes along, 0 for the rest.

    Near what stands before the scene only that is: the ground under a character is not dragged
    along. Elsewhere all is: what stands there is not known yet.
    """
    if window.shape[1] == 3:  # the scene is not kept
        return torch.full_like(window[:, :1], TAKEN)
    before = window[:, 6:]
    near = F.max_pool2d(before, 2 * NEAR + 1, stride=1, padding=NEAR)
    return torch.maximum(before, TAKEN * (1 - near))


def scene_vector(scene: Int[Tensor, "*batch"], reach: int) -> Int[Tensor, "*batch 2"]:
    """Rows and columns from a pixel to its source, in half pixels, by the number of the motion."""
    return vector(scene, 2 * reach)


def scene_number(halves: Int[Tensor, "*batch 2"], reach: int) -> Int[Tensor, "*batch"]:
    """The inverse of `scene_vector`."""
    return number(halves, 2 * reach)


def whole_motion(scene: Int[Tensor, "*batch"], reach: int) -> Int[Tensor, "*batch"]:
    """The number of a block's motion that is nearest to one of the scene."""
    return number(scene_vector(scene, reach).div(2, rounding_mode="floor"), reach)


def comes_into_view(scene: Int[Tensor, " B"], layout: BlockLayout) -> Bool[Tensor, "B N"]:
    """Blocks that come into view with this motion of the scene, all or in part."""
    motion = scene_vector(scene, layout.reach) / 2
    return ~were_in_view(motion, layout.grid, layout.patch).flatten(1)


def were_in_view(
    motion: Shaped[Tensor, "M 2"], grid: tuple[int, int], side: int
) -> Bool[Tensor, "M h w"]:
    """Cells of a grid, `side` pixels wide, that a motion (pixels) copies from within the view."""
    inside = []
    for axis, count in enumerate(grid):
        first = side * torch.arange(count, device=motion.device) + motion[:, axis, None]
        inside.append((first >= 0) & (first <= side * (count - 1)))
    return inside[0][:, :, None] & inside[1][:, None]


def shifted(
    window: Float[Tensor, "B C Y X"], halves: Int[Tensor, "B 2"], reach: int
) -> Float[Tensor, "B C H W"]:
    """The picture in the middle of the window, moved by half pixels."""
    height, width = (size - 2 * reach for size in window.shape[2:])
    odd = (halves % 2 == 1)[:, :, None, None, None]
    corner = halves.div(2, rounding_mode="floor") + reach
    # Elsewhere asking costs more than doing, and an exported graph has no branches.
    if odd.device.type == "cpu" and not torch.onnx.is_in_onnx_export() and not odd.any():
        return excerpt(window, corner, height, width)
    before, more = MARGIN - 1, 2 * MARGIN - 1
    wide = excerpt(window, corner - before, height + more, width + more)
    across = torch.where(odd[:, 1], between(wide, 3), wide[..., before:-MARGIN])
    return torch.where(odd[:, 0], between(across, 2), across[..., before:-MARGIN, :])


def excerpt(
    window: Float[Tensor, "B C Y X"], corner: Int[Tensor, "B 2"], height: int, width: int
) -> Float[Tensor, "B C height width"]:
    """The pixels from a corner (row, column) of each window on, with its edges repeated."""
    B, C, rows, columns = window.shape
    y = (corner[:, :1] + torch.arange(height, device=corner.device)).clamp(0, rows - 1)
    x = (corner[:, 1:] + torch.arange(width, device=corner.device)).clamp(0, columns - 1)
    places = (y[:, :, None] * columns + x[:, None]).flatten(1)
    chosen = window.flatten(2).gather(2, places[:, None].expand(-1, C, -1))
    return chosen.view(B, C, height, width)


def between(x: Float[Tensor, "B C Y X"], dim: int) -> Float[Tensor, "B C y x"]:
    """Half a pixel further along rows (2) or columns (3), within the range of pixels.

    The first is after as many pixels of `x` as `MARGIN` says, and the last as far from its end.
    """
    count = x.shape[dim] - len(TAPS) + 1
    total = TAPS[0] * x.narrow(dim, 0, count)
    for k in range(1, len(TAPS)):
        total += TAPS[k] * x.narrow(dim, k, count)
    return total.clamp_(0, 1)
