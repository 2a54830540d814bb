"""Product quantisation: several codes per latent, each of a part of it."""

from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from playworld.models.quantizer import Quantized, QuantizerConfig, VectorQuantizer


class ProductQuantizer(nn.Module):
    """Latents cut into F parts, each quantised with a codebook of its own (Jegou et al. 2011).

    Like a `VectorQuantizer`, but N latents have L = N x F codes: the F of a latent side by side.
    """

    def __init__(self, config: QuantizerConfig, factors: int):
        super().__init__()
        part = replace(config, code_size=config.code_size // factors)
        self.books = nn.ModuleList(VectorQuantizer(part) for _ in range(factors))

    @property
    def parts(self) -> list[VectorQuantizer]:
        """One for each part of a latent."""
        return [book for book in self.books if isinstance(book, VectorQuantizer)]

    def nearest(self, z: Float[Tensor, "*batch N E"]) -> Int[Tensor, "*batch L"]:
        """Numbers of the closest codes of each latent."""
        pieces = zip(self.parts, self._cut(z), strict=True)
        return torch.stack([part.nearest(piece) for part, piece in pieces], dim=-1).flatten(-2)

    def lookup(self, codes: Int[Tensor, "*batch L"]) -> Float[Tensor, "*batch N E"]:
        """Codes by number, the parts of each latent joined."""
        columns = zip(self.parts, self._columns(codes), strict=True)
        return torch.cat([part.lookup(column) for part, column in columns], dim=-1)

    def forward(
        self, z: Float[Tensor, "*batch N E"], generator: torch.Generator | None = None
    ) -> Quantized:
        """Quantise every part; see `VectorQuantizer`."""
        pieces = zip(self.parts, self._cut(z), strict=True)
        found = [part(piece, generator) for part, piece in pieces]
        return Quantized(
            torch.cat([one.latents for one in found], dim=-1),
            torch.stack([one.codes for one in found], dim=-1).flatten(-2),
            torch.stack([one.loss for one in found]).mean(),
        )

    def update_codebook(
        self,
        z: Float[Tensor, "M E"],
        codes: Int[Tensor, " L"],
        generator: torch.Generator | None = None,
    ) -> Int[Tensor, " K"]:
        """Every part follows its latents; returns how often each code of the first was chosen."""
        each = zip(self.parts, self._cut(z), self._columns(codes), strict=True)
        return [part.update_codebook(piece, column, generator) for part, piece, column in each][0]

    def perplexity(self) -> Float[Tensor, ""]:
        """Effective number of codes in use, of the first part."""
        return self.parts[0].perplexity()

    @property
    def codebooks(self) -> Float[Tensor, "factors K E"]:
        """The codes of every part."""
        return torch.cat([part.codebooks for part in self.parts])

    def _cut(self, z: Float[Tensor, "*batch E"]) -> tuple[Tensor, ...]:
        return z.chunk(len(self.books), dim=-1)

    def _columns(self, codes: Int[Tensor, "*batch L"]) -> tuple[Tensor, ...]:
        return codes.unflatten(-1, (-1, len(self.books))).unbind(-1)


def build_quantizer(config: QuantizerConfig, factors: int) -> VectorQuantizer | ProductQuantizer:
    """One code per latent, or `factors` of them."""
    return VectorQuantizer(config) if factors == 1 else ProductQuantizer(config, factors)
