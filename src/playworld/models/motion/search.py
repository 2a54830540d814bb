"""Block matching: where in the last picture every block of the next one comes from."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from playworld.models.motion.blocks import still, to_blocks, vector
from playworld.models.motion.changes import QUARTERS, alternatives, join_digits
from playworld.models.motion.source import middle, phases, scene_number

NOISE = 4e-4
"""Mean square (of pixels in [0, 1]) by which a block may differ from its source: the variance of
the likelihood."""
AGREE = 1.5
"""Weight of the log-share of blocks that move alike, beside the log-likelihood."""
AT_REST = 0.02
"""Share of the blocks that counts as standing still on top of those that do."""
WORTH = 0.8
"""A block is split where its error falls to this share or less."""
HALF = 0.9
"""The scene moves by half a pixel where that leaves this share of the error or less."""
ROUNDS = 2
"""Times that the shares are estimated anew from the posterior."""


def matching_costs(
    window: Float[Tensor, "B C Y X"], frame: Float[Tensor, "B C H W"], side: int, reach: int
) -> Float[Tensor, "B N M"]:
    """Mean squared error of every block of `frame` at each of its M sources in `window`.

    By |x - y|^2 = |x|^2 + |y|^2 - 2xy, of which the last is a convolution of each block, as a
    kernel of its own, with what lies around it.
    """
    window, frame = window - 0.5, frame - 0.5
    B, C = frame.shape[:2]
    kernels = to_blocks(frame, side).reshape(-1, 1, side, side)
    area = side + 2 * reach
    around = F.unfold(window, area, stride=side).transpose(1, 2).reshape(1, -1, area, area)
    product = F.conv2d(around, kernels, groups=len(kernels)).unflatten(1, (B, -1, C)).sum((0, 3))
    energy = F.avg_pool2d(window.square().mean(1, keepdim=True), side, stride=1)
    energy = F.unfold(energy, 2 * reach + 1, stride=side).transpose(1, 2)
    own = to_blocks(frame.square(), side).mean(-1, keepdim=True)
    error = own + energy - product.flatten(2) * (2 / (C * side**2))
    return error.clamp_min(0)


def choose_motion(
    costs: Float[Tensor, "B N M"], reach: int
) -> tuple[Int[Tensor, "B N"], Int[Tensor, " B"]]:
    """The likeliest motion of every block, and the one that most blocks have.

    Blocks of one colour match everywhere. The prior that settles it is how the rest of the frame
    moves, with a preference for rest, so motions are coherent.
    """
    likelihood = -costs / NOISE
    shares = _shares(likelihood, reach)
    for _ in range(ROUNDS):
        shares = _shares(likelihood + AGREE * shares.log(), reach)
    posterior = likelihood + AGREE * shares.log()
    return posterior.argmax(-1), shares[:, 0].argmax(-1)


def _shares(score: Float[Tensor, "B N M"], reach: int) -> Float[Tensor, "B 1 M"]:
    shares = score.softmax(-1).mean(1, keepdim=True) + 1e-4
    shares[..., still(reach)] += AT_REST
    return shares


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
        motion: the commonest motion in whole pixels.
        least: error of every cell at its best motion in whole pixels. Only cells that about reach
            it with the scene are judged by: others come into view, or move by themselves.
        reach: the largest motion.
    """
    side = frame.shape[2] // least.shape[1]
    around = best = 2 * vector(motion, reach)
    windows = phases(window)
    errors = cell_error(middle(windows, torch.zeros_like(motion), best, reach) - frame, side)
    along = (errors <= 4 * least + NOISE).float()
    total = (along * errors).mean((1, 2))
    for y, x in ((0, -1), (0, 1), (-1, 0), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)):
        halves = (around + around.new_tensor([y, x])).clamp(-2 * reach, 2 * reach)
        odd = halves % 2
        other = cell_error(middle(windows, 2 * odd[:, 0] + odd[:, 1], halves, reach) - frame, side)
        mean = (along * other).mean((1, 2))
        better = mean < HALF * total
        best = torch.where(better[:, None], halves, best)
        errors = torch.where(better[:, None, None], other, errors)
        total = torch.where(better, mean, total)
    return scene_number(best, reach), errors


def cell_error(difference: Float[Tensor, "B C H W"], side: int) -> Float[Tensor, "B h w"]:
    """Mean square of a difference in every square of `side` pixels."""
    return F.avg_pool2d(difference.square().mean(1), side)


def own_motions(
    quarters: Float[Tensor, "B N 4 M"], vectors: Int[Tensor, "B N"], skip_below: float
) -> Int[Tensor, "B N"]:
    """The motions of blocks, changed where one part of a block moves as no other block does.

    A small figure is less than half of each block that it lies in: it is found by its quarter,
    while the rest of the block takes one of the common motions.

    Args:
        quarters: errors of the four quarters of every block at every motion.
        vectors: the motion of every block as a whole.
        skip_below: error below which nothing needs to be mended.
    """
    choices = alternatives(vectors, quarters.shape[-1] - 1)
    known = choice_errors(quarters, choices).amin(-1)
    joint = torch.minimum(quarters, known[..., None]).mean(2).min(-1)
    before = known.mean(-1)
    worth = (before > skip_below) & (joint.values < WORTH * before)
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
