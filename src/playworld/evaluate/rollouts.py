"""Worlds played along held-out clips: what they generate, beside what really came.

Frame k is the k-th *generated* frame; frames of the prompt are never scored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from playworld.world import SamplerConfig, World, WorldState


@dataclass(frozen=True)
class Rollouts:
    """The same clips as they were, and as a world continued their prompts twice."""

    prompt: UInt8[Tensor, "clips P H W C"]
    truth: UInt8[Tensor, "clips K H W C"]
    inferred: UInt8[Tensor, "clips K H W C"]
    """Generated with the latent actions that the world finds in the true video."""
    random: UInt8[Tensor, "clips K H W C"]
    """Generated with latent actions drawn at random; same prompts, same sampler noise."""

    def first(self, clips: int) -> "Rollouts":
        """Copies of some of them, which keep the rest from memory."""
        return Rollouts(*(getattr(self, f.name)[:clips].clone() for f in fields(Rollouts)))

    @staticmethod
    def cat(parts: Sequence["Rollouts"]) -> "Rollouts":
        """Several batches as one."""
        names = [field.name for field in fields(Rollouts)]
        return Rollouts(*(torch.cat([getattr(part, name) for part in parts]) for name in names))


def roll_out(
    world: World,
    video: UInt8[Tensor, "B T H W C"],
    actions: Int[Tensor, "B S"],
    random_actions: Int[Tensor, "B K"],
    seeds: Sequence[int],
    sampler: SamplerConfig | None = None,
) -> Rollouts:
    """Continue the prompt, the first T-K frames, with the true video's actions and at random.

    Both arms branch off one state. The sampler's noise is a function of seed and frame number, so
    it is the same in both, and only the actions differ.
    """
    prompt_frames = video.shape[1] - random_actions.shape[1]
    prompt, truth = video[:, :prompt_frames], video[:, prompt_frames:]
    _, state = world.start(prompt, seeds)
    inferred = press(world, state, actions[:, prompt_frames - 1 :], sampler)
    return Rollouts(prompt, truth, inferred, press(world, state, random_actions, sampler))


def press(
    world: World,
    state: WorldState,
    actions: Int[Tensor, "B K"],
    sampler: SamplerConfig | None = None,
) -> UInt8[Tensor, "B K H W C"]:
    """The frames that follow `state` when these buttons are pressed."""
    frames = []
    for k in range(actions.shape[1]):
        frame, state = world.step(state, actions[:, k], sampler)
        frames.append(frame.cpu())
    return torch.stack(frames, dim=1)


def random_actions(
    num_clips: int, horizon: int, num_actions: int, seed: int
) -> Int[Tensor, "num_clips horizon"]:
    """Latent actions uniform over the codes, drawn once per seed."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(num_actions, (num_clips, horizon), generator=generator)
