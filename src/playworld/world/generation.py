"""A frame as a series of passes through the models, which several sessions can share.

`start`, `step` and `replay` are generators that do for one session, pass by pass, what the methods
of `World` of the same names do for a batch. `run_pass` computes one pass for several of them.
"""

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from playworld.models.kv_cache import KVCache, KVCacheEntry
from playworld.models.motion.canvas import Canvas
from playworld.models.pixels import to_float, to_uint8
from playworld.world.arguments import check_seeds
from playworld.world.buffer_pool import BufferPool
from playworld.world.sampler_config import SCENE_PASS, SamplerConfig
from playworld.world.state import WorldState, join
from playworld.world.traced_passes import Passes
from playworld.world.world_models import WorldModels


@dataclass(frozen=True)
class StepResult:
    """One session's newest frame, and its state after it."""

    frame: UInt8[Tensor, "H W 3"]
    """On the CPU."""
    state: WorldState
    """Of one row, in memory of its own."""


@dataclass(eq=False)
class PendingFrame:
    """The next frame of one session: a pass for each refinement, and one that commits it."""

    state: WorldState
    """Of one row."""
    action: Float[Tensor, "1 E"] | None
    """None for the first frame of a prompt."""
    tokens: Int[Tensor, "1 L"]
    hidden: Bool[Tensor, "1 P"]
    sampler: SamplerConfig | None = None
    refinements: deque[int] = field(default_factory=deque)
    """Numbers of the refinements that are still to be done."""
    noise: Float[Tensor, "1 steps 2 draws"] | None = None
    picture: Float[Tensor, "1 N D"] | None = None
    """Features of the last picture; see `WorldModels.picture_features`."""


Generation = Generator[PendingFrame | None, StepResult, StepResult]
"""Yields a frame that needs passes and is sent its result; yields None between other work."""


@torch.no_grad()
def start(models: WorldModels, images: UInt8[Tensor, "T H W 3"], seed: int) -> Generation:
    """`World.start` for one session: its pictures one after another."""
    video = models.video(images[None], 1)
    seeds = check_seeds([seed], 1, models.device)
    tokens = models.encode_prompt(video)
    yield None
    actions = models.prompt_actions(video) if len(images) > 1 else None
    yield None
    state = WorldState(
        models.dynamics.start_cache(1),
        models.tokenizer.begin(video[:, 0]),
        seeds,
        torch.full_like(seeds, -len(images)),  # so that the last of the prompt is frame 0
        tokens[:, 0],
    )
    for t in range(len(images)):
        action = None if t == 0 or actions is None else actions[:, t - 1]
        result = yield _decided(models, state, tokens[:, t], action)
        result = _anchored(models, result, video[:, t])
        state = result.state
    return result


def _anchored(
    models: WorldModels, result: StepResult, truth: Float[Tensor, "1 H W 3"]
) -> StepResult:
    """A frame of a prompt, with the pixels that were given."""
    state, frame = result.state, to_float(result.frame[None]).to(models.device)
    frame, decoder = models.tokenizer.anchor(state.tokens, frame, state.decoder, truth)
    return StepResult(to_uint8(frame)[0].cpu(), replace(state, decoder=decoder))


@torch.no_grad()
def step(models: WorldModels, state: WorldState, action: int, sampler: SamplerConfig) -> Generation:
    """`World.step` for one session."""
    token_sampler = models.token_sampler
    embedded = models.embed_actions([action], 1)
    tokens, hidden = token_sampler.blank(1, models.device)
    return (
        yield PendingFrame(
            state,
            embedded,
            tokens,
            hidden,
            sampler,
            deque(token_sampler.passes(sampler)),
            token_sampler.noise(state.seeds, state.frame + 1, sampler),
            models.picture_features(state.decoder),
        )
    )


@torch.no_grad()
def replay(
    models: WorldModels, state: WorldState, tokens: Int[Tensor, " L"], action: int
) -> Generation:
    """`World.replay` for one session."""
    tokens = models.tokens(tokens[None], 1)
    return (yield _decided(models, state, tokens, models.embed_actions([action], 1)))


