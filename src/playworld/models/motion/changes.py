"""The tokens of one frame: how the scene and each block move, and what is new."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from playworld.models.motion.blocks import on_device
from playworld.models.rows import Rows

SKIP = 0
"""Code of a block that is a copy, exactly."""
BLEND = 1
"""Code of a block that the filter makes from its surroundings, with nothing known of it."""
FIRST_CODE = 2
"""Where the codes of the first codebook begin. In later stages 0 is nothing, 1 the first code."""
FOLLOW = 0
"""Motion of a block that moves with the scene; n + 1 is motion number n."""
CHOICES = 8
"""Motions among which each quarter of a block that is split chooses."""
QUARTERS = 4
"""A block is split into two rows of two."""


@dataclass(frozen=True)
class Changes(Rows):
    """The difference of one frame from the one before, for every row of a batch."""

    scene: Int[Tensor, "*batch"]
    """Motion of the view in half pixels: number of its vector, see `source.scene_vector`."""
    motion: Int[Tensor, "*batch N"]
    """FOLLOW, or 1 + the number of the block's own motion."""
    split: Int[Tensor, "*batch N"]
    """Which of its `alternatives` each quarter of the block has, as digits; 0: all the first."""
    codes: Int[Tensor, "*batch N S"]
    """SKIP, BLEND, or what is new; the second stage refines the first, and so on."""

    def pack(self) -> Int[Tensor, "*batch L"]:
        """One row of numbers: scene, motions, splits, then the codes of every stage."""
        codes = self.codes.transpose(-1, -2).flatten(-2)
        return torch.cat([self.scene[..., None], self.motion, self.split, codes], dim=-1)

    @staticmethod
    def unpack(tokens: Int[Tensor, "*batch L"], num_blocks: int) -> "Changes":
        """The inverse of `pack`."""
        rest = tokens[..., 1:].unflatten(-1, (-1, num_blocks))
        codes = rest[..., 2:, :].transpose(-1, -2)
        return Changes(tokens[..., 0], rest[..., 0, :], rest[..., 1, :], codes)

    def vectors(self, num_motions: int) -> Int[Tensor, "*batch N"]:
        """Number of the motion of every block; `num_motions` stands for the scene's."""
        return torch.where(self.motion == FOLLOW, num_motions, self.motion - 1)

    def nothing_moves(self, rest: int) -> Bool[Tensor, "*batch"]:
        """Whether neither the scene nor a block moves, where `rest` is the scene's number for it.

        Such a frame is the last one again, what stands before the scene and all.
        """
        alone = (self.motion != FOLLOW) | (self.split != 0)
        return (self.scene == rest) & ~alone.any(-1)

    @property
    def new(self) -> Bool[Tensor, "*batch N"]:
        """Which blocks are not plain copies."""
        return self.codes[..., 0] != SKIP


def alternatives(vectors: Int[Tensor, "B N"], num_motions: int) -> Int[Tensor, "B N choices"]:
    """The motions that the quarters of each block choose from: its own, then the commonest.

    They follow from the motions of the blocks alone, so the decoder knows them.
    """
    count = num_motions + 1  # the last is the scene's own
    votes = torch.zeros(len(vectors), count, dtype=torch.long, device=vectors.device)
    votes.scatter_add_(1, vectors, torch.full_like(vectors, 2))
    votes[:, num_motions // 2] += 1  # rest, before another motion that no block has
    order = torch.arange(count, device=vectors.device)
    # All keys differ, so that the order of equals does not depend on the machine.
    common = (votes * count - order).topk(CHOICES - 1, dim=1).indices
    own = vectors[..., None]
    return torch.cat([own, common[:, None].expand(-1, own.shape[1], -1)], dim=-1)


def join_digits(digits: Int[Tensor, "*batch quarters"]) -> Int[Tensor, "*batch"]:
    """Four choices as one number."""
    return (digits * on_device(_PLACES, digits.device)).sum(-1)


def split_digits(number: Int[Tensor, "*batch"]) -> Int[Tensor, "*batch quarters"]:
    """One number as four choices."""
    return number[..., None] // on_device(_PLACES, number.device) % CHOICES


_PLACES = tuple(CHOICES**quarter for quarter in range(QUARTERS))
