"""Pictures whose movement is known, and a real world too small to be any good."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from playworld.data.clips.shards import ShardWriter
from playworld.evaluate.metrics import physics
from playworld.models.actions import LatentActionConfig, LatentActionModel
from playworld.models.dynamics import Dynamics, DynamicsConfig
from playworld.models.quantizer import QuantizerConfig
from playworld.models.st_transformer import TransformerConfig
from playworld.models.tokenizer import TokenizerConfig, VideoTokenizer
from playworld.world import SamplerConfig, World, WorldConfig

SIZE = 16
NUM_ACTIONS = 3


def landscape(kind: str, seed: int = 0) -> Tensor:
    """A 256x256 picture: smooth "noise", or coloured "tiles" on a black sky as in a platformer."""
    generator = torch.Generator().manual_seed(seed)
    if kind == "noise":
        rough = torch.rand(1, 3, 64, 64, generator=generator)
        smooth = torch.nn.functional.interpolate(rough, size=256, mode="bilinear")
        return (smooth[0].movedim(0, -1) * 255).byte()
    solid = torch.rand(32, 32, generator=generator) < 0.15
    tile = (torch.rand(8, 8, 3, generator=generator) * 200 + 55).byte()
    ground = solid.repeat_interleave(8, 0).repeat_interleave(8, 1)
    return tile.repeat(32, 32, 1) * ground[..., None]


@pytest.fixture(scope="module", autouse=True)
def short_walks():
    """The long walk of `physics` is most of what a small evaluation plays."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(physics, "WALK", 10)
        yield


@pytest.fixture(scope="session")
def scroll():
    """`scroll(steps, kind)`: the video of a camera that moves by `steps` = [(x, y), ...]."""

    def film(
        steps: list[tuple[int, int]], kind: str = "noise", seed: int = 0, size: int = 64
    ) -> Tensor:
        picture, x, y = landscape(kind, seed), 96, 96
        frames = [picture[y : y + size, x : x + size]]
        for right, down in steps:
            x, y = x + right, y + down
            frames.append(picture[y : y + size, x : x + size])
        return torch.stack(frames)

    return film


@pytest.fixture(scope="session")
def make_world():
    """Untrained, 16x16 pixels, 4 tokens of 16 codes, 3 actions; the same every time."""

    def make() -> World:
        torch.manual_seed(0)
        shape = TransformerConfig(width=16, num_layers=1, num_heads=2, head_dim=8, window=8)
        quantizer, size = QuantizerConfig, (SIZE, SIZE)
        config = WorldConfig(
            name="untrained",
            fps=10.0,
            tokenizer=TokenizerConfig(*size, 8, shape, shape, quantizer(16, 4)),
            actions=LatentActionConfig(
                *size, quantizer(NUM_ACTIONS, 4), patch=8, encoder=shape, decoder=shape
            ),
            dynamics=DynamicsConfig(4, 16, 4, shape),
            sampler=SamplerConfig(steps=2, temperature=1.0),
        )
        tokenizer, actions = VideoTokenizer(config.tokenizer), LatentActionModel(config.actions)
        return World(config, tokenizer.eval(), actions.eval(), Dynamics(config.dynamics).eval())

    return make


@pytest.fixture
def world(make_world) -> World:
    return make_world()


@pytest.fixture
def deaf_world(make_world) -> World:
    """The same world with dynamics that cannot hear the action."""
    world = make_world()
    torch.nn.init.zeros_(world.dynamics.action.weight)
    torch.nn.init.zeros_(world.dynamics.action.bias)
    return world


@pytest.fixture(scope="session")
def make_clips(scroll):
    """`make_clips(root)`: CLIPS of two held-out videos of 40 frames that scroll right and left."""

    def make(root: Path) -> Path:
        folder, videos = root / "clips", root / "videos"
        videos.mkdir(parents=True)
        with ShardWriter(folder / "valid", SIZE, SIZE, 10.0) as writer:
            for name, right in (("right.mp4", 3), ("left.mp4", -2)):
                frames = scroll([(right, 0)] * 39, size=SIZE).numpy()
                writer.write(frames, name, [k / 10 for k in range(40)])
                keys = {
                    "times": [k / 20 for k in range(80)],
                    "actions": [int(right > 0)] * 80,
                    "action_names": ["left", "right"],
                }
                beside = (videos / name).with_suffix(".actions.json")
                beside.write_text(json.dumps(keys))
        (folder / "dataset.json").write_text(json.dumps({"format": 1, "videos": str(videos)}))
        return folder

    return make


@pytest.fixture
def clips(make_clips, tmp_path: Path) -> Path:
    return make_clips(tmp_path)
