"""Policies: from the last few frames to what to do next, kept as a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from playworld.agents.options import Kind
from playworld.config import InputError, from_dict, to_dict
from playworld.manifest import load_into, params_sha256, read_folder, write_folder
from playworld.models.pixels import to_float
from playworld.models.st_transformer import STTransformer, TransformerConfig
from playworld.models.stems import ConvEmbed, check_grid, grid

Meaning = Literal["latent", "true"]
PATCH = 8
"""How far convolutions halve the picture, in pixels."""
HIDDEN = 256
"""Features of the layer before the choice."""
FORMAT = 2
"""Version of a policy's folder and of the order of numbers in its weights."""
WEIGHTS, CONFIG, REPORT = "policy.safetensors", "config.json", "report.json"


@dataclass(frozen=True)
class PolicyConfig:
    """What a policy is, and what its choices stand for."""

    kind: Kind
    """A small CNN over stacked frames, or an ST-transformer (the paper's encoder)."""
    meaning: Meaning
    """Choices are latent actions of a world, or true ones (`moves.MOVES`)."""
    choices: int
    """How many there are, K."""
    height: int
    """Of a frame, in pixels."""
    width: int
    """Of a frame, in pixels."""
    frames: int = 2
    """Frames that it looks at, the newest included."""
    channels: int = 16
    """Of the first convolution."""
    transformer: TransformerConfig = TransformerConfig(
        width=64, num_layers=2, num_heads=2, head_dim=32, mlp_ratio=2.0
    )
    """Of the kind "st"; a CNN has none."""

    def __post_init__(self) -> None:
        check_grid(self.height, self.width, PATCH, "conv")
        if self.choices < 1 or not 1 <= self.frames <= self.transformer.window:
            raise ValueError(
                f"a policy needs at least 1 choice and 1 to {self.transformer.window} frames, got "
                f"choices={self.choices}, frames={self.frames}"
            )


class ConvNetwork(nn.Module):
    """Convolutions over the frames stacked as channels."""

    def __init__(self, config: PolicyConfig) -> None:
        super().__init__()
        rows, columns = grid(config.height, config.width, PATCH)
        self.stem = ConvEmbed(PATCH, 32, config.channels, channels=3 * config.frames)
        self.hidden = nn.Linear(32 * rows * columns, HIDDEN)
        self.head = nn.Linear(HIDDEN, config.choices)

    def forward(self, video: UInt8[Tensor, "B F H W 3"]) -> Float[Tensor, "B K"]:
        """Logits of what to do after the last frame."""
        stacked = rearrange(to_float(video) * 2 - 1, "B F H W C -> B 1 H W (F C)")
        x = rearrange(self.stem(stacked), "B 1 N D -> B (N D)")
        return self.head(F.silu(self.hidden(F.silu(x))))


class STNetwork(nn.Module):
    """The spatio-temporal transformer over patches; an extra token per frame gathers the choice."""

    def __init__(self, config: PolicyConfig) -> None:
        super().__init__()
        rows, columns = grid(config.height, config.width, PATCH)
        width = config.transformer.width
        self.stem = ConvEmbed(PATCH, width, config.channels)
        self.gather = nn.Parameter(torch.zeros(width))
        self.transformer = STTransformer(config.transformer, rows * columns + 1)
        self.head = nn.Linear(width, config.choices)

    def forward(self, video: UInt8[Tensor, "B F H W 3"]) -> Float[Tensor, "B K"]:
        """Logits of what to do after the last frame."""
        x = self.stem(to_float(video) * 2 - 1)
        gather = self.gather.expand(*x.shape[:2], 1, -1)
        return self.head(self.transformer(torch.cat([gather, x], dim=2))[:, -1, 0])


NETWORKS: dict[Kind, type[ConvNetwork] | type[STNetwork]] = {"cnn": ConvNetwork, "st": STNetwork}


@dataclass(frozen=True)
class Policy:
    """Says what an expert would do next, as far as it learned."""

    config: PolicyConfig
    network: ConvNetwork | STNetwork
    report: dict[str, Any]
    """What it was cloned from, how, and its accuracy on held-out demonstrations."""

    @property
    def sha256(self) -> str:
        """Of its weights."""
        return params_sha256(self.network.state_dict())

    @torch.inference_mode()
    def logits(self, video: UInt8[Tensor, "B F H W 3"]) -> Float[Tensor, "B K"]:
        """Of what to do after the last frame, wherever the network is; on the CPU."""
        device = next(self.network.parameters()).device
        return self.network.eval()(video.to(device)).float().cpu()

    def save(self, path: Path) -> None:
        """Write the folder, whole or not at all."""
        documents = {CONFIG: {"format": FORMAT, **to_dict(self.config)}, REPORT: self.report}
        write_folder(path, {WEIGHTS: self.network.state_dict()}, documents)

    @classmethod
    def load(cls, path: Path) -> "Policy":
        """Open a folder that `save` wrote.

        Raises:
            InputError: where it is no policy, or altered.
        """
        folder = read_folder(path)
        config = folder.json(CONFIG)
        if not isinstance(config, dict) or config.pop("format", None) != FORMAT:
            raise InputError(
                f"{path / CONFIG}: expected format {FORMAT}, is it from another version?"
            )
        settings = from_dict(PolicyConfig, config, where=str(path / CONFIG))
        network = NETWORKS[settings.kind](settings)
        load_into(network, folder.tensors(WEIGHTS), str(path / WEIGHTS))
        report = folder.json(REPORT)
        return cls(settings, network.eval(), report if isinstance(report, dict) else {})
