"""Batch invariance: results of a row that are the same to the bit in any batch.

A frame must not depend on which other sessions share its pass: replays and saved games are compared
to the bit. But kernels choose their order of summation by the shape of a batch, and orders round
differently. Each function here avoids one such choice; all but the last run on any device.

Three more cases lie where they are needed: `attention.recall` sums products instead of multiplying
one row by a matrix, `world.Engine` gives each batch its own threads, and `world.traced_passes`
discards a trace that gives other bits.
"""

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

FEWEST_ROWS = 4
"""A linear map of fewer rows rounds by their number."""


def repeated(row: Float[Tensor, "*batch 1 D"], rows: Any = FEWEST_ROWS) -> Tensor:
    """One row as several, for a linear map that is the same for all; without a copy.

    `rows` is an integer, or the tensor that stands for one while a pass is traced.
    """
    return row.expand(*row.shape[:-2], rows, -1)


def tiled_rows(x: Float[Tensor, "B ..."], rows: int = FEWEST_ROWS) -> Float[Tensor, "M ..."]:
    """Rows and then the same rows again, `rows` in all at least."""
    return x[torch.arange(max(rows, len(x)), device=x.device) % len(x)]


def padded(x: Float[Tensor, "B D"], rows: int) -> Float[Tensor, "M D"]:
    """Rows and then zeros, `rows` at least."""
    return F.pad(x, (0, 0, 0, max(0, rows - len(x))))


def lone_picture_doubled(forward: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A `forward` of batch and time that computes a lone picture as a batch of two.

    Convolutions of one picture take other kernels than those of several.
    """

    @functools.wraps(forward)
    def doubled(module: Any, x: Tensor) -> Tensor:
        if x.shape[:2] != (1, 1) or torch.onnx.is_in_onnx_export():
            return forward(module, x)
        return forward(module, torch.cat([x, x]))[:1]

    return doubled


def row_by_row(function: Callable[..., Tensor], *batch: Tensor) -> Tensor:
    """A function of batches, computed on a CPU for one row at a time.

    For convolutions, whose kernels differ there by the size of the batch. It costs little on a CPU
    and much on a GPU, which computes the whole batch.
    """
    if batch[0].device.type != "cpu":
        return function(*batch)
    return torch.cat([function(*row) for row in zip(*(t.split(1) for t in batch), strict=True)])
