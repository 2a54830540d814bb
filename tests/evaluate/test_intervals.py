import pytest
import torch

from playworld.evaluate.image_quality import SSIM_BOUNDS
from playworld.evaluate.intervals import (
    A_SHARE,
    NOT_NEGATIVE,
    by_frame,
    gap_of,
    interval,
    percentiles,
    resamples,
    share_interval,
    spread,
    student,
    widened,
)


def test_the_interval_of_the_mean_has_the_width_that_theory_gives():
    values = torch.randn(400, generator=torch.Generator().manual_seed(1))
    found = interval(values)
    half = 1.96 * values.std().item() / 20
    assert found["mean"] == pytest.approx(values.mean().item(), abs=1e-5)
    assert found["high"] - found["low"] == pytest.approx(2 * half, rel=0.1)


def test_the_interval_leaves_out_clips_without_a_figure():
    assert interval(torch.tensor([3.0, float("nan"), 3.0])) == {"mean": 3, "low": 3, "high": 3}
    assert interval(torch.tensor([float("nan")]))["mean"] is None


def test_one_clip_says_nothing_of_others():
    assert interval(torch.tensor([3.0])) == {"mean": 3.0, "low": None, "high": None}


@pytest.mark.parametrize("clips", [2, 4, 8, 16])
def test_the_interval_holds_the_true_mean_as_often_as_it_says_with_few_clips_too(clips):
    drawn = torch.randn(400, clips, generator=torch.Generator().manual_seed(clips))
    found = [interval(values) for values in drawn]
    assert 0.92 <= sum(band["low"] <= 0 <= band["high"] for band in found) / 400 <= 0.98


def test_a_share_is_no_certainty_where_all_or_none_came_true():
    every, none = share_interval(torch.ones(8)), share_interval(torch.zeros(100))
    assert every == {"mean": 1, "low": pytest.approx(0.676, abs=1e-3), "high": 1}
    assert none == {"mean": 0, "low": 0, "high": pytest.approx(0.037, abs=1e-3)}


def test_the_share_of_nothing_is_unknown():
    unknown = {"mean": None, "low": None, "high": None}
    assert share_interval(torch.tensor([float("nan")])) == unknown


def test_students_t_goes_on_from_its_table_and_ends_at_the_normal_one():
    assert student(10) == pytest.approx(2.2281, rel=2e-3)
    assert student(30) == pytest.approx(2.0423, rel=1e-4)
    assert student(100_000) == pytest.approx(1.96, abs=1e-3)


def test_the_spread_lies_around_the_figure_wherever_its_resamples_lie():
    again = torch.linspace(9, 11, 201)
    found = spread(5.0, again, 1_000_000)
    low, high = pytest.approx(4.05, abs=1e-3), pytest.approx(5.95, abs=1e-3)
    assert found == {"mean": 5.0, "low": low, "high": high}
    assert spread(0.5, again, 1_000_000, NOT_NEGATIVE)["low"] == 0


def test_few_clips_widen_the_spread_as_they_widen_the_interval_of_a_mean():
    values = torch.tensor([1.0, 2.0, 4.0, 8.0, 3.0])
    means = values.double()[resamples(5)].mean(dim=1)
    whole = interval(values)
    low, high = percentiles(means)
    found = widened(values.double().mean().item(), low, high, 5)
    assert found == whole and whole["high"] - whole["low"] > 1.5 * (high - low)


def test_an_interval_keeps_to_what_its_figure_can_be():
    few = torch.tensor([0.2, 0.99, 1.0])
    assert interval(few)["high"] > 1 and interval(few, bounds=SSIM_BOUNDS)["high"] == 1
    assert by_frame(few[:, None], bounds=SSIM_BOUNDS)["1"]["high"] == 1
    assert gap_of(A_SHARE) == (-1, 1)
