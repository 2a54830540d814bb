"""Which tokens a training step hides, and how it corrupts the past and the actions."""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Bool, Int
from torch import Tensor

Masking = Literal["history", "prefix", "paper"]
"""How the past looks to a frame whose tokens are hidden.

history: as in play. Every frame is hidden at a rate of its own and sees a past with nothing hidden
    (two streams through one transformer; twice the work per clip, but every frame counts).
prefix: one stream; in 60% of the clips a random number of first frames stays visible.
paper: one stream; every frame hidden at a rate from U[0.5, 1] (Genie, section 2.2).
"""


def sample_mask(
    masking: Masking, shape: Sequence[int], generator: torch.Generator, whole: float = 0.3
) -> Bool[Tensor, "B T N"]:
    """Hidden tokens, on the CPU; a rate per frame, and never any in frame 0.

    `whole` is the share of frames that are hidden altogether, which is where every frame of play
    starts ("paper" has a rate of its own).
    """
    B, T, N = shape
    if masking == "paper":
        rate = 0.5 + 0.5 * torch.rand(B, T, generator=generator)
    else:
        # MaskGIT's cosine schedule.
        rate = torch.cos(math.pi / 2 * torch.rand(B, T, generator=generator))
        rate[torch.rand(B, T, generator=generator) < whole] = 1.0
    hidden = torch.rand(B, T, N, generator=generator) < rate[..., None]
    # A frame with nothing hidden teaches nothing: hide one token of it.
    hidden.scatter_(2, torch.randint(N, (B, T, 1), generator=generator), True)
    if masking == "prefix":
        prefix = torch.randint(1, T, (B,), generator=generator)
        prefix[torch.rand(B, generator=generator) >= 0.6] = 1
        hidden &= torch.arange(T)[None, :, None] >= prefix[:, None, None]
    hidden[:, 0] = False
    return hidden


def corrupt(
    tokens: Int[Tensor, "B T N"], most: float, num_codes: int, generator: torch.Generator
) -> Int[Tensor, "B T N"]:
    """A copy with up to `most` of each clip's tokens replaced at random; the rate is uniform."""
    if most == 0:
        return tokens
    rate = most * torch.rand(tokens.shape[0], 1, 1, generator=generator)
    corrupted = torch.rand(tokens.shape, generator=generator) < rate
    noise = torch.randint(num_codes, tokens.shape, generator=generator)
    return torch.where(corrupted.to(tokens.device), noise.to(tokens.device), tokens)


def repeat_action(
    codes: Int[Tensor, " S"], share: float, generator: torch.Generator
) -> Int[Tensor, " S"]:
    """The actions of one clip; in a share of the clips one is repeated for longer than it lasted.

    Start and length of the repetition are drawn uniformly.
    """
    count = len(codes)
    draw = torch.rand((), generator=generator)
    start, length = (int(torch.randint(1, count, (), generator=generator)) for _ in range(2))
    repeated = codes.clone()
    if draw < share:
        repeated[start : start + length] = codes[start - 1]
    return repeated
