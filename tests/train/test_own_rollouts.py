"""Clips that go on from the world's own pictures."""

from dataclasses import replace

import pytest
import torch

from playworld.models.actions import LatentActionModel
from playworld.models.motion.blocks import still
from playworld.models.motion.changes import FOLLOW, Changes
from playworld.models.motion.dynamics import MotionDynamics
from playworld.models.motion.source import comes_into_view, scene_number, scene_vector
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.pixels import to_float
from playworld.presets import TINY
from playworld.train.objectives import MotionWorldObjective, WorldLoss
from playworld.train.objectives.own_rollouts import (
    MEND_ABOVE,
    Rollout,
    back_to_truth,
    is_near,
    roll_out,
    that_match,
)
from playworld.world.token_sampler import ChangeSampler
from tests.train.test_motion_objectives import DYNAMICS, TOKENIZER, batch, train

FRAMES = 5


def rolled(
    begins: list[int], slip: tuple[int, int] | None = None
) -> tuple[MotionTokenizer, torch.Tensor, Rollout]:
    """A rollout of random weights, with its tokenizer and the true frames.

    With a `slip` each scene is drawn to move so much further, in half pixels.
    """
    torch.manual_seed(0)
    tokenizer, dynamics = MotionTokenizer(TOKENIZER), MotionDynamics(DYNAMICS)
    if slip is not None:
        halves = torch.tensor([slip[0], 6 + slip[1]])
        dynamics.scene_head.bias.data[scene_number(halves, TOKENIZER.reach)] = 50
    video = to_float(batch(len(begins), FRAMES).video)
    truth = tokenizer.encode_pairs(video)
    actions = torch.randn(len(begins), FRAMES - 1, DYNAMICS.action_size)
    noise = torch.rand(len(begins), FRAMES, ChangeSampler(DYNAMICS).draws)
    slips = torch.full((len(begins), FRAMES), slip is not None)
    own = roll_out(tokenizer, dynamics, video, actions, truth, torch.tensor(begins), noise, slips)
    return tokenizer, video, own


def test_a_clip_that_never_goes_on_by_itself_is_the_true_one():
    tokenizer, video, own = rolled([FRAMES, FRAMES])
    torch.testing.assert_close(own.pictures, video)
    assert torch.equal(own.targets, tokenizer.encode_pairs(video))
    assert torch.equal(own.tokens, own.targets)


@pytest.mark.parametrize("slip", [None, (2, -1)])
def test_own_pictures_are_what_play_decodes_from_their_tokens(slip):
    tokenizer, video, own = rolled([1, 1], slip)
    decoded = tokenizer.decode(own.tokens, video[:, 0])
    torch.testing.assert_close(own.pictures, decoded, atol=1.01 / 255, rtol=0)
    assert (own.pictures[:, -1] - video[:, -1]).abs().mean() > 0.01


def test_motion_to_learn_is_the_true_one_and_large_errors_are_content_to_learn():
    tokenizer, video, own = rolled([2, 2])
    truth = Changes.unpack(tokenizer.encode_pairs(video), TOKENIZER.num_blocks)
    target = Changes.unpack(own.targets, TOKENIZER.num_blocks)
    assert torch.equal(target.scene, truth.scene)
    assert torch.equal(target.motion[:, :3], truth.motion[:, :3])  # later the past is its own
    assert torch.equal(target.new[:, :3], truth.new[:, :3])
    assert ((target.motion == truth.motion) | (target.motion == FOLLOW)).all()
    wrong = (own.pictures[:, 2] - video[:, 2]).square().mean(-1)
    assert (wrong > 10 * MEND_ABOVE).any()
    assert target.new[:, 3:].sum() > truth.new[:, 3:].sum() + 10


def test_blocks_whose_character_is_gone_are_to_follow_the_scene():
    tokenizer = MotionTokenizer(TOKENIZER)
    video = to_float(batch(1, 2).video)
    video[:, :, 20:24] = video[:, :, 24:28]
    without = video[:, 0].clone()
    video[:, :, 18:30, 35:43] = torch.tensor([1.0, 0.0, 0.0])  # stands while the view moves by 3
    here = [8 * row + column for row in (2, 3) for column in (4, 5)]
    truth = Changes.unpack(tokenizer.encode_pairs(video)[:, 1], TOKENIZER.num_blocks)
    before = torch.cat([video[:, 0], without])
    source = tokenizer.source(
        tokenizer.canvas_around((before * 255).round().byte().permute(0, 3, 1, 2)),
        both := Changes.cat([truth, truth]),
    )
    frames = video[:, 1].permute(0, 3, 1, 2).repeat(2, 1, 1, 1)
    own = torch.ones(2, dtype=torch.bool)
    found = that_match(TOKENIZER, both, source, frames, own)
    moved, split = truth.motion[0, here], truth.split[0, here]
    assert (moved != FOLLOW).any() and (split != 0).any()
    assert torch.equal(found.motion[0, here], moved) and torch.equal(found.split[0, here], split)
    assert (found.motion[1, here] == FOLLOW).all() and (found.split[1, here] == 0).all()
    untouched = that_match(TOKENIZER, both, source, frames, ~own)
    assert torch.equal(untouched.pack(), both.pack())


