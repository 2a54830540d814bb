"""The picture from which the next frame is built: the last frame, and what has left the view.

The plane around the first picture is its mirror tiling, kept as a torus of twice the height and
twice the width. The view moves over it, so what scrolls out is still there when the view comes
back, and where nothing was shown yet it looks like the first picture rather than its edge.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from playworld.models.motion.flight import no_flight
from playworld.models.rows import Rows


@dataclass(frozen=True)
class Canvas(Rows):
    """A torus of pixels and where on it the view is; rows are sessions.

    Not changed in place unless `moved` is asked to: a state that holds one can be kept and
    branched.
    """

    pixels: UInt8[Tensor, "B C Y X"]
    """Twice as high and twice as wide as a frame: the picture, and below it in the channels, where
    the tokenizer keeps that, the scene without what stands before it, and 255 where that stands."""
    corner: Int[Tensor, "B 2"]
    """Row and column of the view's upper left pixel, in half pixels."""
    flight: Int[Tensor, "B 7"]
    """How the view has moved so far: see `flight`."""

    @staticmethod
    def around(frames: UInt8[Tensor, "B C H W"]) -> "Canvas":
        """The mirror tiling of one picture per row, with all its layers."""
        wide = torch.cat([frames, frames.flip(3)], dim=3)
        corner = torch.zeros(len(frames), 2, dtype=torch.long, device=frames.device)
        flight = no_flight(len(frames), frames.device)
        return Canvas(torch.cat([wide, wide.flip(2)], dim=2), corner, flight)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a frame."""
        return self.pixels.shape[2] // 2, self.pixels.shape[3] // 2

    def view(self, margin: int = 0) -> UInt8[Tensor, "B C H W"]:
        """The part in view, and `margin` pixels on every side of it."""
        B, C = self.pixels.shape[:2]
        height, width = (side + 2 * margin for side in self.size)
        places = self._places(self.corner - 2 * margin, height, width)
        chosen = self.pixels.flatten(2).gather(2, places[:, None].expand(-1, C, -1))
        return chosen.view(B, C, height, width)

    def moved(
        self,
        motion: Int[Tensor, "B 2"],
        frames: UInt8[Tensor, "B C H W"],
        in_place: bool = False,
    ) -> "Canvas":
        """The canvas with the view moved, in half pixels (rows, columns), and `frames` in it.

        The flight stays as it was.
        """
        C = self.pixels.shape[1]
        corner = (self.corner + motion) % (2 * self.corner.new_tensor(self.pixels.shape[2:]))
        places = self._places(corner, *self.size)[:, None].expand(-1, C, -1)
        flat, new = self.pixels.flatten(2), frames.flatten(2)
        moved = flat.scatter_(2, places, new) if in_place else flat.scatter(2, places, new)
        return Canvas(moved.view_as(self.pixels), corner, self.flight)

    def _places(self, corner: Int[Tensor, "B 2"], height: int, width: int) -> Int[Tensor, "B _"]:
        """Where on the flattened torus the pixels of a rectangle lie."""
        rows, columns = self.pixels.shape[2:]
        device = corner.device
        whole = corner.div(2, rounding_mode="floor")
        y = (whole[:, :1] + torch.arange(height, device=device)) % rows
        x = (whole[:, 1:] + torch.arange(width, device=device)) % columns
        return (y[:, :, None] * columns + x[:, None]).flatten(1)
