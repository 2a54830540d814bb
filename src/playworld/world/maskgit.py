"""MaskGIT: the tokens of one frame, all hidden at first, decided in a few refinements.

Nothing here knows a model: `decode_frame` is given a function from (tokens, hidden) to logits.
Randomness is a pure function of (seed, frame number), so a frame does not depend on the others in
the batch, in another process, and after a rewind.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from playworld.splitmix import STEP, finalize
from playworld.world.sampler_config import SamplerConfig, refinements, tokens_fixed

COLDEST = 1e-6
"""Temperature below which the likeliest token is taken: logits divided by less overflow."""
RAREST = -80.0
"""Exponents below this count as this: exp(-88) and less are denormal numbers, with which a CPU
computes 75 times as slowly, and no draw of 23 bits reaches a code of share exp(-80)."""

Temperature = float | Float[Tensor, ""]
"""A tensor while a graph is exported, whose temperature is an input."""
Predict = Callable[[Int[Tensor, "B N"], Bool[Tensor, "B N"]], Float[Tensor, "B N K"]]


@torch.no_grad()
def decode_frame(
    predict: Predict,
    sampler: SamplerConfig,
    noise: Float[Tensor, "B steps 2 N"],
    grid: tuple[int, int],
) -> Int[Tensor, "B N"]:
    """Tokens of one frame per row, each refinement seeing what the earlier ones decided.

    Args:
        predict: logits of every token, given the tokens and which of them are hidden.
        sampler: how many refinements, in which order, how random.
        noise: uniform numbers from `frame_noise`, for `sampler.steps` refinements.
        grid: rows and columns of the picture in tokens.
    """
    B, N = noise.shape[0], noise.shape[-1]
    tokens = torch.zeros((B, N), dtype=torch.long, device=noise.device)
    hidden = torch.ones_like(tokens, dtype=torch.bool)
    for step in refinements(sampler.steps, N):
        logits = predict(tokens, hidden)
        tokens, hidden = refine(logits, tokens, hidden, sampler, step, noise, grid)
    return tokens


def refine(
    logits: Float[Tensor, "B N V"],
    tokens: Int[Tensor, "B L"],
    hidden: Bool[Tensor, "B N"],
    sampler: SamplerConfig,
    step: int,
    noise: Float[Tensor, "B S 2 L"],
    grid: tuple[int, int],
) -> tuple[Int[Tensor, "B L"], Bool[Tensor, "B N"]]:
    """Refinement `step` (0-based): the tokens with some more decided, and what is still hidden.

    A place of the grid has one token, or F = L / N side by side: then its logits are V = F x K.
    """
    N = hidden.shape[1]
    factors = tokens.shape[1] // N
    logits = by_token(logits, factors)
    proposal = sample(logits, sampler.temperature, noise[:, step, 0])
    places = noise[:, 0, 1, :N], noise[:, step, 1, :N]
    decided = decide(logits, proposal, hidden, sampler, step, *places, grid)
    every = decided.repeat_interleave(factors, dim=1)
    return torch.where(every, proposal, tokens), hidden & ~decided


def by_token(logits: Float[Tensor, "B N V"], factors: int) -> Float[Tensor, "B L K"]:
    """The logits of every place as those of each of its F tokens."""
    return logits.float().unflatten(-1, (factors, -1)).flatten(1, 2)


def decide(
    logits: Float[Tensor, "B L K"],
    proposal: Int[Tensor, "B L"],
    hidden: Bool[Tensor, "B N"],
    sampler: SamplerConfig,
    step: int,
    order: Float[Tensor, "B N"],
    doubt: Float[Tensor, "B N"],
    grid: tuple[int, int],
) -> Bool[Tensor, "B N"]:
    """Which hidden places take what is proposed in refinement `step` (0-based).

    Args:
        logits: of every token.
        proposal: what was drawn from them.
        hidden: places that are still to be decided.
        sampler: how many refinements, and in which order.
        step: the refinement.
        order: uniform numbers that are the same in all refinements, for the random order.
        doubt: uniform numbers of this refinement, for the noise on confidence.
        grid: rows and columns of the picture in tokens.
    """
    if sampler.order == "confidence":
        remaining = 1 - (step + 1) / sampler.steps
        surest = confidence(logits, proposal, doubt, sampler.confidence_noise * remaining)
        rank = ranks(surest.masked_fill(~hidden, math.inf))
    elif sampler.order == "halton":
        rank = halton_ranks(*grid, hidden.device).expand_as(hidden)
    else:
        rank = ranks(order)
    return hidden & (rank < tokens_fixed(step, sampler.steps, hidden.shape[1]))


def sample(
    logits: Float[Tensor, "B N K"], temperature: Temperature, uniform: Float[Tensor, "B N"]
) -> Int[Tensor, "B N"]:
    """One code per token from softmax(logits / temperature), by its inverse distribution function.

    One uniform number in (0, 1) decides one token, and nothing in it depends on other rows.
    """
    if isinstance(temperature, Tensor):
        drawn = sample_without_branches(logits, temperature.clamp_min(COLDEST), uniform)
        return torch.where(temperature < COLDEST, logits.argmax(-1), drawn)
    if temperature < COLDEST:
        return logits.argmax(-1)
    above = (logits - logits.amax(-1, keepdim=True)) / temperature
    reached = above.clamp_min_(RAREST).exp_().cumsum(-1)
    # The first code at which the running sum reaches the target: its own share is above zero, and
    # the last sum always reaches it because uniform < 1.
    target = uniform[..., None] * reached[..., -1:]
    # Weights of 1e38 can overflow to logits that are no numbers, which reach nothing.
    return torch.searchsorted(reached, target)[..., 0].clamp_max(logits.shape[-1] - 1)


def sample_without_branches(
    logits: Float[Tensor, "B N K"], temperature: Float[Tensor, ""], uniform: Float[Tensor, "B N"]
) -> Int[Tensor, "B N"]:
    """The same draw by operations that ONNX has, which lacks a binary search."""
    above = (logits - logits.amax(-1, keepdim=True)) / temperature
    reached = above.clamp_min(RAREST).exp().cumsum(-1)
    short = reached < uniform[..., None] * reached[..., -1:]
    return short.sum(-1).clamp_max(logits.shape[-1] - 1)


def confidence(
    logits: Float[Tensor, "B L K"],
    tokens: Int[Tensor, "B L"],
    uniform: Float[Tensor, "B N"],
    scale: float,
) -> Float[Tensor, "B N"]:
    """Log-probability of what is proposed at a place, plus Gumbel noise of this scale (MaskGIT)."""
    sure = log_probability(logits, tokens, uniform.shape[1])
    return sure - scale * (-uniform.log()).log()


def log_probability(
    logits: Float[Tensor, "B L K"], tokens: Int[Tensor, "B L"], places: int
) -> Float[Tensor, "B N"]:
    """That of all tokens of each of N places together."""
    every = logits.log_softmax(-1).gather(-1, tokens[..., None])[..., 0]
    return every.unflatten(-1, (places, -1)).sum(-1)


def ranks(score: Float[Tensor, "B N"]) -> Int[Tensor, "B N"]:
    """Place of every token when the highest score comes first (place 0)."""
    return score.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)


@lru_cache(maxsize=16)
def halton_order(height: int, width: int) -> Int[Tensor, " N"]:
    """Cells of a grid (row by row numbers) in the order in which a 2-D Halton sequence meets them.

    Every beginning of this order covers the picture evenly (arXiv:2503.17076).
    """
    count = height * width
    while True:
        points = torch.arange(1, count + 1)
        rows = (radical_inverse(points, 2) * height).long()
        columns = (radical_inverse(points, 3) * width).long()
        cells = rows * width + columns
        first = torch.full((height * width,), count).scatter_reduce(
            0, cells, torch.arange(count), "amin"
        )
        if bool((first < count).all()):
            return first.argsort()
        count *= 2


@lru_cache(maxsize=16)
def halton_ranks(height: int, width: int, device: torch.device) -> Int[Tensor, " N"]:
    """Place of every cell in `halton_order`; kept, because sorting takes as long as a layer."""
    return halton_order(height, width).argsort().to(device)


def radical_inverse(numbers: Int[Tensor, " M"], base: int) -> Float[Tensor, " M"]:
    """The digits of each number in this base, mirrored behind the point: in (0, 1)."""
    result, place = torch.zeros(len(numbers), dtype=torch.float64), 1.0 / base
    while bool((numbers > 0).any()):
        result += (numbers % base) * place
        numbers, place = numbers // base, place / base
    return result


def frame_noise(
    seeds: Int[Tensor, " B"], frames: Int[Tensor, " B"], steps: int, N: int
) -> Float[Tensor, "B steps 2 N"]:
    """Uniform numbers in (0, 1) for one frame per row: a pure function of (seed, frame number).

    Index 0 of the third axis draws tokens, index 1 their order. Integer hashing, so CPU and GPU
    agree, and a loop over per-row generators is not needed.
    """
    device = seeds.device
    if device.type == "mps":  # products of 64-bit integers are the processor's business
        seeds, frames = seeds.cpu(), frames.cpu()
    key = finalize(finalize(seeds.long() + STEP) + frames.long() + STEP)
    index = torch.arange(steps * 2 * N, device=seeds.device).view(steps, 2, N)
    bits = finalize(key[:, None, None, None] + (index + 1) * STEP)
    # 23 bits and a half fit a float32 exactly, so that neither 0 nor 1 can come out.
    return ((((bits >> 40) & 0x7FFFFF).float() + 0.5) / 2**23).to(device)
