"""How the scene of a first picture is separated from what stands before it."""

from dataclasses import replace

import pytest
import torch

from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.pixels import to_float
from playworld.models.quantizer import QuantizerConfig
from playworld.train.objectives import Batch, MotionTokenizerLoss, MotionTokenizerObjective
from playworld.train.objectives.first_scene import (
    differs,
    first_scene_loss,
    scene_of_clip,
)

CONFIG = MotionTokenizerConfig(
    48, 64, QuantizerConfig(64, 192, normalize=False), reach=4, stages=1, channels=8, layers=1,
    keeps_scene=True, first_scene=16,
)  # fmt: skip
FIGURE = slice(20, 30), slice(28, 36)


def clips(count: int, frames: int = 12, seed: int = 0) -> torch.Tensor:
    """Views that slide over smooth dark pictures, with a bright figure in the middle, as uint8."""
    draw = torch.Generator().manual_seed(seed)
    coarse = 0.5 * torch.rand(count, 3, 14, 32, generator=draw)
    land = torch.nn.functional.interpolate(coarse, size=(56, 128), mode="bilinear")
    video = torch.stack([land[..., 4:52, 3 * t : 64 + 3 * t] for t in range(frames)], 1)
    video[..., *FIGURE] = torch.tensor([1.0, 0.9, 0.6])[:, None, None]
    return (video.permute(0, 1, 3, 4, 2) * 255).byte()


def batch(count: int, seed: int) -> Batch:
    seeds = tuple(range(seed, seed + count))
    return Batch(clips(count, seed=seed), None, 0.5, seeds, torch.Generator(), count)


def test_the_scene_of_a_clip_is_what_most_of_its_frames_show():
    video = to_float(clips(2)).permute(0, 1, 4, 2, 3)
    corners = torch.tensor([[0, 6 * t] for t in range(12)]).expand(2, -1, -1)
    chosen = torch.tensor([0, 7])
    scene, known = scene_of_clip(video, corners, chosen)
    picture = video[torch.arange(2), chosen]
    before = differs(picture, scene) & known
    figure = torch.zeros(48, 64, dtype=torch.bool)
    figure[FIGURE] = True
    assert (before[:, 0] == figure & known[:, 0]).all() and before.any()
    assert torch.equal(scene * known * ~figure, picture * known * ~figure)
    # Shown only by frames that have moved little, or by few: not known.
    assert not known[0, 0, :, :4].any() and known[0, 0, 24, 40]


def test_a_view_that_stands_still_shows_nothing_of_the_scene_behind():
    video = to_float(clips(1)).permute(0, 1, 4, 2, 3)[:, :1].expand(-1, 12, -1, -1, -1)
    still = torch.zeros(1, 12, 2, dtype=torch.long)
    assert not scene_of_clip(video, still, torch.tensor([3]))[1].any()


def test_a_figure_is_found_in_pictures_that_were_never_seen():
    torch.manual_seed(0)
    tokenizer = MotionTokenizer(CONFIG)
    network = tokenizer.first_scene
    unseen = to_float(clips(2, seed=90))[:, 0]
    fresh = tokenizer.begin(unseen).view()
    assert torch.equal(fresh[:, :3], fresh[:, 3:6])  # untrained, all is the scene
    corners = torch.tensor([[0, 6 * t] for t in range(12)]).expand(4, -1, -1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for step in range(60):
        frames = to_float(clips(4, seed=4 * step)).permute(0, 1, 4, 2, 3)
        chosen = torch.arange(4) + step % 8
        loss = first_scene_loss(network, frames, corners, chosen)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    layers = to_float(tokenizer.begin(unseen).view())
    apart = (layers[:, :3] - layers[:, 3:6]).abs().mean(1) > 0.1
    assert apart[:, *FIGURE].float().mean() > 0.9
    apart[:, 18:32, 26:38] = False
    assert not apart.any()
    assert torch.equal(layers[:, :3], unseen.permute(0, 3, 1, 2))


def test_it_is_learned_beside_the_rest_of_the_tokenizer():
    torch.manual_seed(0)
    tokenizer = MotionTokenizer(CONFIG)
    learner = MotionTokenizerObjective(tokenizer, MotionTokenizerLoss(vectors=64)).train()
    loss, metrics = learner(batch(4, 0))
    loss.backward()
    assert metrics["first_scene"] > 0
    assert all(p.grad is not None and p.grad.isfinite().all() for p in tokenizer.parameters())


def test_parts_of_a_step_add_up_to_the_whole():
    torch.manual_seed(0)
    tokenizer = MotionTokenizer(CONFIG)
    learner, data = MotionTokenizerObjective(tokenizer, MotionTokenizerLoss()).eval(), batch(4, 0)
    whole = learner(data)[1]["first_scene"]
    torch.testing.assert_close(
        sum(learner(half)[1]["first_scene"] for half in data.split(2)), whole
    )


def test_a_scene_that_is_not_kept_cannot_be_separated():
    with pytest.raises(ValueError, match="needs keeps_scene"):
        replace(CONFIG, keeps_scene=False)
