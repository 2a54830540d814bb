import asyncio
import io

import pytest
import torch
from PIL import Image

from playworld.play.sessions import Advance, Begin, Full, ModelThread, Session, Sessions, to_png

BEGIN = Begin(1, torch.zeros(64, 64, 3, dtype=torch.uint8), 0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(session: Session) -> Begin | Advance:
    async def take():
        async with asyncio.timeout(1):
            return await session.next_request()

    return asyncio.run(take())


def test_the_newest_press_wins():
    session = Session(0.0)
    for id in (1, 2, 3):
        session.ask(Advance(id, button=id))
    assert taken(session) == Advance(3, 3)
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(session.next_request(), 0.01))


def test_a_start_comes_before_a_press_that_was_made_later():
    session = Session(0.0)
    session.ask(BEGIN)
    session.ask(Advance(2, 0))
    assert taken(session) is BEGIN and taken(session) == Advance(2, 0)


def test_a_start_cancels_a_press_that_waits():
    session = Session(0.0)
    session.ask(Advance(0, 0))
    session.ask(BEGIN)
    assert taken(session) is BEGIN
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(session.next_request(), 0.01))


def test_a_start_that_a_broken_line_lost_is_made_up_for():
    session = Session(0.0)
    session.ask(BEGIN)
    taken(session)  # and the answer never came
    session.rejoin()
    assert taken(session).prompt is BEGIN.prompt


def test_a_press_from_before_a_broken_line_is_void():
    session = Session(0.0)
    session.ask(Advance(5, 0))
    session.rejoin()
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(session.next_request(), 0.01))


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


async def play(model: ModelThread, seed: int, buttons: list[int]) -> list[bytes]:
    state, png = await model.answer(Begin(0, BEGIN.prompt, seed), None)
    frames = [png]
    for button in buttons:
        state, png = await model.answer(Advance(0, button), state)
        frames.append(png)
    return frames


def test_players_do_not_change_one_anothers_frames(random_world):
    model = ModelThread(random_world)

    async def together():
        return await asyncio.gather(*(play(model, n, [n, 2, n, 4]) for n in range(6)))

    among_others = asyncio.run(together())
    assert asyncio.run(play(model, 3, [3, 2, 3, 4])) == among_others[3]
    assert among_others[3] != among_others[4]
    model.close()


def test_the_event_loop_goes_on_while_the_model_works(random_world):
    model = ModelThread(random_world)

    async def count() -> int:
        task, ticks = asyncio.create_task(play(model, 0, [1] * 5)), 0
        while not task.done():
            await asyncio.sleep(0)
            ticks += 1
        return ticks

    assert asyncio.run(count()) > 50
    model.close()


def test_a_frame_travels_without_loss():
    frame = torch.randint(0, 256, (64, 48, 3), dtype=torch.uint8)
    assert Image.open(io.BytesIO(to_png(frame))).tobytes() == frame.numpy().tobytes()
