import pytest
import torch

from playworld.evaluate.movement import (
    CLASSES,
    displacement,
    displacements,
    movement_classes,
    still_in_view,
)

STEPS = [
    (3, 0),
    (-3, 0),
    (0, 4),
    (0, -4),
    (5, -6),
    (-11, 7),
    (1, 0),
    (0, -1),
    (15, 12),
    (-8, 17),
    (0, 0),
]


@pytest.mark.parametrize("kind", ["noise", "tiles"])
def test_the_picture_moves_against_the_camera_by_as_many_pixels(scroll, kind):
    found = displacements(scroll(STEPS, kind)[None])[0]
    assert (found + torch.tensor(STEPS)).abs().max() <= 0.5


def test_a_sprite_that_stays_in_the_middle_does_not_hide_the_scrolling_behind_it(scroll):
    video = scroll([(4, 0), (4, 0), (-2, 3)], "tiles")
    video[:, 24:40, 24:40] = torch.tensor([255, 0, 0], dtype=torch.uint8)
    found = displacements(video[None])[0]
    assert found.round().tolist() == [[-4, 0], [-4, 0], [2, -3]]


def test_a_black_picture_did_not_move():
    black = torch.zeros(2, 64, 64, 3, dtype=torch.uint8)
    assert displacement(black, black).xy.tolist() == [[0, 0], [0, 0]]


def test_a_sprite_moving_over_a_still_background_is_no_movement_of_the_picture(scroll):
    video = scroll([(0, 0)])
    video[0, 20:28, 20:28], video[1, 20:28, 26:34] = 255, 255
    assert displacements(video[None])[0].tolist() == [[0, 0]]


def test_a_change_of_scene_is_no_movement(scroll):
    pair = displacement(scroll([], "noise", 0), scroll([], "noise", 1))
    assert pair.xy.tolist() == [[0, 0]]
    assert pair.unaligned > 0.01


def test_small_noise_does_not_make_a_still_picture_move(scroll):
    video = scroll([(0, 0)]).float()
    noisy = (video + torch.randn(video.shape, generator=torch.Generator().manual_seed(0))).clamp(
        0, 255
    )
    assert displacements(noisy.byte()[None])[0].tolist() == [[0, 0]]


def test_up_is_a_movement_towards_smaller_y():
    assert CLASSES[movement_classes(torch.tensor([2.0, -5.0]))] == "right-up"


def test_less_than_half_a_pixel_is_no_direction():
    assert CLASSES[movement_classes(torch.tensor([0.4, -0.4]))] == "none-none"


def test_only_pixels_that_the_first_frame_showed_are_still_in_view():
    view = still_in_view(torch.tensor([[[-2.0, 0.0], [-1.0, 1.0]]]), height=8, width=8)
    assert view[0, 0].sum(dim=0).tolist() == [8, 8, 8, 8, 8, 8, 0, 0]
    assert view[0, 1].sum() == 7 * 5
