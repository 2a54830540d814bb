"""From pixels to a grid of features and back: linear patches (the paper) or convolutions."""

from typing import Literal

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from playworld.models.batch_invariance import lone_picture_doubled

Stem = Literal["linear", "conv"]
MAX_TOKENS = 4_096
"""Of a frame; the paper has 920. Attention within a frame costs the square of it."""


def grid(height: int, width: int, patch: int) -> tuple[int, int]:
    """Rows and columns of the patches that cover a frame; the last ones may stick out over it."""
    return -(-height // patch), -(-width // patch)


def check_grid(height: int, width: int, patch: int, stem: Stem) -> None:
    """Raise ValueError unless the stem can cover frames of this size with patches.

    Patches may stick out over the edge, as those of the paper do: 160x90 makes 40 x 23 of 4.
    """
    if not (0 < height <= 4_096 and 0 < width <= 4_096):
        raise ValueError(
            f"height and width must be 1 to 4096 pixels, got frames of {width}x{height}"
        )
    if not 1 <= patch <= min(height, width):
        raise ValueError(
            f"patch must be at least 1 and at most width and height, got {patch}: a frame of "
            f"{width}x{height} has no room for it"
        )
    rows, columns = grid(height, width, patch)
    if rows * columns > MAX_TOKENS:
        raise ValueError(
            f"a frame of {width}x{height} in patches of {patch} makes {rows * columns} tokens, "
            f"at most {MAX_TOKENS} can be used: take a larger patch"
        )
    if stem == "conv" and patch & (patch - 1):
        raise ValueError(
            f"a convolutional stem halves the picture, so patch must be 2, 4, 8 ..., got {patch}"
        )


def pad_to_patch(video: Float[Tensor, "B F H W C"], patch: int) -> Float[Tensor, "B F h w C"]:
    """The frames continued to whole patches: at its end the edge is repeated."""
    rows, columns = -video.shape[2] % patch, -video.shape[3] % patch
    if rows:
        video = torch.cat([video, video[:, :, -1:].expand(-1, -1, rows, -1, -1)], dim=2)
    if columns:
        video = torch.cat([video, video[..., -1:, :].expand(-1, -1, -1, columns, -1)], dim=3)
    return video


class PatchEmbed(nn.Module):
    """One linear map per patch of pixels (the paper)."""

    def __init__(self, patch: int, width: int, channels: int = 3):
        super().__init__()
        self.patch = patch
        self.proj = nn.Linear(patch * patch * channels, width)

    def forward(self, video: Float[Tensor, "B F H W C"]) -> Float[Tensor, "B F N D"]:
        """Embed every patch; N runs row by row."""
        whole = pad_to_patch(video, self.patch)
        return self.proj(
            rearrange(whole, "B F (h p) (w q) C -> B F (h w) (p q C)", p=self.patch, q=self.patch)
        )


class PatchUnembed(nn.Module):
    """One linear map back from features to the pixels of a patch; what sticks out is cut off."""

    def __init__(self, patch: int, width: int, size: tuple[int, int], channels: int = 3):
        super().__init__()
        self.patch, self.size = patch, size
        self.proj = nn.Linear(width, patch * patch * channels)

    def forward(self, x: Float[Tensor, "B F N D"]) -> Float[Tensor, "B F H W C"]:
        """Pixels of frames of `size` (height, width), unbounded."""
        height, width = self.size
        video = rearrange(
            self.proj(x), "B F (h w) (p q C) -> B F (h p) (w q) C",
            h=grid(height, width, self.patch)[0], p=self.patch, q=self.patch,
        )  # fmt: skip
        return video[:, :, :height, :width]


def conv(
    inputs: int, outputs: int, size: int, stride: int = 1, padding: int = 0, gain: float = 1.0
) -> nn.Conv2d:
    """A convolution that keeps the scale of its input (the default of PyTorch shrinks it by 3).

    With a gain of 0 it starts as nothing: for the last layer of a residual branch.
    """
    layer = nn.Conv2d(inputs, outputs, size, stride, padding)
    nn.init.normal_(layer.weight, std=gain * (inputs * size * size) ** -0.5)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


class Residual(nn.Module):
    """Two 3x3 convolutions around the identity."""

    def __init__(self, channels: int):
        super().__init__()
        self.one = conv(channels, channels, 3, padding=1)
        self.two = conv(channels, channels, 3, padding=1, gain=0.0)

    def forward(self, x: Float[Tensor, "M C H W"]) -> Float[Tensor, "M C H W"]:
        """The input plus a correction that starts at zero."""
        return x + self.two(F.silu(self.one(F.silu(x))))


def stage_channels(patch: int, base: int) -> list[int]:
    """Channels after each halving of the picture: base, 2 base, 4 base ..."""
    return [base * 2**i for i in range(patch.bit_length() - 1)]


class ConvEmbed(nn.Module):
    """Strided convolutions down to one feature vector per patch, each frame on its own."""

    def __init__(self, patch: int, width: int, base: int, channels: int = 3):
        super().__init__()
        self.patch = patch
        layers: list[nn.Module] = []
        for out in stage_channels(patch, base):
            layers += [conv(channels, out, 4, stride=2, padding=1), Residual(out)]
            channels = out
        self.layers = nn.Sequential(*layers, nn.SiLU(), conv(channels, width, 1))

    @lone_picture_doubled
    def forward(self, video: Float[Tensor, "B F H W C"]) -> Float[Tensor, "B F N D"]:
        """Embed every frame as a grid; N runs row by row."""
        x = self.layers(rearrange(pad_to_patch(video, self.patch), "B F H W C -> (B F) C H W"))
        return rearrange(x, "(B F) D h w -> B F (h w) D", B=video.shape[0])


class ConvUnembed(nn.Module):
    """Sub-pixel convolutions from one feature vector per patch back; what sticks out is cut off."""

    def __init__(self, patch: int, width: int, base: int, size: tuple[int, int]):
        super().__init__()
        self.patch, self.size = patch, size
        layers: list[nn.Module] = []
        for out in reversed(stage_channels(patch, base)):
            layers += [conv(width, out * 4, 1), nn.PixelShuffle(2), Residual(out)]
            width = out
        self.layers = nn.Sequential(*layers, nn.SiLU(), nn.Conv2d(width, 3, 3, padding=1))

    @lone_picture_doubled
    def forward(self, x: Float[Tensor, "B F N D"]) -> Float[Tensor, "B F H W C"]:
        """Pixels of frames of `size` (height, width), unbounded."""
        height, width = self.size
        rows, _ = grid(height, width, self.patch)
        whole = self.layers(rearrange(x, "B F (h w) D -> (B F) D h w", h=rows))
        return rearrange(whole[..., :height, :width], "(B F) C H W -> B F H W C", B=x.shape[0])
