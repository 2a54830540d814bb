import math

import pytest
import torch

from playworld.evaluate.image_quality import PSNR_CAP, psnr, psnr_where, ssim


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
