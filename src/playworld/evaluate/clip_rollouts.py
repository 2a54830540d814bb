"""Held-out clips as a world plays them: reconstructed, labelled, continued; a batch at a time."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from playworld.evaluate.heldout import HeldOut
from playworld.evaluate.image_quality import psnr, ssim
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.rollouts import Rollouts, random_actions, roll_out
from playworld.models.pixels import to_float
from playworld.world import SamplerConfig, World


@dataclass(frozen=True)
class ClipRollouts:
    """What the world made of the held-out clips; one row per clip."""

    rollouts: Rollouts
    psnr: Float[Tensor, "clips T"]
    """Of the tokenizer's reconstruction, as is the next."""
    ssim: Float[Tensor, "clips T"]
    tokens: Int[Tensor, "clips T N"]
    actions: Int[Tensor, "clips S"]


@torch.inference_mode()
def roll_out_clips(
    world: World,
    held: HeldOut,
    options: EvaluateOptions,
    sampler: SamplerConfig,
    progress: Callable[[int], None],
) -> ClipRollouts:
    """Reconstruct, label and continue every clip."""
    num_clips = len(held.video)
    at_random = random_actions(num_clips, options.horizon, world.num_actions, options.seed)
    parts = []
    for first in range(0, num_clips, options.batch_size):
        progress(first)
        rows = slice(first, first + options.batch_size)
        video = held.video[rows]
        tokens = world.tokenizer.encode(to_float(video.to(world.device)))
        again = world.reconstruct(video).cpu()
        actions = world.infer_actions(video).cpu()
        seeds = clip_seeds(first, len(video), num_clips, options.seed)
        rollouts = roll_out(world, video, actions, at_random[rows], seeds, sampler)
        scores = psnr(again, video), ssim(again, video)
        parts.append(ClipRollouts(rollouts, *scores, tokens.cpu(), actions))
    return ClipRollouts(
        Rollouts.cat([part.rollouts for part in parts]),
        torch.cat([part.psnr for part in parts]),
        torch.cat([part.ssim for part in parts]),
        torch.cat([part.tokens for part in parts]),
        torch.cat([part.actions for part in parts]),
    )


def clip_seeds(first: int, count: int, num_clips: int, seed: int) -> list[int]:
    """Seeds of `count` clips from number `first` on, whatever the size of the batches."""
    return [seed * num_clips + row for row in range(first, first + count)]
