"""A tiny real world with random weights: 16x24 pixels, 24 tokens of 32 codes, a window of 4."""

import io

import pytest
import torch
from PIL import Image

from playworld.models.actions import LatentActionConfig, LatentActionModel
from playworld.models.dynamics import Dynamics, DynamicsConfig
from playworld.models.quantizer import QuantizerConfig
from playworld.models.st_transformer import TransformerConfig
from playworld.models.tokenizer import TokenizerConfig, VideoTokenizer
from playworld.world import Button, SamplerConfig, World, WorldConfig, traced_passes


def tiny_config() -> WorldConfig:
    shape = TransformerConfig(width=16, num_layers=2, num_heads=2, head_dim=8, window=4)
    return WorldConfig(
        name="tiny",
        fps=10.0,
        tokenizer=TokenizerConfig(16, 24, 4, shape, shape, QuantizerConfig(32, 8)),
        actions=LatentActionConfig(
            16, 24, QuantizerConfig(4, 8), patch=8, encoder=shape, decoder=shape
        ),
        dynamics=DynamicsConfig(num_tokens=24, num_codes=32, action_size=8, transformer=shape),
        sampler=SamplerConfig(steps=4, temperature=1.0),
        buttons=(Button("left", "←"), Button("right", "→"), Button("jump", "↑"), Button("wait")),
    )


@pytest.fixture
def png():
    """A valid prompt of the tiny world, as a file."""
    pixels = torch.arange(16 * 24 * 3).remainder(251).byte().view(16, 24, 3)
    file = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def world(png) -> World:
    torch.manual_seed(0)
    config = tiny_config()
    models = (
        VideoTokenizer(config.tokenizer),
        LatentActionModel(config.actions),
        Dynamics(config.dynamics),
    )
    # A last layer with larger weights: an untrained one is too unsure for its choices to matter.
    models[2].head.weight.data *= 4
    return World(config, *(m.eval() for m in models), card="# Tiny", prompts={"01": png})


@pytest.fixture
def saved(world, tmp_path):
    """The tiny world as a folder."""
    world.save(tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture
def images():
    """Three prompts of three frames each."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (3, 3, 16, 24, 3), dtype=torch.uint8, generator=generator)


@pytest.fixture
def trace_after(monkeypatch) -> int:
    """So few calls with the same shapes are traced that those of a short game are."""
    monkeypatch.setattr(traced_passes, "TRACE_AFTER", 8)
    return traced_passes.TRACE_AFTER
