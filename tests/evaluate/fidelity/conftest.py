"""Small stand-ins for networks whose weights nobody may hand out."""

import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn


class StandInI3D(nn.Module):
    """Called like I3D, and as strict about what it is given; 6 numbers per clip."""

    def forward(
        self, x: Tensor, rescale: bool = True, resize: bool = True, return_features: bool = False
    ) -> Tensor:
        assert not rescale and not resize and return_features
        assert x.dim() == 5 and x.size(1) == 3 and x.size(3) == 224 and x.size(4) == 224
        assert x.min() >= -1 and x.max() <= 1 and x.min() < 0
        return torch.cat([x.mean(dim=[2, 3, 4]), x.std(dim=[2, 3, 4])], dim=1)


class StandInLPIPS(nn.Module):
    """Mean difference of each pair, in the shape that LPIPS has."""

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        assert one.dim() == 4 and one.size(1) == 3 and one.min() < 0
        return (one - other).abs().mean(dim=[1, 2, 3], keepdim=True)


class Wrong(nn.Module):
    """Takes anything, gives one number."""

    def forward(self, x: Tensor, y: int = 0) -> Tensor:
        return x.mean()


def _script(module: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(module).save(str(path))
    return path


@pytest.fixture(scope="session")
def networks(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("networks")
    modules = {"i3d": StandInI3D(), "lpips": StandInLPIPS(), "wrong": Wrong()}
    return {name: _script(module, folder / f"{name}.pt") for name, module in modules.items()}
