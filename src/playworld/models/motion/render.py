"""From a source and changes to the copies that make the next picture, and what is added to them."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from playworld.models.motion.blocks import from_blocks, from_quarters, spread, still
from playworld.models.motion.changes import Changes, alternatives, split_digits
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.motion.residual_codes import Books
from playworld.models.motion.source import Source

CANDIDATES = 7
"""Copies of a block among which the filter chooses: its own, the scene's, at rest, and by the
motions of the four blocks beside it."""


def render_inputs(
    config: MotionTokenizerConfig, books: Books, source: Source, changes: Changes
) -> tuple[Float[Tensor, "B copies C H W"], Float[Tensor, "B C H W"], Bool[Tensor, "B 1 H W"]]:
    """The copies to choose from, what the codes add, and which pixels are new."""
    side, size = config.patch, config.grid
    own = motions_of_quarters(config, changes)[:, None]
    beside = _candidate_motions(config, changes.vectors(config.num_motions))
    motions = torch.cat([own, spread(beside, 2)], dim=1)
    frame = (side * size[0], side * size[1])
    residual = from_blocks(books.residual(changes.codes), frame, side)
    new = spread(changes.new.unflatten(1, size)[:, None], side)
    return source.copies(motions, side // 2), residual, new


def motions_of_quarters(config: MotionTokenizerConfig, changes: Changes) -> Int[Tensor, "B Y X"]:
    """The motion of every quarter of a block, as `Source.copies` takes them."""
    choices = alternatives(changes.vectors(config.num_motions), config.num_motions)
    return quarter_motions(choices, changes.split, config.grid)


def quarter_motions(
    choices: Int[Tensor, "B N choices"], split: Int[Tensor, "B N"], grid: tuple[int, int]
) -> Int[Tensor, "B Y X"]:
    """The motion of every quarter of a block."""
    return from_quarters(choices.gather(-1, split_digits(split)), grid)


def _candidate_motions(
    config: MotionTokenizerConfig, vectors: Int[Tensor, "B N"]
) -> Int[Tensor, "B copies h w"]:
    """The motions of the scene, of rest and of the four neighbours, for every block."""
    grid = vectors.unflatten(1, config.grid)
    tall = torch.cat([grid[:, :1], grid, grid[:, -1:]], dim=1)
    wide = torch.cat([grid[:, :, :1], grid, grid[:, :, -1:]], dim=2)
    scene = torch.full_like(grid, config.num_motions)
    rest = torch.full_like(grid, still(config.reach))
    beside = [tall[:, :-2], tall[:, 2:], wide[:, :, :-2], wide[:, :, 2:]]
    return torch.stack([scene, rest, *beside], dim=1)
