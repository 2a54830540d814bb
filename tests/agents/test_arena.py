from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from playworld.agents import arena as module
from playworld.agents.arena import Arena, ArenaOptions
from playworld.config import InputError

OPTIONS = ArenaOptions(seed=7, games=6, max_steps=40)
RIGHT, JUMP, NOTHING = 7, 8, 4


@pytest.fixture(scope="module")
def arena(python):
    with closing(Arena(OPTIONS)) as arena:
        yield arena


def played(arena, presses):
    return [arena.step(press) for press in presses]


def random_presses(options, count, seed=0):
    return np.random.default_rng(seed).integers(0, 9, (count, options.games)).tolist()


@pytest.mark.parametrize(
    "wrong", [{"seed": -1}, {"seed": 10**9}, {"games": 0}, {"max_steps": 0}, {"hold": 0}]
)
def test_an_option_out_of_range_is_refused_by_name(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        ArenaOptions(**wrong)


def test_games_are_levels_of_their_own_and_begin_again_as_they_began(arena):
    first = arena.reset()
    assert first.shape == (6, 64, 64, 3)
    assert len({frame.tobytes() for frame in first}) == 6
    steps = played(arena, random_presses(OPTIONS, 30))
    np.testing.assert_array_equal(arena.reset(), first)
    for step, again in zip(steps, played(arena, random_presses(OPTIONS, 30)), strict=True):
        np.testing.assert_array_equal(step.frames, again.frames)
        np.testing.assert_array_equal(step.rewards, again.rewards)


def test_a_game_is_the_same_level_however_many_are_played(arena, python):
    first = arena.reset()
    with closing(Arena(replace(OPTIONS, games=2))) as fewer:
        np.testing.assert_array_equal(fewer.reset(), first[:2])


def test_another_seed_has_other_levels(arena, python):
    with closing(Arena(replace(OPTIONS, seed=8))) as other:
        assert (other.reset() != arena.reset()).any(axis=(1, 2, 3)).all()


def test_a_press_is_held_for_two_game_steps(arena, python):
    arena.reset()
    twice = arena.step([RIGHT] * 6).frames
    with closing(Arena(replace(OPTIONS, hold=1))) as single:
        once = played(single, [[RIGHT] * 6] * 2)
    np.testing.assert_array_equal(once[1].frames, twice)
    assert (once[0].frames != twice).any()


@pytest.fixture(scope="module")
def long_play(python):
    """First pictures and the steps of 30 games in which much is jumped, so that some end."""
    with closing(Arena(replace(OPTIONS, games=30, max_steps=200))) as arena:
        return arena.reset(), played(arena, [[RIGHT] * 10 + [JUMP] * 10 + [RIGHT] * 10] * 80)


def test_a_game_that_is_over_stays_over_and_keeps_its_last_picture(long_play):
    first, steps = long_play
    over = np.stack([step.over for step in steps])
    ended = [k for k in range(30) if over[-1, k]]
    assert len(ended) > 5 and not over[0].any()
    assert (np.diff(over.astype(int), axis=0) >= 0).all()
    for k in ended:
        end = int(over[:, k].argmax())
        later = [step.frames[k] for step in steps[end:]]
        assert all((frame == later[0]).all() for frame in later)
        assert (later[0] != first[k]).any()  # Procgen shows the level from its start again


def test_the_coin_gives_ten_once_and_ends_the_game(long_play):
    rewards = np.stack([step.rewards for step in long_play[1]])
    over = np.stack([step.over for step in long_play[1]])
    assert set(rewards.sum(axis=0)) == {0, 10}
    assert (over & ~np.roll(over, 1, axis=0))[rewards > 0].all()


def test_after_the_last_press_every_game_is_over(arena):
    arena.reset()
    steps = played(arena, [[NOTHING] * 6] * 41)
    assert [bool(step.over.all()) for step in steps[38:]] == [False, True, True]


@pytest.mark.parametrize(
    ("wrong", "words"), [([7] * 5, "one action for each"), ([7] * 5 + [15], "0..14, got 15")]
)
def test_presses_that_do_not_fit_the_games_are_refused(arena, wrong, words):
    first = arena.reset()
    with pytest.raises(ValueError, match=words):
        arena.step(wrong)
    np.testing.assert_array_equal(arena.reset(), first)  # the pipe is still in step


def test_closing_ends_the_simulator(python):
    with closing(Arena(replace(OPTIONS, games=1))) as arena:
        arena.reset()
        process = arena._child.process
        assert process.poll() is None
    assert process.poll() is not None
    arena.close()


def test_a_simulator_that_dies_is_reported(python, tmp_path, monkeypatch):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nread line\necho 'no memory for levels' >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(module, "procgen_python", lambda: broken)
    with closing(Arena(OPTIONS)) as arena:
        with pytest.raises(RuntimeError, match=r"exit status 3\): no memory for levels"):
            arena.reset()
        with pytest.raises(RuntimeError, match="no memory for levels"):
            arena.reset()


def test_a_simulator_that_is_killed_while_playing_is_reported(python):
    with closing(Arena(replace(OPTIONS, games=1))) as arena:
        arena.reset()
        arena._child.process.kill()
        with pytest.raises(RuntimeError, match=r"procgen/arena.py .* stopped \(exit status -9\)"):
            arena.step([RIGHT])
