"""ResNet18 (He et al., arXiv:1512.03385), the size of network that the paper filters with.

Not torchvision's: each release of that is tied to one release of torch. Names of the tensors are
the same, so its weights fit but for the first layer, which here takes other channels.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

WIDTHS = (64, 128, 256, 512)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a way around them."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.downsample = nn.Sequential()
        if stride != 1 or inner != outer:
            around = nn.Conv2d(inner, outer, 1, stride, bias=False)
            self.downsample = nn.Sequential(around, nn.BatchNorm2d(outer))

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """The input plus the output of the convolutions."""
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class ResNet18(nn.Module):
    """11.2 million parameters; pictures of any size from 32x32 to one number each."""

    def __init__(self, in_channels: int, outputs: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, WIDTHS[0], 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        inner = WIDTHS[0]
        for number, width in enumerate(WIDTHS, start=1):
            first = BasicBlock(inner, width, stride=1 if number == 1 else 2)
            setattr(self, f"layer{number}", nn.Sequential(first, BasicBlock(width, width, 1)))
            inner = width
        self.fc = nn.Linear(inner, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        # Blocks begin as the way around them: training starts steadier (arXiv:1706.02677, 5.1).
        for module in self.modules():
            if isinstance(module, BasicBlock):
                nn.init.zeros_(module.bn2.weight)

    def forward(self, pictures: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K"]:
        """One row of outputs per picture."""
        x = F.relu(self.bn1(self.conv1(pictures)))
        x = F.max_pool2d(x, 3, 2, padding=1)
        for number in range(1, len(WIDTHS) + 1):
            x = getattr(self, f"layer{number}")(x)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))
