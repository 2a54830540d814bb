import math

import pytest
import torch

from playworld.evaluate.metrics import (
    PSNR_CAP,
    interval,
    positive,
    psnr,
    psnr_where,
    spread,
    ssim,
    usage,
)


def grey(value: int, frames: int = 1) -> torch.Tensor:
    return torch.full((1, frames, 16, 16, 3), value, dtype=torch.uint8)


def test_psnr_of_a_known_error_is_the_textbook_figure():
    assert psnr(grey(100), grey(151)).item() == pytest.approx(20 * math.log10(5), abs=1e-4)


def test_identical_pictures_get_the_cap_and_not_infinity():
    assert psnr(grey(7), grey(7)).item() == PSNR_CAP


def test_psnr_is_per_frame_and_never_pools_the_error_of_a_clip():
    video = torch.cat([grey(100), grey(100)], dim=1)
    truth = torch.cat([grey(101), grey(200)], dim=1)
    expected = [20 * math.log10(255 / 1), 20 * math.log10(255 / 100)]
    assert psnr(video, truth)[0].tolist() == pytest.approx(expected, abs=1e-3)


def test_every_clip_gets_its_own_row_of_scores():
    video, truth = torch.cat([grey(0, 3), grey(9, 3)]), torch.cat([grey(0, 3), grey(60, 3)])
    assert psnr(video, truth).shape == ssim(video, truth).shape == (2, 3)
    assert (psnr(video, truth)[0] > psnr(video, truth)[1]).all()


def test_ssim_is_one_for_the_same_picture_and_lower_for_another():
    a = torch.randint(256, (1, 1, 32, 32, 3), generator=torch.Generator().manual_seed(0)).byte()
    assert ssim(a, a).item() == pytest.approx(1.0)
    assert ssim(a, a.flip(2)).item() < 0.5


def test_masked_psnr_looks_only_at_the_pixels_it_was_given():
    video, truth, where = grey(100), grey(100), torch.zeros(1, 1, 16, 16)
    truth[:, :, :8] = 151
    where[:, :, :8] = 1
    assert psnr_where(video, truth, where).item() == pytest.approx(20 * math.log10(5), abs=1e-4)
    assert psnr_where(video, truth, 1 - where).item() == PSNR_CAP
    assert psnr_where(video, truth, 0 * where).isnan().all()


def test_the_interval_of_the_mean_has_the_width_that_theory_gives():
    values = torch.randn(400, generator=torch.Generator().manual_seed(1))
    found = interval(values)
    half = 1.96 * values.std().item() / 20
    assert found["mean"] == pytest.approx(values.mean().item(), abs=1e-5)
    assert found["high"] - found["low"] == pytest.approx(2 * half, rel=0.1)


def test_the_interval_leaves_out_clips_without_a_figure():
    assert interval(torch.tensor([1.0, float("nan"), 1.0])) == {"mean": 1, "low": 1, "high": 1}
    assert interval(torch.tensor([float("nan")]))["mean"] is None


def test_perplexity_counts_equally_used_codes_and_ignores_unused_ones():
    found = usage(torch.tensor([[0, 1], [2, 3]]), num_codes=8)
    assert found == {"perplexity": pytest.approx(4.0), "used": 4, "total": 8}


def test_one_code_doing_all_the_work_has_perplexity_one():
    assert usage(torch.zeros(9, dtype=torch.long), num_codes=8)["perplexity"] == pytest.approx(1.0)


def test_the_spread_lies_around_the_figure_wherever_its_resamples_lie():
    again = torch.linspace(9, 11, 201)
    found = spread(5.0, again)
    assert found == {"mean": 5.0, "low": pytest.approx(4.05), "high": pytest.approx(5.95)}
    assert positive(spread(0.5, again))["low"] == 0
