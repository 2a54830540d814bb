import copy
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
import torch
from torch import nn

from playworld.models.kv_cache import KVCache, KVCacheEntry
from playworld.world import Engine
from playworld.world.traced_passes import TracedFunction


@pytest.fixture
def executor():
    with ThreadPoolExecutor(1) as executor:
        yield executor


def calls_in_python(function, executor, trace_after, times=12):
    """How many of the calls ran the function, once there was time for a trace."""
    ran = []
    model = nn.Linear(3, 3)

    def noted(x):
        ran.append(x)
        return function(model, x)

    traced = TracedFunction(model, noted, executor.submit)
    for _ in range(trace_after):
        traced(torch.rand(2, 3))
    executor.submit(int).result()
    before = len(ran)
    for _ in range(times):
        x = torch.rand(2, 3)
        assert torch.equal(traced(x)[0], function(model, x)[0])
    return len(ran) - before


@torch.no_grad()
def test_what_has_come_often_runs_without_python(executor, trace_after):
    assert calls_in_python(lambda model, x: (model(x), x + 1), executor, trace_after) == 0


@torch.no_grad()
def test_a_course_that_depends_on_values_is_not_traced(executor, trace_after):
    def absolute(model, x):
        return (model(x) if x.sum() > 0 else -model(x), x)

    assert calls_in_python(absolute, executor, trace_after, times=3) == 3


@torch.no_grad()
def test_a_trace_that_gives_other_bits_is_not_used(executor, trace_after):
    number, ran = count(), []
    traced = TracedFunction(
        nn.Identity(), lambda x: (ran.append(x), (x + next(number),))[1], executor.submit
    )
    for _ in range(trace_after):
        traced(torch.zeros(1))
    executor.submit(int).result()
    before = len(ran)
    traced(torch.zeros(1))
    assert len(ran) == before + 1


@torch.no_grad()
def test_a_trace_changes_in_place_what_the_function_changes(executor, trace_after):
    def remember(entry, cache):
        return entry.keys * 2, cache.append(entry, in_place=True)

    traced = TracedFunction(nn.Identity(), remember, executor.submit)
    entry = KVCacheEntry(torch.rand(1, 2, 4, 1, 3), torch.rand(1, 2, 4, 1, 3))
    ring = torch.zeros(1, 2, 3, 4, 1, 3)
    expected = actual = KVCache(ring, ring.clone(), torch.zeros(1, dtype=torch.long))
    for number in range(trace_after + 4):
        if number == trace_after:
            executor.submit(int).result()
        expected = remember(entry, expected.map(torch.clone))[1]
        actual = traced(entry, actual)[1]
    assert traced._ready and all(map(torch.equal, expected.tensors(), actual.tensors()))


def test_a_session_is_the_same_before_and_after_the_trace_alone_and_among_others(
    world, trace_after
):
    picture = torch.randint(0, 256, (16, 24, 3), dtype=torch.uint8)
    engine = Engine(world, workers=2)
    one = other = engine.start(picture[None], 0).result()
    _, state = world.start(picture[None, None], [0])
    for number in range(trace_after):
        if number >= trace_after // 2:  # from here on, beside another
            other = engine.step(other.state, 1)
        one = engine.step(one.state, number % 4).result()
        other = other.result() if number >= trace_after // 2 else other
        frames, state = world.step(state, [number % 4])  # traces in its turn, after as many
        assert torch.equal(one.frame, frames[0])
        if number % 8 == 7:
            engine._tracer.submit(int).result()
    for passes in (engine._passes, world._passes):
        assert passes.step._ready and passes.decode._ready
    engine.close()


def test_a_world_whose_weights_are_rounded_forgets_the_traces_of_the_old_ones(world, trace_after):
    def play(world):
        _, state = world.start(picture[None, None], [0])
        for number in range(trace_after):
            frames, state = world.step(state, [number % 4], in_place=True)
        return frames

    picture = torch.randint(0, 256, (16, 24, 3), dtype=torch.uint8)
    never_played = copy.deepcopy(world).half()
    play(world)
    assert world._passes.step._ready
    assert torch.equal(play(world.half()), play(never_played))
