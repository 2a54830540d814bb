"""The best that so many codes can do: groups of the true movement in place of latent actions."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

ROUNDS = 50
"""Rounds of k-means; it rests long before."""

TRIES = 8
"""Starts of k-means, of which the tightest groups count."""


def movement_groups(
    moved: Float[Tensor, "clips S 2"], num_groups: int, seed: int = 0
) -> Int[Tensor, "clips S"]:
    """The transitions in as many groups as there are codes, by k-means of their true displacement.

    Nine movement classes do not fit eight codes, and long and short steps compete for them: what
    these groups score in `agreement` is about what codes can that know the movement exactly.
    """
    points = moved.reshape(-1, 2).double()
    generator = torch.Generator().manual_seed(seed)
    tries = [_k_means(points, num_groups, generator) for _ in range(TRIES)]
    best = min(tries, key=lambda found: found[1])[0]
    return best.reshape(moved.shape[:2])


def _k_means(
    points: Float[Tensor, "points 2"], num_groups: int, generator: torch.Generator
) -> tuple[Int[Tensor, " points"], float]:
    """The group of every point and the sum of squared distances to the groups' centres."""
    centres = _far_apart(points, num_groups, generator)
    for _ in range(ROUNDS):
        group = torch.cdist(points, centres).argmin(dim=1)
        totals = torch.zeros_like(centres).index_add_(0, group, points)
        counts = torch.bincount(group, minlength=num_groups)[:, None]
        centres = torch.where(counts > 0, totals / counts.clamp(min=1), centres)
    distance, group = torch.cdist(points, centres).min(dim=1)
    return group, distance.square().sum().item()


def _far_apart(
    points: Float[Tensor, "points 2"], count: int, generator: torch.Generator
) -> Float[Tensor, "count 2"]:
    """First centres, each drawn in proportion to its squared distance (k-means++, 2007)."""
    chosen = torch.randint(len(points), (1,), generator=generator)
    for _ in range(count - 1):
        away = torch.cdist(points, points[chosen]).amin(dim=1).square() + 1e-12
        chosen = torch.cat([chosen, torch.multinomial(away, 1, generator=generator)])
    return points[chosen]
