"""What a session asks for as a series of passes through the model, which sessions can share.

`start`, `step` and `replay` do for one session, in pieces, what the methods of `World` of the same
names do at once, and share their checks.
"""

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from playworld.models.motion.canvas import Canvas
from playworld.models.pixels import to_float, to_uint8
from playworld.models.st_transformer import Cache, CacheEntry
from playworld.world.arguments import check_tokens
from playworld.world.maskgit import SamplerConfig
from playworld.world.recorded import Passes
from playworld.world.shelf import Shelf
from playworld.world.state import WorldState, join
from playworld.world.world import World


@dataclass(frozen=True)
class StepResult:
    """One session's newest frame, and where it stands now."""

    frame: UInt8[Tensor, "H W 3"]
    """On the CPU."""
    state: WorldState
    """Of one row, in memory of its own."""


@dataclass(eq=False)
class Draft:
    """The next frame of one session: a pass for each refinement, and one that commits it."""

    state: WorldState
    """Of one row."""
    action: Float[Tensor, "1 E"] | None
    """None for the first frame of a prompt."""
    tokens: Int[Tensor, "1 L"]
    hidden: Bool[Tensor, "1 P"]
    sampler: SamplerConfig | None = None
    left: deque[int] = field(default_factory=deque)
    """The refinements that are still to be done."""
    noise: Float[Tensor, "1 S 2 D"] | None = None
    seen: Float[Tensor, "1 M W"] | None = None
    """What the dynamics look at beside the tokens; see `World._see`."""


Work = Generator[Draft | None, StepResult, StepResult]
"""Yields a draft and is sent its frame, or yields None where a piece of other work is done."""


@torch.no_grad()
def start(world: World, images: UInt8[Tensor, "P H W 3"], seed: int) -> Work:
    """`World.start` for one session: its pictures one after another."""
    video, seeds = world._check_prompt(images[None], [seed])
    tokens = world._encode_prompt(video)
    yield None
    features = world._features(video) if len(images) > 1 else None
    yield None
    state = WorldState(
        world.dynamics.start_cache(1),
        world.tokenizer.begin(video[:, 0]),
        seeds,
        torch.full_like(seeds, -len(images)),  # so that the last of the prompt is frame 0
        tokens[:, 0],
    )
    for p in range(len(images)):
        action = None if p == 0 or features is None else features[:, p - 1]
        result = yield _known(world, state, tokens[:, p], action)
        result = _anchored(world, result, video[:, p])
        state = result.state
    return result


def _anchored(world: World, result: StepResult, truth: Float[Tensor, "1 H W 3"]) -> StepResult:
    """A frame of a prompt, with the pixels that were given."""
    state, frame = result.state, to_float(result.frame[None]).to(world.device)
    frame, decoder = world.tokenizer.anchor(state.tokens, frame, state.decoder, truth)
    return StepResult(to_uint8(frame)[0].cpu(), replace(state, decoder=decoder))


@torch.no_grad()
def step(world: World, state: WorldState, action: int, sampler: SamplerConfig) -> Work:
    """`World.step` for one session."""
    embedded = world._embed_actions([action], 1)
    tokens, hidden = world._token_sampler.blank(1, world.device)
    draft = Draft(
        state,
        embedded,
        tokens,
        hidden,
        sampler,
        deque(world._token_sampler.passes(sampler)),
        world._token_sampler.noise(state.seeds, state.frame + 1, sampler),
        world._see(state.decoder),
    )
    return (yield draft)


@torch.no_grad()
def replay(world: World, state: WorldState, tokens: Int[Tensor, " N"], action: int) -> Work:
    """`World.replay` for one session."""
    tokens = check_tokens(tokens[None], 1, world.config.tokenizer.vocabularies, world.device)
    return (yield _known(world, state, tokens, world._embed_actions([action], 1)))


def _known(
    world: World,
    state: WorldState,
    tokens: Int[Tensor, "1 L"],
    action: Float[Tensor, "1 E"] | None,
) -> Draft:
    return Draft(state, action, tokens, world._visible(1), seen=world._see(state.decoder))


@torch.no_grad()
def advance(
    world: World,
    passes: Passes,
    drafts: Sequence[Draft],
    memory: Cache,
    count: int,
    shelf: Shelf,
) -> list[StepResult | None]:
    """One pass of the model for all drafts; the frames of those for which it was the last.

    Args:
        world: the world that is played.
        passes: through its models.
        drafts: all with an action, or all without.
        memory: what their states remember, row by row.
        count: drafts that count; the others fill the batch.
        shelf: where the new states go.
    """
    tokens = torch.cat([draft.tokens for draft in drafts])
    hidden = torch.cat([draft.hidden for draft in drafts])
    actions = [draft.action for draft in drafts if draft.action is not None]
    pictures = [draft.seen for draft in drafts if draft.seen is not None]
    logits, entry = passes.step(
        tokens,
        hidden,
        torch.cat(actions) if actions else None,
        memory,
        torch.cat(pictures) if pictures else None,
    )
    done = [i for i in range(count) if not drafts[i].left]
    # First of all: a CUDA graph of the decoder may take over the memory of the entry.
    memories = [_remember(drafts[i].state, entry, i, shelf) for i in done]
    alike: dict[tuple[SamplerConfig, int], list[int]] = {}
    for i, draft in enumerate(drafts[:count]):
        if draft.left and draft.sampler is not None:
            alike.setdefault((draft.sampler, draft.left[0]), []).append(i)
    for (sampler, number), rows in alike.items():
        _refine(world, [drafts[i] for i in rows], logits[rows], sampler, number)
    results: list[StepResult | None] = [None] * count
    if done:
        frames = _commit(passes, [drafts[i] for i in done], memories)
        for i, frame in zip(done, frames, strict=True):
            results[i] = frame
    return results


def _refine(
    world: World,
    drafts: Sequence[Draft],
    logits: Float[Tensor, "B P V"],
    sampler: SamplerConfig,
    number: int,
) -> None:
    noise = torch.cat([draft.noise for draft in drafts if draft.noise is not None])
    tokens = torch.cat([draft.tokens for draft in drafts])
    hidden = torch.cat([draft.hidden for draft in drafts])
    tokens, hidden = world._token_sampler.refine(logits, tokens, hidden, sampler, number, noise)
    for i, draft in enumerate(drafts):
        draft.tokens, draft.hidden = tokens[i : i + 1], hidden[i : i + 1]
        draft.left.popleft()


def _remember(
    state: WorldState, entry: CacheEntry, row: int, shelf: Shelf
) -> tuple[Cache, Cache | Canvas]:
    memory, decoder = shelf.take()
    own = CacheEntry(entry.keys[row : row + 1], entry.values[row : row + 1])
    memory = Cache.cat([state.memory], out=memory).append(own, in_place=True)
    return memory, decoder


def _commit(
    passes: Passes, drafts: Sequence[Draft], places: Sequence[tuple[Cache, Cache | Canvas]]
) -> list[StepResult]:
    tokens = torch.cat([draft.tokens for draft in drafts])
    past = join([draft.state.decoder for draft in drafts])
    pictures, past = passes.decode(tokens, past)
    frames = to_uint8(pictures).cpu()
    results = []
    for i, (draft, (memory, place)) in enumerate(zip(drafts, places, strict=True)):
        decoder = join([past.row(i)], place)
        state = draft.state
        new = WorldState(memory, decoder, state.seeds, state.frame + 1, tokens[i : i + 1].clone())
        results.append(StepResult(frames[i].clone(), new))
    return results
