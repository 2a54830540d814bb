"""Block matching: where in the last picture every block of the next one comes from."""

import itertools
import math

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from playworld.models.motion.blocks import on_device, still, vector
from playworld.models.motion.changes import QUARTERS, alternatives, join_digits
from playworld.models.motion.source import (
    MARGIN,
    between,
    excerpt,
    scene_number,
    scene_vector,
    shifted,
    were_in_view,
)

NOISE = 4e-4
"""Mean square (of pixels in [0, 1]) by which a block may differ from its source."""
LARGEST = 0.05
"""Errors above this count as this: whatever the motion, such a block is new."""
PREFER_REST = 0.98
"""Errors of a scene at rest count as this share of themselves, so that blank pictures are."""
CLEARLY = 0.7
"""A block takes another motion of the frame where that leaves this share of its error or less."""
MOTIONS = 6
"""Most motions of a frame beside those of the scene and of rest."""
GAIN = 2e-3
"""Sum over the blocks of the error that a further motion of the frame has to mend."""
WORTH = 0.8
"""A block is split, or has a motion that no other has, where that leaves this share of its error or
less."""
ALONE = 0.3
"""The same for a motion that no other block has, where it is to be predicted: what comes into view
matches something by accident, a figure that moves matches itself."""
HALF = 0.9
"""The scene moves by half a pixel where that leaves this share of the error or less."""
STEPS = ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))
"""Half pixels (rows, columns) beyond its motion in whole pixels by which the scene may move."""
STRIP = 64
"""Columns of a frame that are matched at once."""


