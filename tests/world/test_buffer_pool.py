import gc

import torch

from playworld.world import Engine
from playworld.world.buffer_pool import SPARE, BufferPool

from .test_engine import picture, tensors


def test_a_place_has_the_shape_of_a_state(world):
    state = world.start(picture()[None], [0])[1]
    for place, cache in zip(
        BufferPool(world.models).take(), (state.memory, state.decoder), strict=True
    ):
        assert (place.keys.shape, place.time.dtype) == (cache.keys.shape, cache.time.dtype)


def test_a_place_is_used_again_once_nothing_views_it(world):
    pool = BufferPool(world.models)
    memory, decoder = pool.take()
    first = memory.keys.data_ptr()
    view = decoder.values[0]
    del memory, decoder
    other = pool.take()
    assert other[0].keys.data_ptr() != first
    del view
    assert pool.take()[0].keys.data_ptr() == first


def test_few_places_are_kept_for_later(world):
    pool = BufferPool(world.models)
    places = [pool.take() for _ in range(2 * SPARE)]
    assert len({place[0].keys.data_ptr() for place in places}) == 2 * SPARE
    del places
    gc.collect()
    assert len(pool._free) == SPARE


def test_the_states_of_an_engine_lie_in_its_pool(world):
    engine = Engine(world, workers=1)
    moved = engine.start(picture(), 0).result()
    moved = [engine.step(moved.state, a % 4).result() for a in range(3)]
    before = [torch.cat([t.flatten().float() for t in tensors(m.state)]) for m in moved]
    for _ in range(20):
        engine.step(moved[0].state, 1).result()
    engine.close()
    after = [torch.cat([t.flatten().float() for t in tensors(m.state)]) for m in moved]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert len(engine._pool._free) <= 3  # and not 20