def _decided(
    models: WorldModels,
    state: WorldState,
    tokens: Int[Tensor, "1 L"],
    action: Float[Tensor, "1 E"] | None,
) -> PendingFrame:
    """A frame of which only the last pass, the one that commits it, is left."""
    picture = models.picture_features(state.decoder, tokens)
    return PendingFrame(state, action, tokens, models.nothing_hidden(1), picture=picture)


@torch.no_grad()
def run_pass(
    models: WorldModels,
    passes: Passes,
    frames: Sequence[PendingFrame],
    memory: KVCache,
    count: int,
    pool: BufferPool,
) -> list[StepResult | None]:
    """One pass of the dynamics for all frames; the results of those for which it was the last.

    Args:
        models: of the world.
        passes: through these models.
        frames: all with an action, or all without.
        memory: the caches of their states as one batch.
        count: frames that count; the others fill the batch.
        pool: memory for the new states.
    """
    actions = [frame.action for frame in frames if frame.action is not None]
    pictures = [frame.picture for frame in frames if frame.picture is not None]
    logits, entry = passes.step(
        torch.cat([frame.tokens for frame in frames]),
        torch.cat([frame.hidden for frame in frames]),
        torch.cat(actions) if actions else None,
        memory,
        torch.cat(pictures) if pictures else None,
    )
    done = [i for i in range(count) if not frames[i].refinements]
    # First of all: a CUDA graph of the decoder may take over the memory of the entry.
    caches = [_append(frames[i].state, entry, i, pool) for i in done]
    alike: dict[tuple[SamplerConfig, int], list[int]] = {}
    for i, frame in enumerate(frames[:count]):
        if frame.refinements and frame.sampler is not None:
            alike.setdefault((frame.sampler, frame.refinements[0]), []).append(i)
    for (sampler, number), rows in alike.items():
        _refine(models, [frames[i] for i in rows], logits[rows], sampler, number)
    results: list[StepResult | None] = [None] * count
    if done:
        committed = _commit(passes, [frames[i] for i in done], caches)
        for i, result in zip(done, committed, strict=True):
            results[i] = result
    return results


def _refine(
    models: WorldModels,
    frames: Sequence[PendingFrame],
    logits: Float[Tensor, "B P V"],
    sampler: SamplerConfig,
    number: int,
) -> None:
    """Decide some tokens of frames that are at the same refinement."""
    noise = torch.cat([frame.noise for frame in frames if frame.noise is not None])
    tokens = torch.cat([frame.tokens for frame in frames])
    hidden = torch.cat([frame.hidden for frame in frames])
    tokens, hidden = models.token_sampler.refine(logits, tokens, hidden, sampler, number, noise)
    for i, frame in enumerate(frames):
        frame.tokens, frame.hidden = tokens[i : i + 1], hidden[i : i + 1]
        frame.refinements.popleft()
        if number == SCENE_PASS and models.sees_motion:
            frame.picture = models.picture_features(frame.state.decoder, frame.tokens)


def _append(
    state: WorldState, entry: KVCacheEntry, row: int, pool: BufferPool
) -> tuple[KVCache, KVCache | Canvas]:
    """A session's cache with its new frame, and memory for its decoder, both from the pool."""
    memory, decoder = pool.take()
    own = KVCacheEntry(entry.keys[row : row + 1], entry.values[row : row + 1])
    memory = KVCache.cat([state.memory], out=memory).append(own, in_place=True)
    return memory, decoder


def _commit(
    passes: Passes,
    frames: Sequence[PendingFrame],
    caches: Sequence[tuple[KVCache, KVCache | Canvas]],
) -> list[StepResult]:
    """Decode finished frames, and put the state after each into its own memory."""
    tokens = torch.cat([frame.tokens for frame in frames])
    decoders = join([frame.state.decoder for frame in frames])
    pictures, decoders = passes.decode(tokens, decoders)
    pictures = to_uint8(pictures).cpu()
    results = []
    for i, (frame, (memory, place)) in enumerate(zip(frames, caches, strict=True)):
        decoder, old = join([decoders.row(i)], place), frame.state
        new = WorldState(memory, decoder, old.seeds, old.frame + 1, tokens[i : i + 1].clone())
        results.append(StepResult(pictures[i].clone(), new))
    return results
