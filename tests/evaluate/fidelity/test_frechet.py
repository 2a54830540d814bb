import importlib

import pytest
import torch

from playworld.evaluate.fidelity.frechet import (
    frechet_difference,
    frechet_distance,
    frechet_interval,
)


def points(count, width, shift=0.0, scale=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(width, width, generator=generator, dtype=torch.double)
    return torch.randn(count, width, generator=generator, dtype=torch.double) @ mix * scale + shift


def by_eigenvalues(one, other):
    """The formula as FID writes it, by another road: eigenvalues of the symmetric product."""
    c1, c2 = torch.cov(one.T), torch.cov(other.T)
    values, vectors = torch.linalg.eigh(c1)
    half = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    root = torch.linalg.eigvalsh(half @ c2 @ half).clamp(min=0).sqrt().sum()
    gap = (one.mean(dim=0) - other.mean(dim=0)).square().sum()
    return (gap + c1.trace() + c2.trace() - 2 * root).item()


@pytest.mark.parametrize(("N", "M"), [(200, 300), (9, 300), (40, 8)])
def test_the_distance_is_that_of_the_formula_with_many_points_and_with_few(N, M):
    one, other = points(N, 12), points(M, 12, shift=0.5, scale=1.5, seed=1)
    assert frechet_distance(one, other) == pytest.approx(by_eigenvalues(one, other), rel=1e-5)


@pytest.mark.needs("scipy")
def test_the_distance_is_that_of_scipys_matrix_root():
    linalg = importlib.import_module("scipy.linalg")
    one, other = points(100, 6), points(150, 6, shift=1.0, seed=1)
    c1, c2 = torch.cov(one.T).numpy(), torch.cov(other.T).numpy()
    root = linalg.sqrtm(c1 @ c2).real.trace()
    gap = (one.mean(dim=0) - other.mean(dim=0)).square().sum().item()
    expected = gap + c1.trace() + c2.trace() - 2 * root
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-6)


def test_normal_distributions_of_one_dimension_give_the_formula_of_the_textbook():
    one = torch.tensor([[-1.0], [1.0]]).repeat(50, 1)
    other = 3 * one + 2
    sigma = one.double().std().item()
    assert frechet_distance(one, other) == pytest.approx(2**2 + (3 * sigma - sigma) ** 2)


def test_equal_clouds_have_no_distance_whatever_their_order():
    cloud = points(20, 30)
    assert frechet_distance(cloud, cloud.flip(0)) == pytest.approx(0, abs=1e-9)


def test_a_covariance_of_one_point_is_refused():
    with pytest.raises(ValueError, match="two points"):
        frechet_distance(points(1, 4), points(9, 4))


def test_the_interval_lies_around_the_distance_and_narrows_with_more_clips():
    few, many = (
        frechet_interval(points(n, 3), points(n, 3, shift=2, seed=1), paired=False)
        for n in (20, 500)
    )
    assert few["low"] < few["mean"] < few["high"]
    assert many["high"] - many["low"] < 0.5 * (few["high"] - few["low"])


def test_clouds_of_the_same_clips_are_drawn_together():
    cloud = points(30, 4)
    together, apart = (frechet_interval(cloud, cloud, paired) for paired in (True, False))
    assert together["high"] == pytest.approx(0, abs=1e-6)
    assert apart["high"] > 0.1


def test_the_nearer_world_is_surely_nearer():
    real = points(60, 4)
    near, far = real + 0.1 * points(60, 4, seed=1), real + 2.0
    band = frechet_difference(near, far, real)
    assert band["high"] < 0
    assert frechet_difference(far, far, real) == {"mean": 0, "low": 0, "high": 0}
