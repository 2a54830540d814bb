"""From the last picture and the next frame to changes: the encoder of a tokenizer of changes."""

import math
from dataclasses import replace

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from playworld.models.motion.block_matching import (
    ALONE,
    WORTH,
    choose_motion,
    choose_split,
    matching_costs,
    near_scene,
    own_motions,
    refine_scene,
    scene_motion,
)
from playworld.models.motion.blocks import to_blocks, to_quarters
from playworld.models.motion.canvas import Canvas
from playworld.models.motion.changes import FOLLOW, Changes, alternatives
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.motion.render import quarter_motions
from playworld.models.motion.residual_codes import Books, CodeTable
from playworld.models.motion.source import Source
from playworld.models.pixels import to_float


@torch.no_grad()
def find_changes(
    config: MotionTokenizerConfig,
    books: Books,
    tables: list[CodeTable],
    canvas: Canvas,
    frames: UInt8[Tensor, "B C H W"],
    predictable: bool = False,
) -> tuple[Changes, Float[Tensor, "B N pixels"], Source]:
    """What changes from the canvas to these frames.

    Args:
        config: of the tokenizer.
        books: its codebooks.
        tables: of the codebooks; they stay the same for many frames.
        canvas: with the last picture in view.
        frames: the next, in whole blocks.
        predictable: leave out what could not be predicted, at the cost of exactness.

    Returns:
        The changes, the residual that copies leave of each block, and the source of the copies.
    """
    side, reach = config.patch, config.reach
    least = config.predict_below if predictable else config.skip_below
    share = ALONE if predictable else WORTH
    view = canvas.view(reach)
    window, target = to_float(view), to_float(frames)
    costs = matching_costs(view, frames, side // 2, reach)
    main = scene_motion(to_quarters(costs).mean(2), reach)
    scene, follows = refine_scene(window, target, main, costs.amin(-1), reach)
    # The whole pixels nearest to the scene's motion say the same as following it, or less.
    costs.scatter_(-1, main[:, None, None, None].expand(*costs.shape[:-1], 1), math.inf)
    quarters = to_quarters(torch.cat([costs, follows[..., None]], dim=-1))
    near = near_scene(main, reach) if predictable and config.layer_blocks else None
    vectors = choose_motion(quarters.mean(2), reach, least, near, config.layer_blocks)
    vectors = own_motions(quarters, vectors, least, share, near)
    choices = alternatives(vectors, config.num_motions)
    split = choose_split(quarters, choices, least)
    motion = torch.where(vectors == config.num_motions, FOLLOW, vectors + 1)
    nothing = torch.zeros(*motion.shape, config.stages, dtype=torch.long, device=motion.device)
    source = Source.of(window, scene, reach)
    return with_content(
        config, books, tables, source, frames, Changes(scene, motion, split, nothing), least
    )


@torch.no_grad()
def with_content(
    config: MotionTokenizerConfig,
    books: Books,
    tables: list[CodeTable],
    source: Source,
    frames: UInt8[Tensor, "B C H W"],
    changes: Changes,
    least: float,
) -> tuple[Changes, Float[Tensor, "B N pixels"], Source]:
    """Changes with the codes of what their copies leave of the frames; see `find_changes`."""
    choices = alternatives(changes.vectors(config.num_motions), config.num_motions)
    motions = quarter_motions(choices, changes.split, config.grid)[:, None]
    copied = source.copies(motions, config.patch // 2)[:, 0]
    left = to_blocks(to_float(frames) - copied, config.patch)
    return replace(changes, codes=books.quantize(left, tables, least)), left, source
