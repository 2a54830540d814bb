import pytest
import torch

from playworld.evaluate.metrics.answers import answers
from playworld.evaluate.metrics.delta_psnr import delta_psnr
from playworld.evaluate.metrics.frame_quality import score_rollouts
from playworld.evaluate.metrics.sharpness import score_sharpness
from playworld.evaluate.rollouts import Rollouts, press, random_actions, roll_out
from playworld.world import SamplerConfig


@pytest.fixture
def video(scroll):
    return torch.stack([scroll([(2, 0)] * 6, seed=seed, size=16) for seed in range(3)])


def hand_made(scroll, inferred_steps, random_steps) -> Rollouts:
    """A true video that scrolls right, and what two arms made of the same start; 8 clips."""
    true, inferred, other = (
        torch.stack([scroll(steps, seed=seed) for seed in range(8)])
        for steps in ([(3, 0)] * 5, [(0, 0), *inferred_steps], [(0, 0), *random_steps])
    )
    return Rollouts(true[:, :2], true[:, 2:], inferred[:, 2:], other[:, 2:])


def test_frames_that_follow_the_actions_score_a_delta_that_is_surely_positive(scroll):
    followed = hand_made(scroll, [(6, 0), (3, 0), (3, 0), (3, 0)], [(0, 0), (-3, 0)] * 2)
    delta = delta_psnr(followed)
    assert list(delta) == ["1", "2", "3", "4"]
    assert delta["4"]["low"] > 3
    assert answers(delta)


def test_frames_that_ignore_the_actions_score_a_delta_of_zero(scroll):
    same = [(1, 0)] * 4
    delta = delta_psnr(hand_made(scroll, same, same))
    assert delta["4"] == {"mean": 0, "low": 0, "high": 0}
    assert not answers(delta)


def test_frames_against_the_actions_score_a_negative_delta(scroll):
    right, left = [(6, 0), (3, 0), (3, 0), (3, 0)], [(-3, 0)] * 4
    assert delta_psnr(hand_made(scroll, left, right))["4"]["high"] < 0


def test_a_world_that_cannot_hear_its_actions_scores_a_delta_of_exactly_zero(deaf_world, video):
    actions, at_random = deaf_world.infer_actions(video), random_actions(3, 4, 3, seed=0)
    rollouts = roll_out(deaf_world, video, actions, at_random, seeds=[1, 2, 3])
    assert {band["mean"] for band in delta_psnr(rollouts).values()} == {0.0}


def test_both_arms_share_the_noise_so_that_equal_actions_give_equal_frames(world, video):
    actions = world.infer_actions(video)
    rollouts = roll_out(world, video, actions, actions[:, 2:], seeds=[1, 2, 3])
    assert torch.equal(rollouts.inferred, rollouts.random)
    assert rollouts.inferred.shape == (3, 4, 16, 16, 3)


def test_the_action_into_the_first_generated_frame_is_the_one_that_left_the_prompt(world, video):
    actions = world.infer_actions(video)
    rollouts = roll_out(world, video, actions, random_actions(3, 4, 3, 0), seeds=[1, 2, 3])
    _, state = world.start(video[:, :3], [1, 2, 3])
    # Frames 0, 1, 2 are the prompt: transition 2 leads from the last of them to frame 3.
    first, _ = world.step(state, actions[:, 2])
    assert torch.equal(rollouts.inferred[:, 0], first)


def test_the_sampler_asked_for_is_the_one_used(world, video):
    _, state = world.start(video[:, :3], [1, 2, 3])
    actions = torch.zeros(3, 4, dtype=torch.long)
    cold = press(world, state, actions, SamplerConfig(steps=1, temperature=0.0))
    assert not torch.equal(press(world, state, actions), cold)


def test_random_actions_are_a_function_of_the_seed_and_use_every_code():
    drawn = random_actions(100, 16, 8, seed=1)
    assert torch.equal(drawn, random_actions(100, 16, 8, seed=1))
    assert not torch.equal(drawn, random_actions(100, 16, 8, seed=2))
    assert torch.bincount(drawn.flatten()).min() > 150


def test_prompt_frames_are_never_scored(scroll):
    rollouts = hand_made(scroll, [(6, 0), (3, 0), (3, 0), (3, 0)], [(0, 0)] * 4)
    scores = score_rollouts(rollouts)
    spoiled = Rollouts(
        torch.cat([torch.zeros_like(rollouts.prompt[:, :1]), rollouts.prompt[:, 1:]], dim=1),
        rollouts.truth,
        rollouts.inferred,
        rollouts.random,
    )
    assert list(scores["psnr"]) == ["1", "2", "3", "4"]
    assert score_rollouts(spoiled) == scores


def test_copy_last_repeats_the_last_frame_of_the_prompt(scroll):
    rollouts = hand_made(scroll, [(0, 0)] * 4, [(0, 0)] * 4)
    copied = Rollouts(
        rollouts.prompt,
        rollouts.truth,
        rollouts.prompt[:, -1:].expand_as(rollouts.truth),
        rollouts.random,
    )
    scores = score_rollouts(copied)
    assert scores["psnr"] == scores["copy_last"]
    assert set(scores["gain"].values()) == {0.0}


def test_terrain_that_the_prompt_did_not_show_is_left_out_of_the_score_in_view(scroll):
    rollouts = hand_made(scroll, [(6, 0), (3, 0), (3, 0), (3, 0)], [(0, 0)] * 4)
    guessed = rollouts.inferred.clone()
    for k in range(4):
        guessed[:, k, :, 64 - 3 * (k + 1) :] = 0
    scores = score_rollouts(Rollouts(rollouts.prompt, rollouts.truth, guessed, rollouts.random))
    assert scores["psnr_seen"]["4"] == 100
    assert scores["psnr"]["4"] < 30


def test_a_world_that_blurs_is_less_sharp_than_its_video(scroll):
    true = torch.stack([scroll([(3, 0)] * 4, "tiles", seed=seed) for seed in range(3)])
    blurred = true.float().unfold(3, 3, 1).mean(dim=-1)
    blurred = torch.nn.functional.pad(blurred, (0, 0, 1, 1)).byte()
    found = score_sharpness(Rollouts(true[:, :1], true[:, 1:], blurred[:, 1:], true[:, 1:]))
    assert found["sharpness"]["4"] < 0.7 * found["true_sharpness"]["4"]
