"""Pictures as blocks of pixels and back, and the numbers of their motions."""

from functools import lru_cache

import torch
from einops import rearrange
from jaxtyping import Float, Int, Shaped
from torch import Tensor


def to_blocks(x: Float[Tensor, "B C H W"], side: int) -> Float[Tensor, "B N pixels"]:
    """Squares of `side` pixels, row by row; each is C x side x side numbers."""
    return rearrange(x, "B C (h a) (w b) -> B (h w) (C a b)", a=side, b=side)


def from_blocks(
    x: Float[Tensor, "B N pixels"], size: tuple[int, int], side: int
) -> Float[Tensor, "B C H W"]:
    """The picture of `size` (rows, columns) that these squares make."""
    h, w = size[0] // side, size[1] // side
    return rearrange(x, "B (h w) (C a b) -> B C (h a) (w b)", h=h, w=w, a=side, b=side)


def spread(cells: Shaped[Tensor, "B M h w"], side: int) -> Shaped[Tensor, "B M H W"]:
    """One value per cell as one value per pixel, or per smaller cell."""
    B, K, h, w = cells.shape
    wide = cells[:, :, :, None, :, None].expand(B, K, h, side, w, side)
    return wide.reshape(B, K, h * side, w * side)


def to_quarters(cells: Shaped[Tensor, "B Y X M"]) -> Shaped[Tensor, "B N 4 M"]:
    """Cells of half a block's side, gathered by block."""
    return rearrange(cells, "B (h a) (w b) M -> B (h w) (a b) M", a=2, b=2)


def from_quarters(
    quarters: Shaped[Tensor, "B N 4"], grid: tuple[int, int]
) -> Shaped[Tensor, "B Y X"]:
    """The inverse of `to_quarters`, of a frame with `grid` (rows, columns) of blocks."""
    return rearrange(quarters, "B (h w) (a b) -> B (h a) (w b)", h=grid[0], a=2, b=2)


def vector(motion: Int[Tensor, "*batch"], reach: int) -> Int[Tensor, "*batch 2"]:
    """Rows and columns from a pixel to its source, by the number of the motion."""
    span = 2 * reach + 1
    return torch.stack([motion // span - reach, motion % span - reach], dim=-1)


def number(vector: Int[Tensor, "*batch 2"], reach: int) -> Int[Tensor, "*batch"]:
    """The inverse of `vector`."""
    rows, columns = (vector + reach).unbind(-1)
    return rows * (2 * reach + 1) + columns


@lru_cache(maxsize=16)
def on_device(numbers: tuple, device: torch.device) -> Int[Tensor, "..."]:
    """Constants as a tensor; kept, because each copy to a GPU would wait for it."""
    return torch.tensor(numbers, device=device)


def still(reach: int) -> int:
    """The number of the motion that does not move."""
    return ((2 * reach + 1) ** 2 - 1) // 2
