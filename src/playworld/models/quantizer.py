"""Vector quantisation: a codebook updated by moving averages, which resets unused codes."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.distributed as dist
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from playworld.config import check_ranges

BELOW_1 = 0.999999
"""Of a share that stays below 1: what decays more slowly never learns."""


@dataclass(frozen=True)
class QuantizerConfig:
    """A codebook and how it learns."""

    num_codes: int
    """Codes in the book, K."""
    code_size: int = 32
    """Features per code, E (the paper's latent dimension)."""
    normalize: bool = True
    """Compare directions only (ViT-VQGAN): latents and codes lie on a sphere of radius sqrt(E)."""
    codebook: Literal["ema", "gradient"] = "ema"
    """Codes follow a moving average of their latents, or the gradient of the quantisation error."""
    decay: float = 0.99
    """Decay per step of the moving averages that an EMA codebook follows."""
    commitment: float = 0.25
    """Weight of the term that pulls latents towards their codes."""
    usage_decay: float = 0.97
    """Decay per step of the moving average of usage by which dead codes are found."""
    revive_below: float = 0.1
    """A code is dead, and moves to a random latent, below this share of an even usage."""

    def __post_init__(self) -> None:
        check_ranges(self, num_codes=(2, 65_536), code_size=(1, 4_096), commitment=(0, 100))
        check_ranges(self, decay=(0, BELOW_1), usage_decay=(0, BELOW_1), revive_below=(0, BELOW_1))


@dataclass(frozen=True)
class Quantized:
    """What the quantiser makes of a batch of latents."""

    latents: Float[Tensor, "*batch E"]
    """The chosen codes; gradients pass straight through to the encoder."""
    codes: Int[Tensor, "..."]
    """Their numbers, 0 to K-1: one for each latent; of a `ProductQuantizer` one for each part."""
    loss: Float[Tensor, ""]
    """Commitment, plus the codebook term when the codebook learns by gradient."""


class VectorQuantizer(nn.Module):
    """VQ with optional cosine distance, EMA or gradient codebook, and dead-code revival.

    Sources: VQ-VAE (arXiv:1711.00937), its EMA form (arXiv:1906.00446), normalised codes
    (arXiv:2110.04627).
    """

    codebook: Tensor
    usage: Tensor
    mean_share: Tensor
    mean_sum: Tensor
    placed: Tensor

    def __init__(self, config: QuantizerConfig):
        super().__init__()
        self.config = config
        self.copies = 1
        """Neighbouring processes that hold the same latents (tensor parallelism)."""
        book = self.scale(torch.randn(config.num_codes, config.code_size))
        if config.codebook == "gradient":
            self.codebook = nn.Parameter(book)
        else:
            self.register_buffer("codebook", book)
        even = torch.full((config.num_codes,), 1.0 / config.num_codes)
        self.register_buffer("usage", even)
        # EMA cluster sizes, as shares of all latents. Saved worlds know these names.
        self.register_buffer("mean_share", even.clone())
        self.register_buffer("mean_sum", book.clone() * even[:, None])
        self.register_buffer("placed", torch.tensor(False))

    def scale(self, z: Float[Tensor, "*batch E"]) -> Float[Tensor, "*batch E"]:
        """Latents as the codebook compares them: on the sphere of radius sqrt(E), or untouched."""
        if not self.config.normalize:
            return z
        return F.normalize(z, dim=-1) * self.config.code_size**0.5

    def nearest(self, z: Float[Tensor, "*batch E"]) -> Int[Tensor, "*batch"]:
        """Number of the closest code of each latent."""
        kind = "cuda" if z.is_cuda else "cpu"  # meta knows no autocast, and mps is in float32
        with torch.autocast(kind, enabled=False):  # codes lie too close for bfloat16
            flat = self.scale(z.float()).reshape(-1, z.shape[-1])
            book = self.scale(self.codebook)
            distance = book.square().sum(-1) - 2 * flat @ book.T
        return distance.min(-1).indices.reshape(z.shape[:-1])  # quicker than argmin

    def lookup(self, codes: Int[Tensor, "*batch"]) -> Float[Tensor, "*batch E"]:
        """Codes by number."""
        return self.scale(self.codebook)[codes]

    @property
    def codebooks(self) -> Float[Tensor, "1 K E"]:
        """All codes, as those of a `ProductQuantizer` with one part."""
        return self.scale(self.codebook)[None]

    def forward(
        self, z: Float[Tensor, "*batch E"], generator: torch.Generator | None = None
    ) -> Quantized:
        """Quantise; codes that lie where they began are first put onto latents, given a generator.

        Does not update the codebook: call `update_codebook` after a finite step.
        """
        z = self.scale(z.float())
        if self.training and generator is not None and not self.placed:
            # Latents of a fresh encoder fill a narrow cone, which most random codes would miss.
            every = torch.arange(self.config.num_codes, device=z.device)
            flat = z.detach().reshape(-1, z.shape[-1])
            drawn = draw(flat, len(every), generator, self.copies)
            if torch.isfinite(drawn).all():  # else the step is skipped
                self.reset_codes(every, drawn)
        with torch.no_grad():
            codes = self.nearest(z)
        chosen = self.lookup(codes)
        loss = self.config.commitment * F.mse_loss(z, chosen.detach())
        if self.config.codebook == "gradient":
            loss = loss + F.mse_loss(chosen, z.detach())
        return Quantized(z + (chosen - z).detach(), codes, loss)

    @torch.no_grad()
    def update_codebook(
        self,
        z: Float[Tensor, "M E"],
        codes: Int[Tensor, " M"],
        generator: torch.Generator | None = None,
    ) -> Int[Tensor, " K"]:
        """Follow the latents of one step and their codes; returns how often each code was chosen.

        An EMA codebook moves; with a generator, dead codes are put onto random latents. Processes
        that train together each give their own M latents and come to the same codebook; where
        several hold the same ones, shares and means are what they are without the copies.
        """
        K, decay, z = self.config.num_codes, self.config.decay, self.scale(z.float())
        count = sum_over_ranks(torch.bincount(codes, minlength=K))
        share = count.float() / count.sum()
        self.usage.lerp_(share, 1 - self.config.usage_decay)
        if self.config.codebook == "ema":
            self.mean_share.lerp_(share, 1 - decay)
            total = sum_over_ranks(torch.zeros_like(self.mean_sum).index_add_(0, codes, z))
            self.mean_sum.lerp_(total / count.sum(), 1 - decay)
            mean = self.mean_sum / self.mean_share.clamp_min(1e-8)[:, None]
            self.codebook.copy_(self.scale(mean))
        if generator is not None:
            dead = (self.usage < self.config.revive_below / K).nonzero()[:, 0]
            if len(dead):
                self.reset_codes(dead, draw(z, len(dead), generator, self.copies))
        return count

    @torch.no_grad()
    def reset_codes(self, codes: Int[Tensor, " M"], latents: Float[Tensor, "M E"]) -> None:
        """Move codes onto latents, with an even share of usage so that they get their chance."""
        even = 1.0 / self.config.num_codes
        self.codebook[codes] = self.scale(latents)
        self.usage[codes] = even
        self.mean_share[codes] = even
        self.mean_sum[codes] = self.scale(latents) * even
        self.placed.fill_(True)

    @torch.no_grad()
    def reorder(self, order: Int[Tensor, " K"]) -> None:
        """Renumber the codes: code k becomes what code order[k] was."""
        for of_codes in (self.codebook, self.usage, self.mean_share, self.mean_sum):
            of_codes.copy_(of_codes[order])

    def perplexity(self) -> Float[Tensor, ""]:
        """Effective number of codes in use, from the moving average of usage; 1 is collapse."""
        p = self.usage / self.usage.sum()
        return (-(p * p.clamp_min(1e-10).log()).sum()).exp()


def sum_over_ranks(tensor: Tensor) -> Tensor:
    """The sum, in place, of the tensors that processes which train together hold."""
    if dist.is_available() and dist.is_initialized():
        dist.all_reduce(tensor)
    return tensor


def draw(
    z: Float[Tensor, "M E"], count: int, generator: torch.Generator, copies: int = 1
) -> Float[Tensor, "count E"]:
    """Random rows out of those of all processes, M in each: the same rows everywhere.

    Of `copies` neighbouring processes, which hold the same rows, the first one gives them.
    """
    ranks, rank = 1, 0
    if dist.is_available() and dist.is_initialized():
        ranks, rank = dist.get_world_size(), dist.get_rank()
    picks = torch.randint(len(z) * (ranks // copies), (count,), generator=generator).to(z.device)
    found = z[picks % len(z)]
    found[picks // len(z) * copies != rank] = 0
    return sum_over_ranks(found)


def kmeans(
    z: Float[Tensor, "M E"], num_codes: int, generator: torch.Generator, restarts: int = 8
) -> Float[Tensor, "K E"]:
    """The best of several runs of Lloyd's algorithm, each seeded by k-means++.

    One run often merges two clusters and splits a third, and two actions would share a button.
    """
    runs = [_lloyd(z, _seeds(z, num_codes, generator)) for _ in range(restarts)]
    return min(runs, key=lambda run: run[1])[0]


def _seeds(z: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """k-means++ (Arthur and Vassilvitskii, 2007): far points are likelier to become centres."""
    chosen = z[torch.randint(len(z), (1,), generator=generator)]
    while len(chosen) < count:
        distance = torch.cdist(z, chosen).amin(-1).square() + 1e-12
        pick = torch.multinomial(distance.cpu(), 1, generator=generator)
        chosen = torch.cat([chosen, z[pick]])
    return chosen


def _lloyd(z: Tensor, centres: Tensor, rounds: int = 20) -> tuple[Tensor, float]:
    """Centres after some rounds, and the mean squared distance to them."""
    for _ in range(rounds):
        distance, nearest = torch.cdist(z, centres).min(-1)
        count = torch.bincount(nearest, minlength=len(centres))
        total = torch.zeros_like(centres).index_add_(0, nearest, z)
        centres = torch.where(count[:, None] > 0, total / count.clamp_min(1)[:, None], centres)
    return centres, distance.square().mean().item()
