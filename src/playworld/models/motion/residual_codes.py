"""What is new in blocks, as codes: in stages, each of which refines those before it."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from playworld.models.batch_invariance import padded
from playworld.models.motion.changes import FIRST_CODE
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.quantizer import VectorQuantizer

ENOUGH_ROWS = 16
"""The search for codes rounds by the number of blocks below this, and a code must not depend on how
many other blocks have one."""


@dataclass(frozen=True)
class CodeTable:
    """A codebook as the search for the nearest code needs it, made once for many frames."""

    squares: Float[Tensor, " K"]
    """Squared length of every code."""
    products: Float[Tensor, "pixels K"]
    """The codes as columns, times -2."""


class Books(nn.ModuleList):
    """The codebook of each stage (residual vector quantisation)."""

    def __init__(self, config: MotionTokenizerConfig):
        super().__init__(VectorQuantizer(config.content) for _ in range(config.stages))
        self.config = config

    @property
    def stages(self) -> list[VectorQuantizer]:
        """The codebooks, the first stage first."""
        return [book for book in self if isinstance(book, VectorQuantizer)]

    def tables(self) -> list[CodeTable]:
        """What `quantize` needs of each stage; codebooks that have learned need new ones."""
        books = [book.codebook.detach() for book in self.stages]
        return [CodeTable(book.square().sum(-1), (-2 * book.T).contiguous()) for book in books]

    def quantize(
        self, left: Float[Tensor, "B N pixels"], tables: list[CodeTable], skip_below: float
    ) -> Int[Tensor, "B N stages"]:
        """The code of each stage for what copies leave of a block, as long as it is visible.

        Blocks of a mean squared error below `skip_below` have none.
        """
        rest, first = left.flatten(0, 1), FIRST_CODE
        codes = torch.zeros(len(rest), len(tables), dtype=torch.long, device=left.device)
        blocks = torch.arange(len(rest), device=left.device)
        for stage, (book, table) in enumerate(zip(self.stages, tables, strict=True)):
            visible = self.visible(rest, stage, skip_below)
            if left.device.type == "cpu":  # a GPU would have to wait for their number
                some = visible.nonzero()[:, 0]
                if not len(some):
                    break
                blocks, rest, visible = blocks[some], rest[some], visible[some]
            with torch.autocast("cuda" if left.is_cuda else "cpu", enabled=False):
                distance = torch.addmm(table.squares, padded(rest, ENOUGH_ROWS), table.products)
            found = distance[: len(rest)].min(-1).indices
            codes[:, stage].scatter_(0, blocks, torch.where(visible, found + first, 0))
            # What is not visible stays as it is, and so it is in no later stage.
            rest = rest - book.lookup(found) * visible[:, None]
            first = 1
        return codes.unflatten(0, left.shape[:2])

    def visible(
        self, left: Float[Tensor, "M pixels"], stage: int, skip_below: float
    ) -> Bool[Tensor, " M"]:
        """Whether the error of a block is worth a code of this stage."""
        least = max(skip_below, self.config.refine_below) if stage else skip_below
        return left.square().mean(-1) > least

    def residual(self, codes: Int[Tensor, "B N stages"]) -> Float[Tensor, "B N pixels"]:
        """What the codes add to the copies."""
        total = torch.zeros(1, device=codes.device)
        for stage, book in enumerate(self.stages):
            number = codes[..., stage] - (FIRST_CODE if stage == 0 else 1)
            total = total + book.lookup(number.clamp_min(0)) * (number >= 0)[..., None]
        return total
