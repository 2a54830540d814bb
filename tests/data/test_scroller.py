import numpy as np

from playworld.data.record.scroller import FAR, HORIZON, LEFT, NEAR, NONE, RIGHT, films, scroll


def test_the_same_seed_gives_the_same_film_and_another_one_other_land():
    one, again, other = scroll(3, 50), scroll(3, 50), scroll(4, 50)
    assert np.array_equal(one[0], again[0]) and one[1] == again[1]
    assert not np.array_equal(one[0][0], other[0][0])


def test_a_key_moves_what_comes_after_it_the_ground_further_than_the_hills():
    film, keys = scroll(0, 400)
    assert set(keys) == {LEFT, NONE, RIGHT}
    for key, way in ((RIGHT, 1), (LEFT, -1), (NONE, 0)):
        t = next(t for t in range(398) if keys[t] == keys[t + 1] == key)
        near, far = int(2 * NEAR) * way, int(2 * FAR) * way
        for rows, shift in ((slice(HORIZON, 64), near), (slice(0, HORIZON), far)):
            moved = np.roll(film[t, rows], -shift, axis=1)
            assert np.array_equal(moved[:, 4:60], film[t + 2, rows][:, 4:60])


def test_films_are_made_one_by_one():
    made = list(films(range(5, 7), 30))
    assert [seed for seed, _, _ in made] == [5, 6]
    assert all(film.shape == (30, 64, 64, 3) and len(keys) == 30 for _, film, keys in made)