def test_what_comes_into_view_is_true():
    tokenizer, _, own = rolled([1])
    for t in range(1, FRAMES):
        changes = Changes.unpack(own.targets[:, t], TOKENIZER.num_blocks)
        drawn = Changes.unpack(own.tokens[:, t], TOKENIZER.num_blocks)
        entering = comes_into_view(changes.scene, tokenizer.config)
        assert entering.view(8, 8)[:, -1].all() and entering.sum() < 16
        assert torch.equal(drawn.codes[entering], changes.codes[entering])
        assert torch.equal(drawn.motion[entering], changes.motion[entering])


def motions_in(tokens: torch.Tensor) -> torch.Tensor:
    """How the scene moves from frame 1 on, in half pixels."""
    return scene_vector(tokens[0, 1:, 0], TOKENIZER.reach)


def test_a_scene_that_has_moved_too_far_is_to_move_back():
    tokenizer, video, own = rolled([2], slip=(2, -1))
    true, wanted, used = (
        motions_in(tokens) for tokens in (tokenizer.encode_pairs(video), own.targets, own.tokens)
    )
    assert true.tolist() == [[0, 6]] * 4
    assert used.tolist() == [[0, 6], [2, 5], [-2, 7], [2, 5]]
    assert wanted.tolist() == [[0, 6], [0, 6], [-2, 7], [0, 6]]


@pytest.mark.parametrize("slip", [(7, 0), (0, -7)])
def test_a_scene_that_would_be_far_away_moves_as_in_truth(slip):
    tokenizer, video, own = rolled([2], slip)
    assert torch.equal(motions_in(own.tokens), motions_in(tokenizer.encode_pairs(video)))


def test_a_view_that_rises_moves_as_in_truth():
    """How high a jump will be cannot be known."""
    rest, up, down = (scene_number(torch.tensor([[y, 2]]), 4) for y in (0, -1, 1))
    assert [is_near(rest, true, 4).item() for true in (rest, up, down)] == [True, False, True]


def test_a_character_that_stands_stays_where_the_view_is_put_back():
    tokenizer = MotionTokenizer(replace(TOKENIZER, keeps_scene=True))
    frames = (land := batch(1, 1).video[:, 0].permute(0, 3, 1, 2)).clone()
    frames[..., 16:32, 24:40] = 255
    canvas = tokenizer.canvas_around(land)
    lower = torch.roll(land, -2, 2)
    lower[..., 16:32, 24:40] = 255
    canvas.pixels[..., :64, :64] = torch.cat([lower, torch.roll(land, -2, 2), lower[:, :1]], 1)
    rests = Changes.unpack(tokenizer.no_change(1, land.device), TOKENIZER.num_blocks)
    drift, tables = torch.tensor([[4, 0]]), tokenizer.books.tables()
    found = back_to_truth(tokenizer, rests, canvas, frames, drift, tables)
    assert scene_vector(found.scene, TOKENIZER.reach).tolist() == [[-4, 0]]
    motion = found.motion.unflatten(1, TOKENIZER.grid)[0]
    assert (motion[2:4, 3:5] == 1 + still(TOKENIZER.reach)).all()
    assert (motion[4:] == FOLLOW).all()
    assert torch.equal(
        back_to_truth(tokenizer, rests, canvas, frames, 0 * drift, tables).pack(), rests.pack()
    )


def test_the_world_learns_from_its_own_frames():
    torch.manual_seed(0)
    learner = MotionWorldObjective(
        LatentActionModel(TINY.actions),
        MotionDynamics(DYNAMICS),
        MotionTokenizer(TOKENIZER),
        WorldLoss(warmup_fraction=0.0, own_rollouts=1.0, own_scenes=1.0),
    )
    steps = train(learner, batch(), 12, 3e-3)
    assert steps[-1]["cross_entropy"] < 0.8 * steps[0]["cross_entropy"]
