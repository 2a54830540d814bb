import numpy as np
import pytest
from PIL import Image

from playworld.data.ingest.clean_options import CleanOptions
from playworld.data.ingest.frame_stats import FrameStats, perceptual_hash


def traits(frames, **options):
    watcher = FrameStats(CleanOptions(**options))
    for frame in frames:
        watcher.see(frame)
    return watcher.traits


def bits_apart(one, other):
    return (perceptual_hash(one) ^ perceptual_hash(other)).bit_count()


@pytest.mark.parametrize(
    "change",
    [
        lambda f: np.clip(f * 1.1 + 8, 0, 255).astype(np.uint8),
        lambda f: (f * 0.7).astype(np.uint8),
        lambda f: np.clip(f + np.random.default_rng(0).normal(0, 6, f.shape), 0, 255),
        lambda f: np.asarray(Image.fromarray(f).resize((96, 54), Image.Resampling.BOX)),
    ],
    ids=["brighter", "darker", "noise", "another size"],
)
def test_a_hash_stays_nearly_the_same_where_the_picture_does(change, game):
    for seed in range(5):
        frame = game(1, seed)[0] // 2 + 40
        assert bits_apart(frame, change(frame).astype(np.uint8)) <= 6


def test_hashes_of_different_pictures_lie_far_apart(game):
    pictures = [game(1, seed)[0] for seed in range(8)]
    apart = [bits_apart(a, b) for n, a in enumerate(pictures) for b in pictures[:n]]
    assert min(apart) > 12 and 26 < np.mean(apart) < 38


def test_black_is_black_although_compression_makes_specks():
    black = np.full((64, 64, 3), 16, dtype=np.uint8)
    specks, player = black.copy(), black.copy()
    specks[[3, 40, 60], [9, 33, 1]] = 90
    player[30:35, 30:35] = 200
    assert traits([black, specks, player])["black"].tolist() == [True, True, False]


def test_a_slow_pan_moves_and_noise_does_not(game):
    rng = np.random.default_rng(0)
    still = game(1)[0] // 2 + 50
    noisy = [(still + rng.integers(-3, 4, still.shape)).astype(np.uint8) for _ in range(10)]
    assert traits(noisy)["moved"].tolist() == [True] + [False] * 9
    slow = [(still + k).astype(np.uint8) for k in range(40)]  # one level brighter per frame
    assert 4 <= traits(slow)["moved"].sum() <= 8


def test_a_small_sprite_that_moves_is_movement(game):
    frames = np.repeat(game(1) // 2, 5, axis=0)
    for k, frame in enumerate(frames):
        frame[30:34, 10 + 5 * k : 14 + 5 * k] = 255
    assert traits(frames)["moved"].all()


def test_bars_are_the_thinner_of_two_that_face_each_other(game):
    frame = game(1)[0] // 2 + 60
    frame[:8] = frame[-16:] = frame[:, :16] = 0
    assert traits([frame])["bars"].tolist() == [[0, 12]]


def test_two_hours_of_traits_take_a_megabyte(game):
    watcher = FrameStats(CleanOptions())
    watcher.see(game(1)[0])
    assert 2 * 3600 * 10 * watcher.traits.nbytes < 1e6
