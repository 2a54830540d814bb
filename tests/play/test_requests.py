import asyncio

import pytest
import torch

from playworld.play.requests import Advance, Begin, Trial, Visit, Wishes
from playworld.play.sessions import Session

BEGIN = Begin(1, ("prompt:0",), torch.zeros(1, 64, 64, 3, dtype=torch.uint8), 0)


def taken(wishes: Wishes) -> list:
    """Everything that waits, in the order in which the model would do it."""

    async def take():
        found = []
        try:
            while True:
                async with asyncio.timeout(0.01):
                    found.append(await wishes.next())
        except TimeoutError:
            return found

    return asyncio.run(take())


def asked(*requests) -> list:
    wishes = Wishes()
    for request in requests:
        wishes.ask(request)
    return taken(wishes)


def test_the_newest_press_wins():
    assert asked(*(Advance(id, button=id) for id in (1, 2, 3))) == [Advance(3, 3)]


@pytest.mark.parametrize("place", [BEGIN, Visit(1, 0)])
def test_going_elsewhere_comes_before_what_was_asked_later(place):
    after = Trial(3, 4, None), Advance(2, 0)
    assert asked(place, *after) == [place, *after]


@pytest.mark.parametrize("place", [BEGIN, Visit(1, 0)])
def test_going_elsewhere_cancels_what_waits(place):
    assert asked(Advance(0, 0), Trial(0, 4, None), Visit(0, 3), place) == [place]


def test_a_visit_waits_for_the_start_before_it():
    assert asked(BEGIN, Visit(1, 0)) == [BEGIN, Visit(1, 0)]


def test_wanting_to_be_elsewhere_is_known():
    wishes = Wishes()
    wishes.ask(Advance(0, 0))
    assert not wishes.elsewhere
    wishes.ask(Visit(1, 0))
    assert wishes.elsewhere


def test_a_start_that_a_broken_line_lost_is_made_up_for():
    async def line_breaks() -> Begin:
        session = Session(0.0)
        session.ask(BEGIN)
        await session.wishes.next()  # and the answer never came
        session.rejoin()
        return await session.wishes.next()

    assert asyncio.run(line_breaks()).pictures is BEGIN.pictures


def test_a_press_from_before_a_broken_line_is_void():
    session = Session(0.0)
    session.ask(Advance(5, 0))
    session.rejoin()
    assert taken(session.wishes) == []
