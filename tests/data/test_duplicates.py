import numpy as np
import pytest

from playworld.data.ingest import duplicates
from playworld.data.ingest.cleaning import Origin, Stretch
from playworld.data.ingest.duplicates import HashedStretches, find_copies
from playworld.data.ingest.frame_stats import perceptual_hash


def copies(films, length=30, bits=8):
    """What is found in films, each of one stretch."""
    stretches = [Stretch(n, 0, 0, len(film)) for n, film in enumerate(films)]
    hashes = [np.array([perceptual_hash(f) for f in film], dtype=np.uint64) for film in films]
    footage = HashedStretches.of(stretches, hashes)
    return find_copies(footage, lambda stretch, n: films[stretch.part][n], length, bits)


def brighter(film, seed=0):
    """As if encoded anew."""
    noise = np.random.default_rng(seed).normal(0, 4, film.shape)
    return np.clip(film * 1.06 + 9 + noise, 0, 255).astype(np.uint8)


def test_a_brighter_and_noisy_copy_is_found_whole(game):
    films = [game(80, 0), game(80, 1), brighter(game(80, 0))]
    assert copies(films) == {2: [(0, 80, Origin(0, 0, 0))]}


def test_a_part_of_another_film_is_found_at_its_place(game):
    mixed = np.concatenate([game(40, 2), game(90, 0)[35:85], game(40, 3)])
    (found,) = copies([game(90, 0), mixed])[1]
    assert abs(found[0] - 40) <= 3 and abs(found[1] - 90) <= 3 and found[2].frame == found[0] - 5


def test_footage_that_comes_again_in_the_same_film_is_found(game):
    film = np.concatenate([game(60, 0), game(60, 1), game(60, 0)])
    (found,) = copies([film])[0]
    assert abs(found[0] - 120) <= 3 and abs(found[1] - 180) <= 3


@pytest.mark.parametrize("seed", range(3))
def test_films_of_one_game_are_no_copies(game, seed):
    assert copies([game(80, 10 * seed + n) for n in range(4)]) == {}


def test_one_background_with_other_moves_is_no_copy(game):
    """Hashes agree everywhere here: only the pixels of the sprite can tell."""
    room = np.repeat(game(1, 0), 80, axis=0)
    films = []
    for seed in range(3):
        film, rng = room.copy(), np.random.default_rng(seed)
        walk = (np.cumsum(rng.integers(-2, 3, (80, 2)), axis=0) + 28) % 52
        for frame, (y, x) in zip(film, walk, strict=True):
            frame[y : y + 12, x : x + 12] = 255
        films.append(film)
    assert copies(films) == {}


def test_a_short_film_is_a_copy_only_as_a_whole(game):
    assert copies([game(90, 0), game(90, 0)[20:40]]) == {1: [(0, 20, Origin(0, 0, 20))]}
    mixed = np.concatenate([game(90, 0)[20:40], game(60, 5)])
    assert copies([game(90, 0), mixed]) == {}


def test_copies_are_found_in_every_block_of_frames(game, monkeypatch):
    films = [game(70, 0), game(70, 1), brighter(game(70, 0)), game(70, 2), brighter(game(70, 1))]
    whole = copies(films)
    monkeypatch.setattr(duplicates, "BLOCK", 100)
    assert copies(films) == whole and set(whole) == {2, 4}


def test_nothing_is_found_in_nothing():
    assert copies([]) == {}
