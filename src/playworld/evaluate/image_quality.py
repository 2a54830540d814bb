"""How close a generated frame is to the true one: PSNR and SSIM."""

from jaxtyping import Float, UInt8
from torch import Tensor
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

from playworld.models.pixels import to_float

PSNR_CAP = 100.0
"""dB given to identical pictures, whose PSNR is infinite and would swallow every average."""

PSNR_BOUNDS = (0.0, PSNR_CAP)
SSIM_BOUNDS = (-1.0, 1.0)
"""Bounds of a figure, which its interval keeps to."""


def psnr(
    video: UInt8[Tensor, "B T H W C"], truth: UInt8[Tensor, "B T H W C"]
) -> Float[Tensor, "B T"]:
    """Peak signal-to-noise ratio of every frame, in dB, at most `PSNR_CAP`.

    One figure per frame: averaging comes last. Pooling the squared error first would give the
    worst frames nearly all the weight.
    """
    made, real = _pictures(video), _pictures(truth)
    score = peak_signal_noise_ratio(made, real, data_range=1.0, reduction="none", dim=(1, 2, 3))
    return score.clamp(max=PSNR_CAP).reshape(video.shape[:2])


def ssim(
    video: UInt8[Tensor, "B T H W C"], truth: UInt8[Tensor, "B T H W C"]
) -> Float[Tensor, "B T"]:
    """Structural similarity of every frame (11x11 Gaussian window, sigma 1.5), at most 1."""
    made, real = _pictures(video), _pictures(truth)
    score = structural_similarity_index_measure(made, real, data_range=1.0, reduction="none")
    assert isinstance(score, Tensor)  # a pair only where its terms are asked for
    return score.reshape(video.shape[:2])


def psnr_where(
    video: UInt8[Tensor, "B T H W C"],
    truth: UInt8[Tensor, "B T H W C"],
    where: Float[Tensor, "B T H W"],
) -> Float[Tensor, "B T"]:
    """PSNR of every frame over the pixels where `where` is 1; NaN where there is none."""
    error = (to_float(video) - to_float(truth)).square().mean(dim=-1)
    mse = (error * where).sum(dim=(2, 3)) / where.sum(dim=(2, 3))
    return (-10 * mse.log10()).clamp(max=PSNR_CAP)


def _pictures(video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, "frames C H W"]:
    """The frames of all clips as one batch, channels first as torchmetrics wants them."""
    return to_float(video).flatten(0, 1).movedim(-1, 1)
