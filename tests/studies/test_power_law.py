import numpy as np
import pytest

from playworld.studies.power_law import fit_power_law, fit_with_intervals

X = np.geomspace(1e5, 1e7, 6)


def measured(noise: float, seeds: int = 1, clips: int = 40) -> np.ndarray:
    """Losses that follow 3 (x / 1e6)^-0.2 + 1.5, with noise of each clip for all points alike."""
    rng = np.random.default_rng(0)
    law = 3 * (X / 1e6) ** -0.2 + 1.5
    clip = 1 + noise * rng.standard_normal(clips)
    own = 1 + 0.1 * noise * rng.standard_normal((len(X), seeds, clips))
    return law[:, None, None] * clip * own


def test_a_law_is_found_again_with_its_floor():
    law = fit_power_law(X, (3 * (X / 1e6) ** -0.2 + 1.5)[None])
    assert law.exponent[0] == pytest.approx(0.2, abs=0.011)
    assert law.floor[0] == pytest.approx(1.5, abs=0.1)
    assert law(1e8)[0] == pytest.approx(3 * 100**-0.2 + 1.5, rel=0.02)


def test_neither_floor_nor_scale_is_negative():
    falling_faster_than_a_law = np.array([[5.0, 4.9, 4.7, 4.3, 3.5, 2.0]])
    law = fit_power_law(X, falling_faster_than_a_law)
    assert law.floor[0] == 0 and law.scale[0] > 0


def test_intervals_hold_the_truth_and_widen_outside_of_what_was_measured():
    fitted = fit_with_intervals(X, measured(0.1, seeds=2))
    assert fitted is not None and fitted.range == pytest.approx((1e5, 1e7))
    _, low, high = fitted.exponent()
    assert low <= 0.2 <= high
    (near, near_low, near_high), (far, far_low, far_high) = fitted.loss(1e6), fitted.loss(1e9)
    assert near_low <= 4.5 <= near_high
    assert (far_high - far_low) / far > (near_high - near_low) / near


def test_more_noise_gives_wider_intervals():
    (_, low, high), (_, wide_low, wide_high) = (
        fit_with_intervals(X, measured(noise)).loss(1e6) for noise in (0.05, 0.5)
    )
    assert wide_high - wide_low > 2 * (high - low)


def test_three_points_are_no_law():
    assert fit_with_intervals(X[:3], measured(0.1)[:3]) is None


def test_intervals_of_few_points_hold_the_truth_about_as_often_as_they_say():
    rng, x, held = np.random.default_rng(0), np.geomspace(1e5, 35e5, 5), []
    for trial in range(100):
        noisy = (3 * (x / 1e6) ** -0.2 + 1.5) * np.exp(0.01 * rng.standard_normal(5))
        fitted = fit_with_intervals(x, noisy[:, None, None], draws=200, seed=trial)
        (_, low, high), (_, least, most) = fitted.exponent(), fitted.loss(35e6)
        held.append((low <= 0.2 <= high, least <= 3 * 35**-0.2 + 1.5 <= most))
    assert min(np.mean(held, axis=0)) >= 0.9


def test_points_that_lie_on_no_law_give_numbers_all_the_same():
    fitted = fit_with_intervals(X[:4], np.array([9.0, 1.0, 8.0, 0.1])[:, None, None])
    assert np.isfinite([*fitted.exponent(), *fitted.floor(), *fitted.loss(1e9)]).all()
