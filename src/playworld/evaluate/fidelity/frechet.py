"""Frechet distance between two clouds of points, taken for normal distributions.

FID (arXiv:1706.08500) and FVD (arXiv:1812.01717) are this distance on different embeddings.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from playworld.evaluate.intervals import NOT_NEGATIVE, resamples, spread

RESAMPLES = 200
"""Bootstrap resamples of a distance, each of which costs a singular value decomposition."""


def frechet_distance(one: Float[Tensor, "N F"], other: Float[Tensor, "M F"]) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), with covariances over N - 1.

    With fewer points than numbers the covariances have no full rank, and matrix roots and
    eigenvalues of their product are inexact. Written as C = A^T A, the trace of the root is the sum
    of the singular values of A1 A2^T, which is exact in any case.

    Raises:
        ValueError: for fewer than two points.
    """
    if min(len(one), len(other)) < 2:
        raise ValueError(f"a covariance needs two points, got {len(one)} and {len(other)}")
    a, b = _centred(one), _centred(other)
    gap = (one.double().mean(dim=0) - other.double().mean(dim=0)).square().sum()
    if min(len(a), len(b)) > a.shape[1]:  # the same root from smaller matrices
        a, b = torch.linalg.qr(a, mode="r").R, torch.linalg.qr(b, mode="r").R
    root = torch.linalg.svdvals(a @ b.T).sum()
    return (gap + a.square().sum() + b.square().sum() - 2 * root).clamp(min=0).item()


def frechet_interval(
    one: Float[Tensor, "N F"], other: Float[Tensor, "M F"], paired: bool, seed: int = 0
) -> dict[str, float | None]:
    """The distance and how far it varies with the clips.

    Where both clouds come from the same clips (`paired`) they are drawn together. The distance is
    biased upwards by the finite number of clips, the more so the fewer there are: compare it with
    the floor at the same number, not with another paper's.
    """
    value = frechet_distance(one, other)
    mine, theirs = _draws(len(one), len(other), paired, seed)
    again = [frechet_distance(one[i], other[j]) for i, j in zip(mine, theirs, strict=True)]
    count = min(len(one), len(other))
    return spread(value, torch.tensor(again, dtype=torch.float64), count, NOT_NEGATIVE)


def frechet_difference(
    one: Float[Tensor, "N F"],
    other: Float[Tensor, "N F"],
    real: Float[Tensor, "N F"],
    seed: int = 0,
) -> dict[str, float | None]:
    """Distance of `one` from `real` minus that of `other`, all three of the same clips."""

    def gap(rows: Int[Tensor, " N"]) -> float:
        return frechet_distance(one[rows], real[rows]) - frechet_distance(other[rows], real[rows])

    again = [gap(rows) for rows in resamples(len(real), seed)[:RESAMPLES]]
    value = gap(torch.arange(len(real)))
    return spread(value, torch.tensor(again, dtype=torch.float64), len(real))


def _draws(N: int, M: int, paired: bool, seed: int) -> tuple[Tensor, Tensor]:
    mine = resamples(N, seed)[:RESAMPLES]
    return mine, mine if paired else resamples(M, seed + 1)[:RESAMPLES]


def _centred(points: Float[Tensor, "N F"]) -> Float[Tensor, "N F"]:
    """A with C = A^T A."""
    points = points.double()
    return (points - points.mean(dim=0)) / (len(points) - 1) ** 0.5
