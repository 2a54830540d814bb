"""Latent actions are found on a synthetic video whose true actions are known."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from playworld.evaluate.agreement import agreement
from playworld.models.actions import LatentActionConfig, LatentActionModel
from playworld.models.dynamics import Dynamics
from playworld.models.pixels import to_float
from playworld.models.quantizer import QuantizerConfig
from playworld.models.st_transformer import TransformerConfig
from playworld.models.tokenizer import VideoTokenizer
from playworld.presets import preset
from playworld.train.loop import Trainer
from playworld.train.objectives import WorldLoss, WorldObjective
from playworld.train.optim import StageConfig

NAMES = ("right", "left", "down", "up")
MOVES = torch.tensor([[0, 3], [0, -3], [3, 0], [-3, 0]])
SIZE = 32


def film(clips: int, length: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A camera over soft waves moves by 3 pixels as the action of the transition says."""
    generator = torch.Generator().manual_seed(seed)
    starts = torch.randint(SIZE, (clips, 1, 2), generator=generator)
    actions = torch.randint(4, (clips, length - 1), generator=generator)
    corners = starts + F.pad(MOVES[actions].cumsum(1), (0, 0, 1, 0))
    y, x = (corners[..., None, axis] + torch.arange(SIZE) for axis in (0, 1))
    y, x = (torch.sin(2 * torch.pi * t / 16) for t in (y, x))
    red, green = y[..., :, None].expand(-1, -1, -1, SIZE), x[..., None, :].expand(-1, -1, SIZE, -1)
    waves = torch.stack([red, green, red * green], dim=-1)
    return (127.5 * (1 + waves)).to(torch.uint8), actions


def found(stem: str, length: int, steps: int, rate: float, batch: int = 16) -> float:
    """Balanced agreement of the codes with the true actions on films never seen."""
    torch.manual_seed(0)
    shape, book = TransformerConfig(48, 2, 3, 16, mlp_ratio=2), QuantizerConfig(4, 4)
    linear = {"patch": 8, "encoder": shape, "decoder": shape}
    conv = {"patch": 8, "stem": "conv", "stem_channels": 8}
    config = LatentActionConfig(SIZE, SIZE, book, **(linear if stem == "linear" else conv))
    tiny = preset("tiny").resized(64, 64)
    tokenizer = VideoTokenizer(replace(tiny.tokenizer, height=SIZE, width=SIZE))
    dynamics = Dynamics(replace(tiny.dynamics, num_tokens=4))
    model = LatentActionModel(config)
    objective = WorldObjective(model, dynamics, tokenizer, WorldLoss(warm_share=0.5))
    stage = StageConfig(steps, batch, length, rate, warmup_steps=20, ema_decay=0.9)
    trainer = Trainer(objective, stage, Path("unused"), torch.device("cpu"))
    for step in range(steps):
        trainer.update(film(batch, length, seed=step)[0], None)
    video, actions = film(32, length, seed=10**6)
    codes = model.eval().encode(to_float(video))
    return agreement(codes, actions, NAMES, 4)["balanced"]


@pytest.mark.slow
@pytest.mark.parametrize("length", [16, 32])
def test_convolutions_find_the_true_actions(length):
    assert found("conv", length, 160, 3e-3, batch=128 // length) > 0.95
