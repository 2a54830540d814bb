import asyncio

import pytest
import torch

from playworld.play.requests import GoRequest, PressRequest, RequestQueue, StartRequest, TryRequest
from playworld.play.sessions import Session

BEGIN = StartRequest(1, ("prompt:0",), torch.zeros(1, 64, 64, 3, dtype=torch.uint8), 0)


def taken(queue: RequestQueue) -> list:
    """Everything that waits, in the order in which the model would do it."""

    async def take():
        found = []
        try:
            while True:
                async with asyncio.timeout(0.01):
                    found.append(await queue.next())
        except TimeoutError:
            return found

    return asyncio.run(take())


def asked(*requests) -> list:
    queue = RequestQueue()
    for request in requests:
        queue.ask(request)
    return taken(queue)


def test_the_newest_press_wins():
    assert asked(*(PressRequest(id, button=id) for id in (1, 2, 3))) == [PressRequest(3, 3)]


@pytest.mark.parametrize("place", [BEGIN, GoRequest(1, 0)])
def test_going_elsewhere_comes_before_what_was_asked_later(place):
    after = TryRequest(3, 4, None), PressRequest(2, 0)
    assert asked(place, *after) == [place, *after]


@pytest.mark.parametrize("place", [BEGIN, GoRequest(1, 0)])
def test_going_elsewhere_cancels_what_waits(place):
    assert asked(PressRequest(0, 0), TryRequest(0, 4, None), GoRequest(0, 3), place) == [place]


def test_a_visit_waits_for_the_start_before_it():
    assert asked(BEGIN, GoRequest(1, 0)) == [BEGIN, GoRequest(1, 0)]


def test_wanting_to_be_elsewhere_is_known():
    queue = RequestQueue()
    queue.ask(PressRequest(0, 0))
    assert not queue.elsewhere
    queue.ask(GoRequest(1, 0))
    assert queue.elsewhere


def test_a_start_that_a_broken_line_lost_is_made_up_for():
    async def line_breaks() -> StartRequest:
        session = Session(0.0)
        session.ask(BEGIN)
        await session.requests.next()  # and the answer never came
        session.rejoin()
        return await session.requests.next()

    assert asyncio.run(line_breaks()).pictures is BEGIN.pictures


def test_a_press_from_before_a_broken_line_is_void():
    session = Session(0.0)
    session.ask(PressRequest(5, 0))
    session.rejoin()
    assert taken(session.requests) == []
