"""From the last picture and the next frame to changes: the encoder of a tokenizer of changes."""

import math
from dataclasses import replace

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from playworld.models.motion.block_matching import (
    ALONE,
    WORTH,
    choose_motion,
    choose_split,
    matching_costs,
    near_scene,
    of_what_was_in_view,
    own_motions,
    refine_scene,
    scene_error,
    scene_motion,
)
from playworld.models.motion.blocks import still, to_blocks, to_quarters
from playworld.models.motion.canvas import Canvas
from playworld.models.motion.changes import (
    FOLLOW,
    Changes,
    alternatives,
    join_digits,
    split_digits,
)
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.motion.render import motions_of_quarters, quarter_motions
from playworld.models.motion.residual_codes import Books, CodeTable
from playworld.models.motion.source import Source, scene_in, whole_motion
from playworld.models.pixels import to_float

HELPS = 0.9
"""A block moves by itself if that leaves less than this share of the error that is there where it
follows the scene: by accident it may leave a little less of it."""


@torch.no_grad()
def find_changes(
    config: MotionTokenizerConfig,
    books: Books,
    tables: list[CodeTable],
    canvas: Canvas,
    frames: UInt8[Tensor, "B C H W"],
    predictable: bool = False,
    known: Int[Tensor, " B"] | None = None,
) -> tuple[Changes, Float[Tensor, "B N pixels"], Source]:
    """What changes from the canvas to these frames.

    Args:
        config: of the tokenizer.
        books: its codebooks.
        tables: of the codebooks; they stay the same for many frames.
        canvas: with the last picture in view.
        frames: the next, in whole blocks.
        predictable: leave out what could not be predicted, at the cost of exactness.
        known: how the scene moves, where that need not be found.

    Returns:
        The changes, the residual that copies leave of each block, and the source of the copies.
    """
    side, reach = config.patch, config.reach
    least = config.predict_below if predictable else config.skip_below
    share = ALONE if predictable else WORTH
    view = canvas.view(reach)
    window, target = to_float(view), to_float(frames)
    costs = matching_costs(view[:, :3], frames, side // 2, reach)
    if known is None:
        seen = of_what_was_in_view(costs, side // 2, reach) if config.keeps_scene else costs
        main = scene_motion(to_quarters(seen).mean(2), reach)
        scene, follows = refine_scene(scene_in(window), target, main, costs.amin(-1), reach)
    else:
        main, scene = whole_motion(known, reach), known
        follows = scene_error(scene_in(window), target, scene, side // 2, reach)
    if not config.keeps_scene:
        # The whole pixels nearest to the scene's motion say the same as following it, or less.
        costs.scatter_(-1, main[:, None, None, None].expand(*costs.shape[:-1], 1), math.inf)
    quarters = to_quarters(torch.cat([costs, follows[..., None]], dim=-1))
    near = near_scene(main, reach) if predictable and config.layer_blocks else None
    vectors = choose_motion(quarters.mean(2), reach, least, near, config.layer_blocks)
    vectors = own_motions(quarters, vectors, least, share, near)
    choices = alternatives(vectors, config.num_motions)
    split = choose_split(quarters, choices, least)
    rests = all_rests(config, scene, quarter_motions(choices, split, config.grid))
    vectors = torch.where(rests[:, None], config.num_motions, vectors)
    motion = torch.where(vectors == config.num_motions, FOLLOW, vectors + 1)
    source = Source.of(window, scene, reach, rests)
    codes = motion.new_zeros(*motion.shape, config.stages)
    found = Changes(scene, motion, split * ~rests[:, None], codes)
    if config.keeps_scene:
        found = that_help(config, found, source, target)
        source = Source.of(window, scene, reach, found.nothing_moves(config.num_scenes // 2))
    left = left_by_copies(config, source, target, found)
    return replace(found, codes=books.quantize(left, tables, least)), left, source


def that_help(
    config: MotionTokenizerConfig,
    changes: Changes,
    source: Source,
    frames: Float[Tensor, "B C H W"],
) -> Changes:
    """The motions; blocks that would be as right with the scene follow it (see `HELPS`).

    Codes stay as they were.
    """
    choices = alternatives(changes.vectors(config.num_motions), config.num_motions)
    error = left_by_copies(config, source, frames, changes).square().mean(-1)
    follows = to_blocks(frames - source.scene, config.patch).square().mean(-1)
    moves = error < HELPS * follows
    kept = replace(changes, motion=torch.where(moves, changes.motion, FOLLOW))
    # Which motions a split chooses from depends on those of all blocks.
    wanted = choices.gather(-1, split_digits(changes.split))
    options = alternatives(kept.vectors(config.num_motions), config.num_motions)
    digits = (options[:, :, None] == wanted[..., None]).long().argmax(-1)
    return replace(kept, split=torch.where(moves, join_digits(digits), 0))


def all_rests(
    config: MotionTokenizerConfig, scene: Int[Tensor, " B"], motions: Int[Tensor, "B h w"]
) -> Bool[Tensor, " B"]:
    """Whether the scene is at rest, and every quarter with it or by itself."""
    rest = (motions == config.num_motions) | (motions == still(config.reach))
    return (scene == config.num_scenes // 2) & rest.all((1, 2))


def left_by_copies(
    config: MotionTokenizerConfig,
    source: Source,
    frames: Float[Tensor, "B C H W"],
    changes: Changes,
) -> Float[Tensor, "B N pixels"]:
    """What the copies by the motions of these changes leave of each block of the frames."""
    motions = motions_of_quarters(config, changes)[:, None]
    copied = source.copies(motions, config.patch // 2)[:, 0]
    return to_blocks(frames - copied, config.patch)
