"""Drawing the changes of a frame: the scene first, then all of each block at once."""

import math
from dataclasses import replace

import pytest
import torch

from playworld.models.motion.changes import (
    BLEND,
    CHOICES,
    FIRST_CODE,
    FOLLOW,
    QUARTERS,
    SKIP,
    Changes,
    split_digits,
)
from playworld.models.motion.dynamics import MotionDynamicsConfig
from playworld.models.motion.source import comes_into_view, scene_number
from playworld.models.st_transformer import TransformerConfig
from playworld.world import SamplerConfig
from playworld.world.token_sampler import SURE, ChangeSampler

SHAPE = TransformerConfig(width=16, num_layers=1, num_heads=1, head_dim=8, window=2)
CONFIG = MotionDynamicsConfig(32, 32, 8, 4, 3, 20, action_size=8, transformer=SHAPE)
SAMPLER = ChangeSampler(CONFIG)


def logits(rows: int = 2) -> torch.Tensor:
    width = max(CONFIG.num_scenes, sum(CONFIG.sizes))
    draw = torch.Generator().manual_seed(0)
    found = torch.randn(rows, CONFIG.num_positions, width, generator=draw)
    found[:, 1:, FOLLOW] += 4.5  # about as likely as all other motions together
    found[:, 1::3, sum(CONFIG.sizes[:3]) + FIRST_CODE + 2] += 8.0  # one code, surely
    rest = CONFIG.num_scenes // 2
    # The likeliest motion of the scene, but less likely than the others together; or more.
    found[:, 0, rest] = torch.tensor([5.0, 8.0])[:rows]
    return found


def drawn(sampler: SamplerConfig, rows: int = 2, first: int = 0) -> list[tuple]:
    """What is decided, and what is hidden, after each pass."""
    seeds = torch.arange(first, first + rows)
    noise = SAMPLER.noise(seeds, torch.ones(rows, dtype=torch.long), sampler)
    tokens, hidden = SAMPLER.blank(rows, torch.device("cpu"))
    found = []
    for number in SAMPLER.passes(sampler):
        every = logits()[first : first + rows]
        tokens, hidden = SAMPLER.refine(every, tokens, hidden, sampler, number, noise)
        found.append((tokens, hidden))
    return found


@pytest.mark.parametrize("order", ["random", "halton", "confidence"])
@pytest.mark.parametrize("steps", [1, 3])
def test_the_scene_is_decided_first_then_more_and_more_blocks(order, steps):
    passes = drawn(SamplerConfig(steps=steps, order=order, temperature=1.0))
    hidden = [int(hidden[0].sum()) for _, hidden in passes]
    assert len(passes) == steps + 1
    assert hidden[0] == CONFIG.num_blocks and hidden[-1] == 0
    assert hidden == sorted(hidden, reverse=True)
    scene = passes[0][0]
    assert not scene[:, 1:].any() and torch.equal(passes[-1][0][:, 0], scene[:, 0])
    for (before, was), (after, _) in zip(passes[1:], passes[2:], strict=False):
        kept = (~was[:, 1:]).repeat(1, 2 + CONFIG.stages)
        assert torch.equal(after[:, 1:][kept], before[:, 1:][kept])


def test_cold_draws_decide_whether_before_which_and_take_the_likeliest():
    tokens, _ = drawn(SamplerConfig(steps=1, temperature=0.0))[-1]
    changes, every = Changes.unpack(tokens, CONFIG.num_blocks), logits()
    motion, *_, content = every[:, 1:, : sum(CONFIG.sizes)].split(CONFIG.sizes, dim=-1)
    scenes, rest = every[:, 0, : CONFIG.num_scenes], CONFIG.num_scenes // 2
    assert (scenes.argmax(-1) == rest).all()
    assert changes.scene.tolist() == [
        int(scenes[0].index_fill(0, torch.tensor(rest), -9).argmax()),
        rest,
    ]
    own = motion[..., FOLLOW + 1 :]
    alone = own.logsumexp(-1) > motion[..., FOLLOW]
    assert 0 < alone.sum() < alone.numel() and (motion.argmax(-1) == FOLLOW)[alone].any()
    assert torch.equal(changes.motion, torch.where(alone, 1 + own.argmax(-1), FOLLOW))
    codes = content[..., FIRST_CODE:]
    new = codes.logsumexp(-1) > content[..., SKIP]
    assert torch.equal(changes.new, new) and new.any()
    sure = new & (codes.softmax(-1).amax(-1) >= SURE)
    assert 0 < sure.sum() < new.sum()
    first = changes.codes[..., 0]
    assert torch.equal(first[sure], codes.argmax(-1)[sure] + FIRST_CODE)
    assert (first[new & ~sure] == BLEND).all() and not changes.codes[..., 1:].any()


