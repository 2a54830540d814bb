"""Quality models: a score of a stretch, and how likely each label is reached.

A model gives a stretch a score, and four thresholds on it say how likely its label is 2, 3, 4 or 5
at least (cumulative logits with shared weights, CORAL: arXiv:1901.07884). So one filter serves
whatever label is to be kept, and a label of 4 teaches more than "not 5".
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from playworld.curate.features import NUM_FEATURES, features
from playworld.curate.options import LEVELS
from playworld.curate.resnet import ResNet18
from playworld.models.pixels import to_float


class QualityModel(nn.Module):
    """What both kinds have in common: thresholds on a score."""

    def __init__(self) -> None:
        super().__init__()
        self.thresholds = nn.Parameter(torch.zeros(len(LEVELS)))

    def score(self, video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, " B"]:
        """How good each stretch is, from its pairs of frames."""
        raise NotImplementedError  # as in nn.Module: every model brings its own

    def forward(self, video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, "B K"]:
        """Log-odds that the label is 2, 3, 4, 5 at least."""
        return self.score(video)[:, None] - self.thresholds

    def chances(self, video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, "B K"]:
        """Chances that the label is 2, 3, 4, 5 at least; they never rise from one to the next."""
        return self(video).sigmoid().cummin(dim=1).values


class QuickModel(QualityModel):
    """Logistic regression on simple features: seconds on a CPU."""

    mean: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(NUM_FEATURES))
        self.register_buffer("scale", torch.ones(NUM_FEATURES))
        self.linear = nn.Linear(NUM_FEATURES, 1, bias=False)

    def score(self, video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, " B"]:
        """Linear in the standardised features."""
        return self.linear((features(video) - self.mean) / self.scale)[:, 0]


class ResNetModel(QualityModel):
    """A ResNet18 on pairs of frames, its scores averaged over the pairs (Genie, appendix B.1)."""

    def __init__(self) -> None:
        super().__init__()
        self.network = ResNet18(in_channels=6)

    def score(self, video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, " B"]:
        """Each pair goes in as its first frame and the change to the second, six channels."""
        frames = to_float(video).permute(0, 1, 4, 2, 3)
        first, second = frames[:, 0::2], frames[:, 1::2]
        pairs = torch.cat([2 * first - 1, second - first], dim=2)
        return self.network(pairs.flatten(0, 1)).view(len(video), -1).mean(dim=1)


KINDS: dict[str, type[QualityModel]] = {"quick": QuickModel, "resnet18": ResNetModel}


def ordinal_loss(logits: Float[Tensor, "B K"], labels: Int[Tensor, " B"]) -> Float[Tensor, ""]:
    """Mean cross-entropy of the four questions "is the label this or above?"."""
    levels = torch.tensor(LEVELS, device=labels.device)
    reached = (labels[:, None] >= levels).to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, reached)
