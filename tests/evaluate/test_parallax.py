import numpy as np
import pytest
import torch

from playworld.data.record.scroller import LEFT, RIGHT, scroll
from playworld.evaluate.parallax import BANDS, band_shifts, measure_parallax, parallax_picture


def transitions(key: int) -> torch.Tensor:
    """Pairs of frames two steps apart, as a world of 10 frames per second sees them."""
    film, keys = scroll(0, 600)
    held = [t for t in range(598) if keys[t] == keys[t + 1] == key]
    return torch.from_numpy(np.stack([film[held], film[[t + 2 for t in held]]], axis=1))


@pytest.mark.parametrize("key, way", [(RIGHT, -1), (LEFT, 1)])
def test_the_ground_of_the_film_is_seen_to_move_three_times_as_far_as_its_hills(key, way):
    shifts = band_shifts(transitions(key))
    assert shifts.shape[1] == BANDS and len(shifts) > 100
    assert (way * shifts[:, 2:] - 3).abs().median() < 0.1  # pixels
    assert (way * shifts[:, :2] - 1).abs().median() < 0.1


def test_every_button_is_measured_and_the_furthest_comes_first(world, scroll):
    starts = scroll([(1, 0)], size=16)[:, None]
    made = measure_parallax(world, starts, presses=2)
    assert sorted(row.button for row in made) == [0, 1, 2]
    assert abs(made[0].way) >= abs(made[-1].way)
    assert made[0].video.shape == (2, 3, 16, 16, 3) and len(made[0].bands) == BANDS


def test_the_picture_names_its_buttons_and_marks_the_bands(world, scroll):
    made = measure_parallax(world, scroll([], size=16)[:, None], presses=2)
    one, two = (parallax_picture(world, made[:count]) for count in (1, 2))
    assert two.height > one.height and two.width == one.width
