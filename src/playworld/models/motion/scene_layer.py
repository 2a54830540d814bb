"""The scene without what moves before it, which a canvas keeps beside the last picture.

Blocks that move with the scene are copied from here. So what a character uncovers is there again,
and what a block covered by mistake as well.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from playworld.models.motion.block_matching import cell_error
from playworld.models.motion.blocks import spread
from playworld.models.motion.changes import Changes, alternatives
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.motion.render import quarter_motions
from playworld.models.motion.source import Source, scene_vector, shifted


def next_scene(
    config: MotionTokenizerConfig,
    source: Source,
    changes: Changes,
    picture: Float[Tensor, "B 3 H W"],
    scene: Float[Tensor, "B 3 H W"],
) -> Float[Tensor, "B 3 H W"]:
    """The scene in view after these changes, which made this picture of the source.

    Where nothing moves it stays the `scene` that was in view, but for what is new.
    """
    known = follows(config, changes) | came_along(config, source, changes, picture)
    moved = torch.where(known, picture, source.scene)
    new = spread(changes.new.unflatten(1, config.grid)[:, None], config.patch)
    still = changes.nothing_moves(config.num_scenes // 2)[:, None, None, None]
    return torch.where(still, torch.where(new, picture, scene), moved)


def follows(config: MotionTokenizerConfig, changes: Changes) -> Bool[Tensor, "B 1 H W"]:
    """Which pixels move with the scene. None where nothing moves: what stands before it stays."""
    choices = alternatives(changes.vectors(config.num_motions), config.num_motions)
    motions = quarter_motions(choices, changes.split, config.grid)[:, None]
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
    side, motion = config.patch // 2, scene_vector(changes.scene, config.reach)
    along = picture - shifted(source.window, motion, config.reach)
    moves = (motion != 0).any(1)[:, None, None, None]
    return spread((cell_error(along[:, None], side) < config.predict_below) & moves, side)
