"""Dynamics of changes: what is trained is what is played."""

from dataclasses import replace

import pytest
import torch

from playworld.models.motion.changes import FOLLOW
from playworld.models.motion.dynamics import MotionDynamics, MotionDynamicsConfig
from playworld.models.motion.foreground import ALONE, STAYS, foreground, odds
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
    model = MotionDynamics(replace(config, sees_foreground=keeps)).eval()
    for part in (model.flight, model.foreground):
        for weight in part.parameters() if part else ():
            torch.nn.init.normal_(weight)
    tokens, hidden, actions, video = clip()
    moved, flight = video.roll(3, dims=2), torch.randint(0, 2, (*tokens.shape[:2], 6))
    if keeps:
        video = torch.cat([video, video.flip(3), torch.zeros_like(video[..., :1])], dim=-1)
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


def test_a_foreground_needs_a_scene():
    with pytest.raises(ValueError, match="keeps_scene"):
        replace(CONFIG, sees_foreground=True)


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