def matching_costs(
    window: UInt8[Tensor, "B C Y X"], frame: UInt8[Tensor, "B C H W"], side: int, reach: int
) -> Float[Tensor, "B h w M"]:
    """Mean squared error of every cell of `side` pixels of `frame` at its M sources in `window`.

    Sums of whole numbers, which are exact up to 2^24: sources that are as good are equal on every
    machine, and which of them is taken does not depend on rounding (in blocks of up to 16 pixels).
    """
    B, C, H, W = frame.shape
    around, picture, span = window.float() - 128, frame.float() - 128, 2 * reach + 1
    errors = picture.new_empty(B, H // side, W // side, span, span)
    kind = "cuda" if frame.is_cuda else "cpu"
    with torch.autocast(kind, enabled=False):
        for row, left in itertools.product(range(B), range(0, W, STRIP)):
            right = min(left + STRIP, W)
            strip = around[row, :, :, left : right + 2 * reach], picture[row, :, :, left:right]
            errors[row, :, left // side : right // side] = _square_errors(*strip, side, reach)
    return errors.div_(C * side**2 * 255**2).flatten(3)


def _square_errors(
    window: Float[Tensor, "C Y X"], frame: Float[Tensor, "C H W"], side: int, reach: int
) -> Float[Tensor, "h w span span"]:
    """Sums of the squares of the errors of every cell of one picture, at all its sources.

    By |x - y|^2 = |x|^2 + |y|^2 - 2xy, of which the last is one product of matrices for every row
    of cells, with all places in the rows of the window where they may come from. Most of these lie
    too far to the left or right and are left out: a large product is quicker than many small ones.
    """
    span = 2 * reach + 1
    here = rearrange(frame, "C (h a) (w b) -> h w (C a b)", a=side, b=side)
    there = window.unfold(1, side, 1).unfold(2, side, 1)
    width = there.shape[2]  # places in a row of the window
    there = rearrange(there, "C y x a b -> (C a b) (y x)")
    strips = there.unfold(1, span * width, side * width).transpose(0, 1)
    product = torch.bmm(here, strips).unflatten(2, (span, width))
    # Cell number k of a row has its sources from column k * side on.
    near = product.unfold(3, span, side).diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)
    energy = window.square().sum(0).unfold(0, side, 1).sum(-1).unfold(1, side, 1).sum(-1)
    energy = energy.unfold(0, span, side).unfold(1, span, side)
    own = here.square().sum(-1)[..., None, None]
    return torch.sub(energy, near, alpha=2).add_(own)


def scene_motion(costs: Float[Tensor, "B N M"], reach: int) -> Int[Tensor, " B"]:
    """The motion that explains most of the frame.

    Errors are summed and not blocks counted: edges say how the scene moves, and a dark background,
    which matches everywhere, does not.
    """
    totals = costs.clamp_max(LARGEST).sum(1)
    totals[:, still(reach)] *= PREFER_REST
    return totals.argmin(-1)


def of_what_was_in_view(
    costs: Float[Tensor, "B h w M"], side: int, reach: int
) -> Float[Tensor, "B h w M"]:
    """Costs, where a cell that a motion brings into view costs no more than at rest.

    Nobody knows what comes into view. Counted as an error of the motion that brings it, a row of it
    outweighs all edges of a scene that moves by a pixel.
    """
    height, width, count = costs.shape[1:]
    every = vector(torch.arange(count, device=costs.device), reach)
    seen = were_in_view(every, (height, width), side).permute(1, 2, 0)
    at_rest = costs[..., still(reach), None]
    return torch.where(seen, costs, torch.minimum(costs, at_rest))


def near_scene(motion: Int[Tensor, " B"], reach: int) -> Bool[Tensor, "B M"]:
    """Motions within a pixel of the scene's, but for rest; the last stands for the scene."""
    every = torch.arange((2 * reach + 1) ** 2, device=motion.device)
    away = (vector(every, reach) - vector(motion, reach)[:, None]).abs().amax(-1)
    moves = (every != still(reach)) & (motion != still(reach))[:, None]
    return F.pad((away <= 1) & (away > 0) & moves, (0, 1))


def choose_motion(
    costs: Float[Tensor, "B N M"],
    reach: int,
    skip_below: float,
    near: Bool[Tensor, "B M"] | None = None,
    layer_blocks: int = 0,
) -> Int[Tensor, "B N"]:
    """The motion of every block: the scene's, or one of few others that is clearly better.

    The source that matches best is often an accident: textures repeat, and what comes into view
    has no source. Motions of that kind cannot be predicted, so a motion has to mend several blocks
    of the frame before any may have it.

    Args:
        costs: error of every block at every motion, the last of which is the scene's.
        reach: the largest motion.
        skip_below: error below which nothing needs to be mended.
        near: motions that at least `layer_blocks` blocks have to share.
        layer_blocks: see `near`.
    """
    errors = costs.clamp_max(LARGEST)
    count, scene = errors.shape[1], errors.shape[2] - 1
    vectors = torch.full_like(errors[..., 0], scene, dtype=torch.long)
    left = errors[..., scene]
    motion = torch.full_like(vectors[:, :1], still(reach))
    for number in range(1 + MOTIONS):
        mends = (errors < CLEARLY * left[..., None]) & (left > skip_below)[..., None]
        if number:  # rest comes first, and may mend one block alone
            gains = ((left[..., None] - errors) * mends).sum(1, keepdim=True)
            if near is not None:
                few = mends.sum(1, keepdim=True) < layer_blocks
                gains = gains.masked_fill(near[:, None] & few, 0)
            gain, motion = gains.max(-1)
        chosen = motion[..., None].expand(-1, count, 1)
        better = mends.gather(2, chosen)[..., 0]
        if number:
            better &= (gain > GAIN) & (better.sum(1, keepdim=True) > 1)
        vectors = torch.where(better, motion, vectors)
        left = torch.where(better, errors.gather(2, chosen)[..., 0], left)
    return vectors


def refine_scene(
    window: Float[Tensor, "B C Y X"],
    frame: Float[Tensor, "B C H W"],
    motion: Int[Tensor, " B"],
    least: Float[Tensor, "B h w"],
    reach: int,
) -> tuple[Int[Tensor, " B"], Float[Tensor, "B h w"]]:
    """The scene's motion to half a pixel, and the error of every cell by it.

    Args:
        window: the last picture with `reach` pixels around it.
        frame: the next.
        motion: its motion in whole pixels.
        least: error of every cell at its best motion in whole pixels. Only cells that about reach
            it with the scene are judged by: others come into view, or move by themselves.
        reach: the largest motion.
    """
    side = frame.shape[2] // least.shape[1]
    errors = cell_error(_half_pixel_moves(window, motion, reach).sub_(frame[:, None]), side)
    along = errors[:, :1] <= 4 * least[:, None] + NOISE
    halves = 2 * vector(motion, reach)[:, None] + on_device(STEPS, motion.device)
    totals = (along * errors).mean((2, 3))
    best = _clearly_best(totals.masked_fill((halves.abs() > 2 * reach).any(-1), math.inf))
    row = torch.arange(len(best), device=best.device)
    return scene_number(halves[row, best], reach), errors[row, best]


def scene_error(
    window: Float[Tensor, "B C Y X"],
    frame: Float[Tensor, "B C H W"],
    scene: Int[Tensor, " B"],
    side: int,
    reach: int,
) -> Float[Tensor, "B h w"]:
    """The error of every cell of `side` pixels by this motion of the scene."""
    moved = shifted(window, scene_vector(scene, reach), reach)
    return cell_error((moved - frame)[:, None], side)[:, 0]


def _clearly_best(totals: Float[Tensor, "B steps"]) -> Int[Tensor, " B"]:
    """Which of STEPS has the least error, where half pixels have to be worth it."""
    best, least = torch.zeros_like(totals[:, 0], dtype=torch.long), totals[:, 0]
    for k, total in enumerate(totals.unbind(1)):
        better = total < HALF * least
        best, least = best.masked_fill(better, k), torch.where(better, total, least)
    return best


def _half_pixel_moves(
    window: Float[Tensor, "B C Y X"], motion: Int[Tensor, " B"], reach: int
) -> Float[Tensor, "B copies C H W"]:
    """The picture in the middle of the window, moved by a motion and each of STEPS beyond it."""
    height, width = (size - 2 * reach for size in window.shape[2:])
    corner, more = vector(motion, reach) + reach - MARGIN, 2 * MARGIN
    whole = excerpt(window, corner, height + more, width + more)
    across, down = between(whole, 3), between(whole, 2)
    planes = {(0, 0): whole, (0, 1): across, (1, 0): down, (1, 1): between(across, 2)}
    views = []
    for step in STEPS:
        # The picture begins at MARGIN in whole pixels; halves begin half a pixel before it.
        top, left = ((MARGIN, 1, 0)[part] for part in step)
        plane = planes[step[0] % 2, step[1] % 2]
        views.append(plane[..., top : top + height, left : left + width])
    return torch.stack(views, dim=1)


def cell_error(
    difference: Float[Tensor, "B copies C H W"], side: int
) -> Float[Tensor, "B copies h w"]:
    """Mean square of a difference in every square of `side` pixels."""
    return F.avg_pool2d(difference.square().mean(2), side)


def own_motions(
    quarters: Float[Tensor, "B N 4 M"],
    vectors: Int[Tensor, "B N"],
    skip_below: float,
    share: float,
    near: Bool[Tensor, "B M"] | None = None,
) -> Int[Tensor, "B N"]:
    """The motions of blocks, changed where one part of a block moves as no other block does.

    A small figure is less than half of each block that it lies in: it is found by its quarter,
    while the rest of the block takes one of the common motions.

    Args:
        quarters: errors of the four quarters of every block at every motion.
        vectors: the motion of every block as a whole.
        skip_below: error below which nothing needs to be mended.
        share: of the error that a motion of its own may leave.
        near: motions that no block may have alone.
    """
    choices = alternatives(vectors, quarters.shape[-1] - 1)
    known = choice_errors(quarters, choices).amin(-1)
    errors = torch.minimum(quarters, known[..., None]).mean(2)
    if near is not None:
        errors = errors.masked_fill(near[:, None], math.inf)
    joint = errors.min(-1)
    before = known.mean(-1)
    worth = (before > skip_below) & (joint.values < share * before)
    return torch.where(worth, joint.indices, vectors)


def choose_split(
    quarters: Float[Tensor, "B N 4 M"], choices: Int[Tensor, "B N choices"], skip_below: float
) -> Int[Tensor, "B N"]:
    """The best choice of every quarter, where it mends a block that is no plain copy."""
    errors = choice_errors(quarters, choices)
    best = errors.min(-1)
    before, after = errors[..., 0].mean(-1), best.values.mean(-1)
    worth = (before > skip_below) & (after < WORTH * before)
    return torch.where(worth, join_digits(best.indices), 0)


def choice_errors(
    quarters: Float[Tensor, "B N 4 M"], choices: Int[Tensor, "B N choices"]
) -> Float[Tensor, "B N 4 choices"]:
    """Error of each quarter by each of its block's choices."""
    return quarters.gather(-1, choices[:, :, None].expand(-1, -1, QUARTERS, -1))
