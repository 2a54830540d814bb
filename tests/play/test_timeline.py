import asyncio
import json
from itertools import pairwise

import pytest
import torch

from playworld.images import QUICK, to_png
from playworld.play.metrics import Counts
from playworld.play.moves import Moves
from playworld.play.requests import GoRequest, PressRequest, StartRequest
from playworld.play.sessions import Session
from playworld.play.timeline import KEPT_STATES, NotOnThePath, Timeline
from playworld.world import Engine, SamplerConfig

WARM = SamplerConfig(steps=3, temperature=2.0)


@pytest.fixture
def moves(random_world):
    engine = Engine(random_world)
    yield Moves(engine, random_world.num_actions, 1000, Counts())
    engine.close()


@pytest.fixture
def begin(random_world):
    _, picture = random_world.prompts()[0]
    return StartRequest(1, ("prompt:0",), picture[None], 7)


def play(moves: Moves, *requests) -> tuple[Session, list[bytes]]:
    """A session that has done all this, and the picture that answered each request."""

    async def run():
        session, answers = Session(0.0), []
        for request in requests:
            answers.append((await moves.answer(session, request))[16:])
        return session, answers

    return asyncio.run(run())


def presses(count: int, offset: int = 0) -> list[PressRequest]:
    samplers = (None, WARM)
    return [PressRequest(0, (k * k + offset) % 8, samplers[k % 3 == 2]) for k in range(count)]


def same_state(one, other) -> bool:
    caches = (getattr(s, name) for name in ("memory", "decoder") for s in (one, other))
    tensors = [[], []]
    for i, cache in enumerate(caches):
        cache.map(lambda t, i=i: tensors[i % 2].append(t) or t)
    tensors[0] += [one.tokens, one.frame, one.seeds]
    tensors[1] += [other.tokens, other.frame, other.seeds]
    return all(torch.equal(a, b) for a, b in zip(*tensors, strict=True))


def test_going_on_after_a_far_rewind_is_what_a_game_without_one_would_be(moves, begin):
    way, long_way = presses(15), presses(30, offset=1)
    first, _ = play(moves, begin, *way, *presses(12, offset=3))
    rewound, answers = play(moves, begin, *way, *long_way, GoRequest(0, 15), *presses(12, offset=3))
    assert [n.png for n in first.timeline.nodes[-12:]] == answers[-12:]
    assert moves.counts.replayed > 0
    _, kept, missing = rewound.timeline.nearest()
    assert missing == [] and same_state(kept, first.timeline.nearest()[1])


def test_every_branch_stays_reachable(moves, begin):
    requests = [
        begin,
        *presses(12),
        GoRequest(0, 5),
        *presses(12, 1),
        GoRequest(0, 2),
        *presses(12, 2),
    ]
    session, _ = play(moves, *requests)
    timeline = session.timeline
    for node in (9, 20, 36):
        start, *rest = (timeline.nodes[n] for n in timeline.path(0, node))
        _, again = play(moves, begin, *(PressRequest(0, n.button, n.sampler) for n in rest))
        assert again == [n.png for n in (start, *rest)]


def test_a_state_that_was_computed_again_is_bitwise_the_one_that_was_forgotten(moves, begin):
    async def run():
        session, states = Session(0.0), {}
        for request in [begin, *presses(30)]:
            await moves.answer(session, request)
            states[session.timeline.at] = session.timeline.nearest()[1]
        for node in (3, 17, 29, 8):
            await moves.answer(session, GoRequest(0, node))
            assert same_state(await moves.catch_up(session), states[node])

    asyncio.run(run())
    assert moves.counts.replayed >= 5


def test_a_game_keeps_a_bounded_number_of_states(moves, begin):
    session, _ = play(moves, begin, *presses(30), GoRequest(0, 4), *presses(9), GoRequest(0, 20))
    assert len(session.timeline._states) == KEPT_STATES


def test_going_elsewhere_gives_up_what_is_being_computed_again(moves, begin):
    async def run():
        session = Session(0.0)
        for request in [begin, *presses(60), GoRequest(0, 22)]:
            await moves.answer(session, request)
        task = asyncio.create_task(moves.answer(session, PressRequest(0, 1)))
        await asyncio.sleep(0)
        session.ask(GoRequest(0, 1))
        return await task, len(session.timeline.nodes)

    assert asyncio.run(run()) == (None, 61)


@pytest.mark.parametrize("length", [100, 1000])
def test_the_states_that_are_kept_are_the_sparser_the_longer_ago(random_world, length):
    _, state = random_world.start(random_world.prompts()[0][1][None, None], [0])
    timeline = Timeline.begun((), 0, state, b"")
    for _ in range(length):
        timeline.grow(0, None, state, b"")
    kept = sorted(timeline._states)
    assert len(kept) == KEPT_STATES and (kept[0], kept[-1]) == (0, length)
    for earlier, later in pairwise(kept):
        assert later - 1 - earlier <= 2 * (length - later + 1)


def test_a_path_leads_from_a_node_to_one_that_came_from_it(moves, begin):
    timeline = play(moves, begin, *presses(3), GoRequest(0, 1), *presses(2, 1))[0].timeline
    assert timeline.path() == [0, 1, 4, 5]
    assert (timeline.path(1, 3), timeline.path(4, 4)) == ([1, 2, 3], [4])


@pytest.mark.parametrize(("first", "last"), [(2, 5), (3, 2), (5, 0)])
def test_a_path_to_what_does_not_come_after_is_refused(moves, begin, first, last):
    timeline = play(moves, begin, *presses(3), GoRequest(0, 1), *presses(2, 1))[0].timeline
    with pytest.raises(NotOnThePath):
        timeline.path(first, last)


def test_the_timeline_tells_all_that_a_replay_needs(moves, begin):
    timeline = play(moves, begin, *presses(3), GoRequest(0, 1), *presses(1, 1))[0].timeline
    assert json.loads(timeline.to_json()) == {
        "nodes": [[None, None, 0], [0, 0, 1], [1, 1, 2], [2, 4, 3], [1, 1, 2]],
        "at": 4,
        "seed": 7,
        "prompt": ["prompt:0"],
        "settings": {"3": [3, 2.0]},
    }


def test_players_do_not_change_one_anothers_frames(moves, begin, random_world):
    async def one(offset: int) -> list[bytes]:
        session, answers = Session(0.0), []
        for request in [begin, *presses(8, offset), GoRequest(0, 2), *presses(4, offset + 1)]:
            answers.append(await moves.answer(session, request))
        return answers

    async def together():
        return await asyncio.gather(*(one(offset) for offset in range(6)))

    among_others = asyncio.run(together())
    assert among_others[3] == asyncio.run(one(3))
    assert len({answers[-1] for answers in among_others}) == 6


def test_the_event_loop_goes_on_while_the_model_works(moves, begin):
    async def count() -> int:
        async def game():
            session = Session(0.0)
            for request in [begin, *presses(5)]:
                await moves.answer(session, request)

        task, ticks = asyncio.create_task(game()), 0
        while not task.done():
            await asyncio.sleep(0)
            ticks += 1
        return ticks

    assert asyncio.run(count()) > 50


def test_the_first_picture_is_the_worlds_own_view_of_the_prompt(moves, begin, random_world):
    frame, _ = random_world.start(begin.pictures[None], [7])
    assert play(moves, begin)[1] == [to_png(frame[0], QUICK)]