def test_a_block_is_split_first_and_its_quarters_follow():
    config = replace(CONFIG, decides_split=True)
    sampler, parts = ChangeSampler(config), torch.zeros(1, config.num_blocks, sum(config.sizes))
    _, flag, quarters, _ = parts.split(config.sizes, dim=-1)  # views
    flag[:, : config.num_blocks // 2], flag[:, config.num_blocks // 2 :] = 3.0, -3.0
    quarters.unflatten(-1, (QUARTERS, CHOICES))[..., 2] = 9.0
    scene = torch.zeros(1, 1, parts.shape[-1])
    found = torch.cat([scene, parts], dim=1)
    tokens = torch.zeros(1, config.num_tokens, dtype=torch.long)
    drawn = sampler.draw_blocks(tokens, found, 0.0, torch.full((1, sampler.draws), 0.5))
    half = config.num_blocks // 2
    assert (split_digits(drawn.split[0, :half]) == 2).all() and not drawn.split[0, half:].any()
    assert sampler.draws > ChangeSampler(CONFIG).draws


@pytest.mark.parametrize(("odds", "everywhere"), [(2.0, False), (4.0, True)])
def test_where_the_scene_is_kept_a_block_in_view_is_new_only_if_that_is_sure(odds, everywhere):
    config = replace(CONFIG, keeps_scene=True)
    sampler = ChangeSampler(config)
    found = torch.zeros(1, config.num_positions, max(config.num_scenes, sum(config.sizes)))
    found[..., sum(config.sizes[:3]) + SKIP] = math.log(config.num_contents) - odds
    tokens = torch.zeros(1, config.num_tokens, dtype=torch.long)
    tokens[:, 0] = scene_number(torch.tensor([8, 0]), config.reach)  # half a block down
    changes = sampler.draw_blocks(tokens, found, 0.0, torch.full((1, sampler.draws), 0.5))
    entering = comes_into_view(tokens[:, 0], config)
    assert entering.tolist() == [[False] * 12 + [True] * 4]
    assert torch.equal(changes.new, entering | everywhere)


def test_a_row_is_drawn_as_it_is_alone():
    sampler = SamplerConfig(steps=2, temperature=1.0, order="random")
    together = drawn(sampler)[-1][0]
    for row in range(2):
        assert torch.equal(drawn(sampler, rows=1, first=row)[-1][0][0], together[row])
    other = replace(sampler, temperature=0.3)
    assert not torch.equal(drawn(other)[-1][0], together)


@pytest.mark.parametrize("exported", [False, True])
def test_where_the_flight_is_seen_the_scene_moves_as_likely_as_it_is_predicted(exported):
    config = replace(CONFIG, sees_flight=True)
    draws, rest = 4_000, CONFIG.num_scenes // 2
    ways = {rest: 0.4, 0: 0.3, 1: 0.2, 2: 0.08, 3: 0.02}
    found = torch.full(
        (draws, config.num_positions, max(CONFIG.num_scenes, sum(CONFIG.sizes))), -40.0
    )
    for way, share in ways.items():
        found[:, 0, way] = math.log(share)
    sampler = ChangeSampler(config)
    chances = torch.rand(draws, sampler.draws, generator=torch.Generator().manual_seed(0))

    def shares(temperature: float) -> dict[int, float]:
        cold = torch.tensor(temperature) if exported else temperature
        blank = sampler.blank(draws, found.device)[0]
        scene = sampler.propose(found, blank, cold, chances)[0][:, 0]
        return {way: float((scene == way).float().mean()) for way in scene.unique().tolist()}

    drawn = shares(0.1)
    assert set(drawn) == {rest, 0, 1, 2}, "a fifteenth of the likeliest way is never drawn"
    assert drawn[rest] == pytest.approx(0.4, abs=0.03)
    assert drawn[1] == pytest.approx(0.6 * 0.2 / 0.58, abs=0.03)
    assert shares(1.0) == drawn and set(shares(0.0)) == {0}
