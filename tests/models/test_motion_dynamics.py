"""Dynamics of changes: what is trained is what is played."""

from dataclasses import replace

import pytest
import torch

from playworld.models.motion.changes import FOLLOW
from playworld.models.motion.clearance import AHEAD, clearance
from playworld.models.motion.dynamics import MotionDynamics, MotionDynamicsConfig
from playworld.models.motion.foreground import ALONE, STAYS, foreground, odds
from playworld.models.motion.scene_head import ExpectedMotion
from playworld.models.motion.source import scene_number
from playworld.models.st_transformer import TransformerConfig

SHAPE = TransformerConfig(width=16, num_layers=2, num_heads=2, head_dim=8, window=4)
CONFIG = MotionDynamicsConfig(16, 24, 8, 4, 2, 32, action_size=8, transformer=SHAPE)


def clip(frames: int = 6) -> tuple[torch.Tensor, ...]:
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randint(30, (2, frames, CONFIG.num_tokens), generator=draw)
    hidden = torch.rand(2, frames, CONFIG.num_positions, generator=draw) < 0.5
    hidden[:, 0] = False
    actions = torch.randn(2, frames - 1, 8, generator=draw)
    video = torch.rand(2, frames, 16, 24, 3, generator=draw)
    return tokens, hidden, actions, video


@torch.no_grad()
@pytest.mark.parametrize("sees", [False, True])
@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("flies", [False, True])
def test_a_frame_is_trained_as_it_is_played(sees, keeps, flies):
    """Every frame of the training pass equals a cached step after its true past."""
    torch.manual_seed(0)
    config = replace(CONFIG, moved_picture=sees, keeps_scene=keeps, sees_flight=flies)
    config = replace(config, sees_foreground=keeps, sees_clearance=keeps, expects_motion=flies)
    model = MotionDynamics(config).eval()
    for part in (model.flight, model.foreground, model.clearance, model.expected):
        for weight in part.parameters() if part else ():
            torch.nn.init.normal_(weight)
    tokens, hidden, actions, video = clip()
    moved, flight = video.roll(3, dims=2), torch.randint(0, 2, (*tokens.shape[:2], 7))
    if keeps:
        before = (video[..., :1] > 0.9).float()
        video = torch.cat([video, video.flip(3), before], dim=-1)
    trained = model(tokens, hidden, actions, video, moved, flight)
    cache, nothing = model.start_cache(2), torch.zeros_like(hidden[:, 0])
    for t in range(tokens.shape[1]):
        action = actions[:, t - 1] if t else None
        last, now = video[:, max(0, t - 1)][:, None], moved[:, t][:, None]
        before = flight[:, t][:, None]
        picture = model.picture_features(last, before, now)[:, 0]
        if t:
            shown = picture.where(
                ~hidden[:, t, :1, None], model.picture_features(last, before)[:, 0]
            )
            played, _ = model.step(tokens[:, t], hidden[:, t], action, cache, shown)
            if keeps:  # what to risk is not learned
                played[:, 1:, FOLLOW] += odds(foreground(last, CONFIG.patch))[:, 0]
            torch.testing.assert_close(played, trained[:, t - 1], atol=1e-5, rtol=1e-4)
        _, entry = model.step(tokens[:, t], nothing, action, cache, picture)
        cache = model.append(cache, entry)


def test_the_foreground_is_where_the_picture_differs_from_the_scene():
    video = torch.rand(1, 2, 32, 24, 3)
    frames = torch.cat([video, video, torch.zeros_like(video[..., :1])], dim=-1)
    assert (foreground(frames, 8) == 0).all()
    frames[0, 1, 4:8, 2:4, :3] += 0.5  # half of the lower left quarter of the first block
    frames[0, 1, 28:30, 20:23, :3] -= 0.02  # too little
    found = foreground(frames, 8).view(2, 4, 3)
    assert (found[0] == 0).all()
    assert found[1].tolist() == [[6, 5, 0], [5, 5, 0], [0, 0, 0], [0, 0, 0]]
    risk = odds(foreground(frames, 8)).view(2, 4, 3)
    assert (risk[0] == -ALONE).all()
    assert risk[1, :2].tolist() == [[STAYS, 0, -ALONE], [0, 0, -ALONE]]


@pytest.mark.parametrize("name", ["sees_foreground", "sees_clearance"])
def test_what_stands_before_a_scene_needs_one(name):
    with pytest.raises(ValueError, match=f"{name} needs keeps_scene"):
        replace(CONFIG, **{name: True})


def test_an_expected_motion_needs_a_flight():
    with pytest.raises(ValueError, match="expects_motion needs sees_flight"):
        replace(CONFIG, expects_motion=True)


@torch.no_grad()
def test_a_motion_is_as_likely_as_its_rows_and_columns_and_their_offsets():
    reach, span = 2, 9
    head = ExpectedMotion(4, reach)
    assert (head(torch.randn(3, 4), torch.zeros(3, 2).long()) == 0).all()  # before training
    torch.nn.init.normal_(head.heads.weight)
    x, expected = torch.randn(2, 4), torch.tensor([[3, -1], [-4, 9]])  # the last is too much
    found = head(x, expected)
    for row, (down, across) in enumerate([(3, -1), (-4, 4)]):
        parts = head.heads(x[row]).split([span, 2 * span - 1] * 2)
        for motion in ((0, 0), (-4, 4), (2, -3)):
            sums = parts[0][motion[0] + 4] + parts[1][motion[0] - down + 8]
            sums = sums + parts[2][motion[1] + 4] + parts[3][motion[1] - across + 8]
            number = scene_number(torch.tensor(motion), reach)
            torch.testing.assert_close(found[row, number], sums)


def test_the_clearance_is_the_distance_to_the_pixel_in_any_look():
    """A figure of 2 x 4 pixels, ground 3 below its feet, a wall 5 to its right."""
    air, ground = torch.rand(2, 3), torch.rand(2, 3)
    ground = air + (ground - air).sign() * (0.2 + ground / 10)
    frames = torch.zeros(2, 2, 32, 24, 7)  # of each look, one with the figure and one without
    frames[..., 3:6] = air[:, None, None, None]
    frames[:, :, 15:, :, 3:6] = frames[:, :, :, 17:, 3:6] = ground[:, None, None, None]
    frames[:, 0, 9:13, 11:13, 6] = 1
    found = clearance(frames, 8).view(2, 2, 4, 3, 4, AHEAD + 1)
    assert (found[:, 1] == 0).all()
    at = found[:, 0, 1, 1]  # the figure's block; others have none of its edge pixels
    assert found.sum() == at.sum()
    down, up, right, left = at.unbind(1)
    torch.testing.assert_close(at[..., -1], torch.tensor([[2, 2, 4, 4]] * 2) / 8)
    assert ((down[:, :-1] > 0.99) == (torch.arange(1, AHEAD + 1) >= 3)).all()
    assert ((right[:, :-1] > 0.99) == (torch.arange(1, AHEAD + 1) >= 5)).all()
    assert (up[:, :-1] == 0).all() and (left[:, :-1] == 0).all()


@torch.no_grad()
def test_what_is_hidden_is_not_seen():
    torch.manual_seed(0)
    model, (tokens, hidden, actions, video) = MotionDynamics(CONFIG).eval(), clip()
    last = hidden.clone()
    last[:, -1] = True
    other = tokens.clone()
    other[:, -1] = (other[:, -1] + 1) % 30
    torch.testing.assert_close(
        model(tokens, last, actions, video), model(other, last, actions, video)
    )
