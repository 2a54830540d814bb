"""Networks that turn a clip into numbers, between whose distributions a distance is taken."""

import math
from abc import ABC, abstractmethod
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from playworld.evaluate.fidelity.torchscript import load_torchscript, refused
from playworld.evaluate.options import I3D_FRAMES
from playworld.models.pixels import to_float

I3D_SIDE = 224
"""Pixels of a side of I3D's input."""

BATCH_SIZE = 8
"""Clips embedded together: 16 frames of 224x224 take 10 MB a clip before the first layer."""


class Embedding(ABC):
    """A clip as a point; `name` goes into the report, and `origin` says what it is exactly."""

    name: str
    origin: str

    @abstractmethod
    def embed(self, video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, "B F"]:
        """One point per clip."""

    @torch.inference_mode()
    def __call__(self, video: UInt8[Tensor, "clips T H W C"]) -> Float[Tensor, "clips F"]:
        """One point per clip, in double precision, a few clips at a time."""
        return torch.cat([self.embed(part).cpu().double() for part in video.split(BATCH_SIZE)])


class RandomFeatures(Embedding):
    """A small convolutional network over space and time with fixed random weights.

    It has learned nothing, so it says nothing about what people see, but blur, noise, frozen and
    shuffled frames all move its statistics. The weights follow from a seed that never changes:
    figures compare within this project, and with nothing else.
    """

    name = "random features distance"
    origin = "playworld random features 1"
    SIDE, SEED = 64, 20_240_223
    LAYERS = (
        (3, 32, (3, 5, 5), (1, 2, 2)),
        (32, 64, (3, 3, 3), (2, 2, 2)),
        (64, 64, (3, 3, 3), (2, 2, 2)),
    )
    """Channels in and out, size and stride of every convolution, time first."""
    SCALE = 100
    """Brings distances of clips to between 1 and 1,000."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        generator = torch.Generator().manual_seed(self.SEED)
        self.device, self.weights = torch.device(device), []
        for inside, outside, kernel, _ in self.LAYERS:
            # Uniform numbers are the same on every machine; normal ones depend on vector widths.
            drawn = torch.rand(outside, inside, *kernel, generator=generator) - 0.5
            drawn -= drawn.mean(dim=(1, 2, 3, 4), keepdim=True)  # blind to plain brightness
            drawn *= math.sqrt(24 / drawn[0].numel())  # keeps the scale of its input, after a ReLU
            self.weights.append(drawn.to(self.device))

    def embed(self, video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, "B F"]:
        """Mean response of every filter of the last layer, and mean brightness by colour."""
        clip = to_float(video.to(self.device))
        x = to_side(clip, self.SIDE)
        for weight, (*_, stride) in zip(self.weights, self.LAYERS, strict=True):
            around = [k // 2 for k in weight.shape[2:]]
            x = F.relu(F.conv3d(x, weight, stride=stride, padding=around))
        points = torch.cat([x.mean(dim=(2, 3, 4)), clip.mean(dim=(1, 2, 3))], dim=1)
        return self.SCALE * points


class I3D(Embedding):
    """I3D trained on Kinetics-400, from the user's TorchScript file: what FVD is defined on."""

    name = "FVD"

    def __init__(self, path: Path, device: torch.device | str = "cpu") -> None:
        self.path, self.device = path, torch.device(device)
        self.network, self.sha256 = load_torchscript(path, "--i3d", self.device)
        self.origin = f"{path.name}, sha256 {self.sha256}"

    def embed(self, video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, "B F"]:
        """The 400 logits of every clip."""
        prepared = prepare_i3d(video.to(self.device))
        try:
            found = self.network(prepared, rescale=False, resize=False, return_features=True)
        except (RuntimeError, TypeError, ValueError) as error:
            raise refused("--i3d", self.path, "I3D", error) from error
        if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != len(video):
            wrong = ValueError("one row of numbers per clip was expected")
            raise refused("--i3d", self.path, "I3D", wrong)
        return found


def prepare_i3d(video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, "B C T 224 224"]:
    """Clips as I3D wants them: short side scaled to 224, middle cropped, values in [-1, 1].

    Raises:
        ValueError: for fewer than 10 frames.
    """
    if video.shape[1] < I3D_FRAMES:
        raise ValueError(f"I3D needs at least {I3D_FRAMES} frames, got {video.shape[1]}")
    scaled = to_side(to_float(video), I3D_SIDE)
    top, left = ((size - I3D_SIDE) // 2 for size in scaled.shape[-2:])
    middle = scaled[..., top : top + I3D_SIDE, left : left + I3D_SIDE]
    return middle * 2 - 1


def to_side(video: Float[Tensor, "B T H W C"], side: int) -> Float[Tensor, "B C T h w"]:
    """Channels first, every frame scaled (bilinear) until its short side is that long."""
    B, _, height, width, _ = video.shape
    scale = side / min(height, width)
    size = [math.ceil(height * scale), math.ceil(width * scale)]
    frames = video.movedim(-1, 2).flatten(0, 1)
    if size != [height, width]:
        frames = F.interpolate(frames, size=size, mode="bilinear", align_corners=False)
    return frames.unflatten(0, (B, -1)).movedim(2, 1)
