import numpy as np
import pytest

from playworld.data.ingest.cuts import mark_cuts


def cuts(frames):
    return [i for i, (cut, _, _) in enumerate(mark_cuts(enumerate_times(frames))) if cut]


def enumerate_times(frames):
    return ((number / 10, frame) for number, frame in enumerate(frames))


def test_a_real_cut_is_found_at_its_frame(game):
    assert cuts(np.concatenate([game(30, seed=0), game(25, seed=1), game(20, seed=2)])) == [30, 55]


@pytest.mark.parametrize("seed", range(5))
def test_a_leaping_sprite_over_a_sliding_camera_is_no_cut(game, seed):
    assert cuts(game(60, seed=seed)) == []


def test_a_camera_that_falls_fast_is_no_cut(game):
    column = np.concatenate([game(1, seed=seed)[0] for seed in range(6)], axis=0)
    assert cuts([column[y : y + 64] for y in range(0, 320, 20)]) == []


def test_a_flash_of_one_frame_is_no_cut(game):
    frames = game(30).copy()
    frames[12] = 255
    assert cuts(frames) == []


def test_a_cut_between_still_pictures_is_found(game):
    still, other = game(1, seed=0), game(1, seed=1)
    assert cuts(np.concatenate([still.repeat(12, 0), other.repeat(12, 0)])) == [12]


def test_every_frame_comes_out_once_in_order(game):
    frames = game(20)
    marked = list(mark_cuts(enumerate_times(frames)))
    assert [time for _, time, _ in marked] == [k / 10 for k in range(20)]
    np.testing.assert_array_equal([frame for _, _, frame in marked], frames)


@pytest.mark.parametrize("shape", [(8, 8), (90, 160), (200, 20)])
def test_any_shape_of_picture_can_be_judged(shape):
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 256, (2, *shape, 3), dtype=np.uint8) // 2 + [[[[0]]], [[[127]]]]
    assert cuts([first.astype(np.uint8)] * 8 + [second.astype(np.uint8)] * 8) == [8]
