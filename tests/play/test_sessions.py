import asyncio

import pytest
import torch

from playworld.play.requests import StartRequest
from playworld.play.sessions import KEPT_SECONDS, Full, Session, Sessions


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


def begun(sessions: Sessions, address: str | None = None) -> Session:
    """A game that its player has left."""
    session = sessions.create(address)
    session.ask(StartRequest(1, ("prompt:0",), torch.zeros(1, 8, 8, 3, dtype=torch.uint8), 0))
    return session


def test_a_game_keeps_its_place_while_its_player_reloads_whoever_comes():
    clock = Clock()
    sessions = Sessions(2, 60.0, clock)
    games = [begun(sessions), begun(sessions)]
    clock.now = 59.0
    with pytest.raises(Full):
        sessions.create()
    assert [sessions.find(game.id) for game in games] == games
    clock.now = 61.0
    assert sessions.create() is not None


def test_who_left_without_a_game_makes_room_the_longest_gone_first():
    clock = Clock()
    sessions = Sessions(3, 60.0, clock)
    game, first = begun(sessions), sessions.create()
    clock.now = 1.0
    second = sessions.create()
    sessions.create()
    assert [sessions.find(s.id) for s in (game, first, second)] == [game, None, second]


def test_without_an_idle_limit_a_game_stays_until_its_place_is_needed():
    clock = Clock()
    sessions = Sessions(1, None, clock)
    game = begun(sessions)
    clock.now = KEPT_SECONDS - 1
    with pytest.raises(Full):
        sessions.create()
    clock.now = 100 * KEPT_SECONDS
    assert sessions.find(game.id) is game
    sessions.create()
    assert sessions.find(game.id) is None


@pytest.mark.parametrize(
    ("addresses", "full"),
    [
        (["192.0.2.1"] * 3, True),
        (["192.0.2.1", "192.0.2.2", "192.0.2.1"], False),
        (["2001:db8::1", "2001:db8::2", "2001:db8::3"], True),
        (["::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"], True),
        (["127.0.0.1"] * 4, False),
        (["::1"] * 4, False),
        ([None] * 4, False),
    ],
)
def test_an_address_of_the_network_holds_half_of_the_places_at_most(addresses, full):
    sessions = Sessions(4, 60.0)
    *held, last = addresses
    for address in held:
        begun(sessions, address)
    if full:
        with pytest.raises(Full):
            sessions.create(last)
        sessions.create("198.51.100.1")
    else:
        sessions.create(last)


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
