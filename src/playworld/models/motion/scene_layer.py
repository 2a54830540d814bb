"""The scene without what moves before it, which a canvas keeps beside the last picture.

Blocks that move with the scene are copied from here. So what a character uncovers is there again,
and what a block covered by mistake as well.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from playworld.models.motion.block_matching import scene_error
from playworld.models.motion.blocks import spread
from playworld.models.motion.changes import Changes
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.motion.render import motions_of_quarters
from playworld.models.motion.source import Source, stands_before


def next_layers(
    config: MotionTokenizerConfig,
    source: Source,
    changes: Changes,
    picture: Float[Tensor, "B 3 H W"],
    layers: Float[Tensor, "B 4 H W"],
) -> Float[Tensor, "B 4 H W"]:
    """The scene in view after these changes, and 1 where something stands before it.

    What stood before the scene and moved by itself still does, also where both look the same.

    Args:
        config: of the tokenizer.
        source: of the copies.
        changes: that made this picture of the source.
        picture: in view.
        layers: that were in view. Where nothing moves they stay, but for what is new.
    """
    scene, before = layers[:, :3], layers[:, 3:] > 0
    moved = source.before(motions_of_quarters(config, changes), config.patch // 2)
    known = (follows(config, changes) | came_along(config, source, changes, picture)) & ~moved
    new = spread(changes.new.unflatten(1, config.grid)[:, None], config.patch)
    still = changes.nothing_moves(config.num_scenes // 2)[:, None, None, None]
    stays, goes_on = torch.where(new, picture, scene), torch.where(known, picture, source.scene)
    scene = torch.where(still, stays, goes_on)
    before = (before & still) | ((moved | stands_before(picture, scene)) & ~still)
    return torch.cat([scene, before.to(picture.dtype)], dim=1)


def follows(config: MotionTokenizerConfig, changes: Changes) -> Bool[Tensor, "B 1 H W"]:
    """Which pixels move with the scene. None where nothing moves: what stands before it stays."""
    motions = motions_of_quarters(config, changes)[:, None]
    moves = ~changes.nothing_moves(config.num_scenes // 2)[:, None, None, None]
    return spread((motions == config.num_motions) & moves, config.patch // 2)


def came_along(
    config: MotionTokenizerConfig,
    source: Source,
    changes: Changes,
    picture: Float[Tensor, "B 3 H W"],
) -> Bool[Tensor, "B 1 H W"]:
    """Which pixels have moved with a scene that moves, whatever the changes say of them.

    What a character uncovers may be copied from beside it. It is the scene if it then moves as
    that does; while the scene stands still, a character that stands looks the same.
    """
    side = config.patch // 2
    error = scene_error(source.window, picture, changes.scene, side, config.reach)
    moves = (changes.scene != config.num_scenes // 2)[:, None, None]
    return spread(((error < config.predict_below) & moves)[:, None], side)
