import pytest
import torch

from playworld.evaluate.metrics.look import in_view


@pytest.fixture
def scene():
    """A wide picture of noise, of which a view is shown."""
    return torch.randint(256, (64, 96, 3), generator=torch.Generator().manual_seed(0)).byte()


def test_what_is_still_in_view_is_the_same_once_the_motion_is_taken_out(scene):
    score, share = in_view(scene[:, :64], scene[:, 12:76], torch.tensor([0.0, 12.0]))
    assert score == 100
    assert share.item() == pytest.approx(1, rel=0.2)


def test_a_smear_that_comes_into_view_has_no_sharpness(scene):
    frame = scene[:, 12:76].clone()
    frame[:, 52:] = 90
    _, share = in_view(scene[:, :64], frame, torch.tensor([0.0, 12.0]))
    assert share.item() == pytest.approx(0, abs=1e-6)


def test_a_view_that_has_left_the_prompt_behind_is_not_compared(scene):
    score, share = in_view(scene[:, :64], scene[:, :64], torch.tensor([0.0, 60.0]))
    assert score != score
    assert share is None
