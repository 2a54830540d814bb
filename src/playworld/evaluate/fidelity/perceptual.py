"""LPIPS: how different two pictures look to a network, from the user's TorchScript file."""

from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from playworld.evaluate.fidelity.torchscript import load_torchscript, refused
from playworld.models.pixels import to_float

BATCH_SIZE = 32
"""Pairs of pictures compared together."""


class LPIPS:
    """A network of two pictures, channels first in [-1, 1], that gives one distance per pair."""

    def __init__(self, path: Path, device: torch.device | str = "cpu") -> None:
        self.path, self.device = path, torch.device(device)
        self.network, self.sha256 = load_torchscript(path, "--lpips", self.device)

    @torch.inference_mode()
    def __call__(
        self, video: UInt8[Tensor, "B T H W C"], truth: UInt8[Tensor, "B T H W C"]
    ) -> Float[Tensor, "B T"]:
        """Distance of every frame from the true one; 0 for equal pictures.

        Raises:
            InputError: if the file does not take such pairs, or gives something else.
        """
        pairs = (_pictures(v).split(BATCH_SIZE) for v in (video, truth))
        found = torch.cat([self._distances(a, b) for a, b in zip(*pairs, strict=True)])
        return found.reshape(video.shape[:2])

    def _distances(self, one: Tensor, other: Tensor) -> Tensor:
        try:
            found = self.network(one.to(self.device), other.to(self.device))
        except (RuntimeError, TypeError, ValueError) as error:
            raise refused("--lpips", self.path, "LPIPS", error) from error
        if not isinstance(found, Tensor) or found.numel() != len(one):
            wrong = ValueError("one number per pair of pictures was expected")
            raise refused("--lpips", self.path, "LPIPS", wrong)
        return found.flatten().float().cpu()


def _pictures(video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, "frames C H W"]:
    return to_float(video).flatten(0, 1).movedim(-1, 1) * 2 - 1
