import asyncio

import pytest

from playworld.play.sessions import Full, Sessions


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_session_ids_are_long_and_never_the_same():
    sessions = Sessions(1000, 60.0)
    ids = {sessions.create().id for _ in range(1000)}
    assert len(ids) == 1000 and min(map(len, ids)) >= 32


def test_one_more_than_the_limit_is_turned_away():
    sessions = Sessions(2, 60.0)
    for _ in range(2):
        sessions.create().connection = asyncio.Event()
    with pytest.raises(Full):
        sessions.create()


def test_the_game_that_was_left_longest_ago_makes_room():
    clock = Clock()
    sessions = Sessions(2, 60.0, clock)
    first = sessions.create()
    clock.now = 1.0
    second = sessions.create()
    sessions.create()
    assert sessions.find(first.id) is None and sessions.find(second.id) is second


def test_a_game_that_was_left_is_forgotten_after_the_idle_time():
    clock = Clock()
    sessions = Sessions(2, 60.0, clock)
    session = sessions.create()
    clock.now = 59.0
    assert sessions.find(session.id) is session
    clock.now = 61.0
    assert sessions.find(session.id) is None


def test_a_game_that_is_being_played_is_not_forgotten():
    clock = Clock()
    sessions = Sessions(2, 60.0, clock)
    session = sessions.create()
    session.connection = asyncio.Event()
    clock.now = 1000.0
    assert sessions.find(session.id) is session


def test_games_and_players_are_counted():
    sessions = Sessions(5, 60.0)
    sessions.create()
    sessions.create().connection = asyncio.Event()
    assert sessions.count() == (2, 1)
