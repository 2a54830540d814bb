"""What tokens of changes and the dynamics on them learn from."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from playworld.models.actions import LatentActionConfig, LatentActionModel, TokenView
from playworld.models.motion.changes import BLEND, Changes, join_digits
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.motion.dynamics import MotionDynamics, MotionDynamicsConfig
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.pixels import to_float
from playworld.models.quantizer import QuantizerConfig
from playworld.presets import TINY
from playworld.train.objectives import (
    Batch,
    MotionTokenizerLoss,
    MotionTokenizerObjective,
    MotionWorldObjective,
    Objective,
    WorldLoss,
)
from playworld.train.objectives.motion_tokenizer import without_content
from playworld.train.objectives.motion_world import split_losses
from playworld.train.recipe import Recipe

TOKENIZER = MotionTokenizerConfig(
    64, 64, QuantizerConfig(64, 192, normalize=False), reach=4, stages=2, channels=8, layers=1
)
DYNAMICS = MotionDynamicsConfig(
    64, 64, 8, 4, 2, 64, action_size=4, transformer=TINY.dynamics.transformer
)


def batch(clips: int = 4, frames: int = 4) -> Batch:
    """Views that slide over smooth pictures, and a stripe that blinks."""
    draw = torch.Generator().manual_seed(0)
    coarse = torch.rand(clips, 3, 14, 14, generator=draw)
    land = torch.nn.functional.interpolate(coarse, size=(112, 112), mode="bilinear")
    views = [land[..., 8 : 8 + 64, 8 + 3 * t : 72 + 3 * t] for t in range(frames)]
    video = (torch.stack(views, 1).permute(0, 1, 3, 4, 2) * 255).byte()
    video[:, ::2, 20:24] = 255
    seeds = tuple(range(clips))
    return Batch(video, None, 0.5, seeds, torch.Generator().manual_seed(1), clips)


def objective(**loss) -> MotionTokenizerObjective:
    torch.manual_seed(0)
    return MotionTokenizerObjective(
        MotionTokenizer(TOKENIZER), MotionTokenizerLoss(vectors=256, **loss)
    )


def train(learner: Objective, data: Batch, steps: int, rate: float) -> list[dict[str, float]]:
    """The loss and the metrics of each step."""
    optimizer = torch.optim.AdamW(learner.train().parameters(), lr=rate)
    found = []
    for _ in range(steps):
        loss, metrics = learner(replace(data, generator=torch.Generator().manual_seed(1)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        learned = learner.update_codebook(torch.Generator().manual_seed(2), 0.5)
        every = metrics | learned | {"loss": loss.detach()}
        found.append({name: float(value) for name, value in every.items()})
    return found


def test_the_filter_and_the_codebooks_learn():
    steps = train(objective(), batch(), 25, 3e-3)
    assert steps[-1]["loss"] < 0.9 * steps[1]["loss"]
    assert steps[-1]["perplexity"] > 4 and 0 < steps[-1]["new_blocks"] < 1


def test_parts_of_a_step_add_up_to_the_whole():
    learner, data = objective().eval(), batch()
    whole, metrics = learner(data)
    halves = [learner(half) for half in data.split(2)]
    torch.testing.assert_close(sum(loss for loss, _ in halves), whole)
    for name in ("psnr", "new_blocks"):
        torch.testing.assert_close(sum(m[name] for _, m in halves), metrics[name])


def test_content_is_hidden_where_it_should_be_and_nowhere_else():
    codes = torch.tensor([[[0, 0], [5, 3]], [[0, 0], [7, 0]]])
    changes = Changes(codes[:, 0, 0], codes[:, 0], codes[:, 1], codes)
    hidden = without_content(changes, torch.tensor([True, False]))
    assert hidden.codes.tolist() == [[[0, 0], [BLEND, 0]], [[0, 0], [7, 0]]]


def test_the_dynamics_of_changes_learn_beside_latent_actions():
    torch.manual_seed(0)
    parts = LatentActionModel(TINY.actions), MotionDynamics(DYNAMICS)
    learner = MotionWorldObjective(
        *parts, MotionTokenizer(TOKENIZER), WorldLoss(warmup_fraction=0.0)
    )
    data = batch()
    steps = train(learner, data, 12, 3e-3)
    assert steps[-1]["cross_entropy"] < 0.6 * steps[0]["cross_entropy"]
    shared = replace(data, normalizers=learner.eval().normalizers(data))
    parts = [learner(half)[0] for half in shared.split(2)]
    assert len(parts) == 2
    torch.testing.assert_close(sum(parts), learner(shared)[0])


def test_clips_are_mirrored_by_their_seeds():
    torch.manual_seed(0)
    parts = LatentActionModel(TINY.actions), MotionDynamics(DYNAMICS), MotionTokenizer(TOKENIZER)
    learners = [
        MotionWorldObjective(*parts, WorldLoss(warmup_fraction=0.0, mirror=mirror)).eval()
        for mirror in (False, True)
    ]
    data = batch()
    even = replace(data, seeds=tuple(2 * seed for seed in data.seeds))
    odd = replace(data, seeds=tuple(2 * seed + 1 for seed in data.seeds))
    turned = replace(odd, video=odd.video.flip(3))
    assert not torch.equal(odd.video, turned.video)
    as_it_is, mirroring = learners
    torch.testing.assert_close(mirroring(even)[0], as_it_is(even)[0])
    torch.testing.assert_close(mirroring(odd)[0], as_it_is(turned)[0])
    torch.testing.assert_close(mirroring.normalizers(odd), as_it_is.normalizers(turned))


def test_jump_is_let_go_or_pressed_in_midair_and_nowhere_else():
    torch.manual_seed(0)
    shape = LatentActionConfig(
        64, 64, QuantizerConfig(2, 4), "vector", tokens=TokenView(64, 4), gravity=True
    )
    actions = LatentActionModel(shape)
    loss = WorldLoss(warmup_fraction=0.0, vain_actions=1.0)
    parts = MotionDynamics(DYNAMICS), MotionTokenizer(TOKENIZER)
    learner = MotionWorldObjective(actions, *parts, loss).eval()
    # A takeoff, two frames of the rise, two of the fall, ground with noise, and another takeoff.
    rows = torch.tensor([0, -0.8, -0.75, -0.7, 0.4, 0.6, -0.001, -0.7])
    view = F.pad(rows[None, :, None, None, None], (0, 3))
    actions.quantizer.reset_codes(torch.tensor([0, 1]), actions.encoder(view)[0, [3, 0]])
    pressed = actions.quantizer(actions.encoder(view))
    assert pressed.codes.tolist() == [[1, 1, 1, 0, 0, 0, 1]]
    found = set()
    for seed in range(80):
        mixed = learner.press_in_vain(pressed, view, [torch.Generator().manual_seed(seed)])
        assert torch.equal(mixed.latents, actions.embed(mixed.codes))
        found.add("".join(map(str, mixed.codes[0].tolist())))
    let_go, held = {"1000001", "1100001"}, {"1111101", "1110101"}
    assert found == {"1110001"} | let_go | held


def test_quarters_are_learned_from_the_blocks_that_are_split():
    draw = torch.Generator().manual_seed(0)
    flags, quarters = torch.randn(3, 1, generator=draw), torch.randn(3, 32, generator=draw)
    truth = torch.tensor([0, join_digits(torch.tensor([0, 5, 0, 1])), 0])
    loss = split_losses(flags, quarters, truth)
    elsewhere = quarters.clone()
    elsewhere[[0, 2]] += 1.0 + torch.arange(32)
    torch.testing.assert_close(split_losses(flags, elsewhere, truth), loss)
    surer = flags + torch.tensor([[-9.0], [9.0], [-9.0]])
    assert split_losses(surer, quarters, truth) < loss
    without = split_losses(flags[:, :0], quarters, truth)
    assert split_losses(flags[:, :0], elsewhere, truth) != without


@pytest.mark.slow
def test_latent_actions_are_found_in_how_the_scene_moves():
    """Half of the clips slide to the left and half to the right: two of the codes say so."""
    torch.manual_seed(0)
    shape = LatentActionConfig(64, 64, QuantizerConfig(2, 4), "vector", tokens=TokenView(64, 4))
    tokenizer = MotionTokenizer(TOKENIZER)
    parts = LatentActionModel(shape), MotionDynamics(DYNAMICS)
    learner = MotionWorldObjective(*parts, tokenizer, WorldLoss(warmup_fraction=0.0))
    data = batch()
    data.video[2:] = data.video[2:].flip(1)
    train(learner, data, 30, 1e-2)
    view = tokenizer.code_grid(tokenizer.encode_pairs(to_float(data.video)))
    codes = learner.actions.eval().encode(view)
    left, right = codes[:2].float().mean(), codes[2:].float().mean()
    assert (left - right).abs() > 0.5


def test_the_scene_is_hidden_with_all_its_blocks_or_not_at_all():
    torch.manual_seed(0)
    parts = LatentActionModel(TINY.actions), MotionDynamics(DYNAMICS)
    learner = MotionWorldObjective(*parts, MotionTokenizer(TOKENIZER), WorldLoss())
    data = batch(clips=32)
    hidden = learner.sample_mask(data, data.generators())
    scene, blocks = hidden[..., 0], hidden[..., 1:]
    assert not hidden[:, 0].any() and blocks[scene].all()
    assert 0.1 < scene[:, 1:].float().mean() < 0.4


def test_most_clips_begin_as_play_does_with_a_picture_of_which_no_change_is_known():
    tokenizer = MotionTokenizer(TOKENIZER)
    parts = LatentActionModel(TINY.actions), MotionDynamics(DYNAMICS)
    learner, data = MotionWorldObjective(*parts, tokenizer, WorldLoss()), batch(clips=64)
    tokens = torch.randint(1, 30, (64, 4, TOKENIZER.num_tokens))
    past = learner.corrupt_tokens(tokens, data.generators())
    unknown = (past[:, 0] == tokenizer.no_change(64, tokens.device)).all(-1)
    assert 0.6 < unknown.float().mean() < 0.9
    assert torch.equal(past[:, 1:], tokens[:, 1:])
    assert torch.equal(past[~unknown], tokens[~unknown])


@pytest.mark.parametrize(
    "change",
    [
        {"dynamics": replace(DYNAMICS, reach=8)},
        {"dynamics": TINY.dynamics},
        {"tokenizer_loss": TINY.tokenizer_loss},
    ],
)
def test_parts_of_different_kinds_make_no_recipe(change):
    recipe = replace(
        TINY, tokenizer=TOKENIZER, dynamics=DYNAMICS, tokenizer_loss=MotionTokenizerLoss()
    )
    assert isinstance(recipe, Recipe)
    with pytest.raises(ValueError, match="disagree|kind"):
        replace(recipe, **change)
