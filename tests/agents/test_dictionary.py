import numpy as np

from playworld.agents.dictionary import Dictionary
from playworld.agents.moves import MOVES, NAMES

RIGHT, JUMP = NAMES.index("right"), NAMES.index("right-up")


def test_a_code_is_translated_into_what_was_seen_with_it_as_often_as_seen():
    codes, moves = np.array([1, 1, 1, 1, 2]), np.array([RIGHT, RIGHT, RIGHT, JUMP, JUMP])
    made = Dictionary.of(codes, moves, 4, seed=0)
    drawn = made.translate([1] * 2000, np.random.default_rng(0))
    assert set(drawn) == {RIGHT, JUMP} and 0.70 < drawn.count(RIGHT) / 2000 < 0.80
    assert made.translate([2] * 9, np.random.default_rng(0)) == [JUMP] * 9
    assert made.shares()[1] == {"right": 0.75, "right-up": 0.25}


def test_a_tie_goes_to_the_move_that_is_commonest_among_all_labels_then_to_the_first():
    codes, moves = np.array([1, 1, 1, 1, 2, 2]), np.array([RIGHT, JUMP, RIGHT, JUMP, RIGHT, JUMP])
    made = Dictionary.of(codes, moves, 4, seed=0).commonest()
    assert made.translate([1] * 50, np.random.default_rng(0)) == [min(RIGHT, JUMP)] * 50
    more = Dictionary.of(np.append(codes, 1), np.append(moves, JUMP), 4, seed=0).commonest()
    assert more.moves[1] == more.moves[2] == (JUMP,)


def test_a_code_that_was_never_seen_always_means_one_random_move():
    none = np.zeros(0, dtype=np.int64)
    maps = [Dictionary.of(none, none, 8, seed) for seed in range(50)]
    assert maps[0] == Dictionary.of(none, none, 8, 0)
    assert all(len(seen) == 1 for made in maps for seen in made.moves)
    assert {move for made in maps for (move,) in made.moves} == set(range(len(MOVES)))


def test_labels_change_only_the_codes_they_speak_of():
    none = np.zeros(0, dtype=np.int64)
    before = Dictionary.of(none, none, 8, seed=3).moves
    after = Dictionary.of(np.array([5]), np.array([RIGHT]), 8, seed=3).moves
    assert [k for k in range(8) if before[k] != after[k]] in ([5], [])
    assert after[5] == (RIGHT,)
