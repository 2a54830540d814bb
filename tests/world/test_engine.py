import threading
from concurrent.futures import FIRST_COMPLETED, wait

import pytest
import torch

from playworld.config import InputError
from playworld.models.base import DynamicsModel
from playworld.world import Engine, SamplerConfig, World


class Watched(DynamicsModel):
    """Dynamics that write down whose passes they make, and wait in each until it is let go."""

    def __init__(self, dynamics):
        super().__init__()
        self.dynamics, self.passes, self.broken = dynamics, [], False
        self.entered, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self.start_cache, self.append = dynamics.start_cache, dynamics.append
        self.config = dynamics.config

    def step(self, tokens, hidden, action, cache, seen):
        self.passes.append([int(hidden[i].sum()) for i in range(len(hidden))])
        self.entered.release()
        assert self.go.acquire(timeout=60)
        if self.broken:
            raise RuntimeError("out of order")
        return self.dynamics.step(tokens, hidden, action, cache, seen)

    @property
    def sizes(self):
        """Of the batches whose first pass was made: in the tiny world all 24 tokens are hidden."""
        return [len(p) for p in self.passes if p[0] == 24]


@pytest.fixture
def engine(world):
    engine = Engine(world, workers=1)
    yield engine
    engine.close()


@pytest.fixture
def busy(world):
    """An engine in the middle of a pass, its future, a state to step from, and the dynamics."""
    watched = world.models.dynamics = Watched(world.dynamics)
    engine = Engine(world, max_batch=4, workers=1)
    watched.go.release()
    state = engine.start(picture(), 0).result().state
    first = engine.step(state, 0)
    assert all(watched.entered.acquire(timeout=60) for _ in range(2))
    yield engine, first, state, watched
    watched.go.release(1000)
    engine.close()


def picture(number=0, count=1):
    generator = torch.Generator().manual_seed(number)
    return torch.randint(0, 256, (count, 16, 24, 3), dtype=torch.uint8, generator=generator)


def presses(number, length, buttons=4):
    generator = torch.Generator().manual_seed(number)
    return torch.randint(0, buttons, (length,), generator=generator).tolist()


def alone(world, images, seed, actions):
    """What one session sees that plays by itself, without an engine."""
    frame, state = world.start(images[None], [seed])
    frames = [frame[0]]
    for action in actions:
        frame, state = world.step(state, [action])
        frames.append(frame[0])
    return frames


def player(engine, images, seed, actions, back):
    """One session, a request at a time; early on it rewinds to frame `back` by known tokens."""
    start = moved = yield engine.start(images, seed)
    frames, tokens = [moved.frame], []
    for action in actions[: back + 12]:
        moved = yield engine.step(moved.state, action)
        frames.append(moved.frame)
        tokens.append(moved.state.tokens[0])
    moved = start
    for k in range(back):
        moved = yield engine.replay(moved.state, tokens[k], actions[k])
        assert torch.equal(moved.frame, frames[k + 1])
    del frames[back + 1 :]
    for action in actions[back:]:
        moved = yield engine.step(moved.state, action)
        frames.append(moved.frame)
    return frames


def play_together(players, seed=0):
    """Frames of all players: each asks when it likes, and one more joins now and then."""
    chance = torch.Generator().manual_seed(seed)
    joining, pausing, asked, films = list(enumerate(players)), [], {}, {}
    while joining or pausing or asked:
        if joining and (not asked or torch.rand(1, generator=chance) < 0.1):
            number, session = joining.pop(0)
            asked[next(session)] = number
        done = wait(asked, return_when=FIRST_COMPLETED).done if asked else []
        pausing += [(asked.pop(future), future.result()) for future in done]
        resting = []
        for number, moved in pausing:
            if torch.rand(1, generator=chance) < 0.1:
                resting.append((number, moved))
                continue
            try:
                asked[players[number].send(moved)] = number
            except StopIteration as end:
                films[number] = end.value
        pausing = resting
    return films


@pytest.mark.parametrize("workers", [1, 2])
def test_a_session_is_the_same_alone_and_among_others_that_come_and_go(world, workers):
    engine = Engine(world, max_batch=5, workers=workers)
    scripts = [(picture(i, 1 + i % 3), i, presses(i, 6 + i), i % 3) for i in range(6)]
    films = play_together([player(engine, *script) for script in scripts])
    engine.close()
    for number, (images, seed, actions, _) in enumerate(scripts):
        expected = alone(world, images, seed, actions)
        assert torch.equal(torch.stack(films[number]), torch.stack(expected))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nine_players_of_the_real_world_see_14_frames_as_if_alone():
    """More players than rows of a batch, more frames than the world remembers."""
    world = World.load("coinrun")
    pictures = torch.stack([image for _, image in world.prompts()])
    engine = Engine(world)
    scripts = []
    for i in range(9):
        images = pictures.roll(i, dims=0)[: 1 + i % 3]
        scripts.append((images, i, presses(i, 14, world.num_actions), 5 * (i % 3)))
    films = play_together([player(engine, *script) for script in scripts])
    engine.close()
    assert all(len(film) == 15 for film in films.values())
    for number in (4, 8):
        expected = alone(world, *scripts[number][:3])
        assert torch.equal(torch.stack(films[number]), torch.stack(expected))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_row_of_the_real_world_is_the_same_to_the_last_bit_in_any_batch(threads):
    world = World.load("coinrun")
    pictures = torch.stack([image for _, image in world.prompts()])
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for batch in (2, 3, 5):
            images = torch.stack([pictures.roll(i, dims=0)[:2] for i in range(batch)])
            many = run(world, images, list(range(batch)))
            for row in range(batch):
                one = run(world, images[row : row + 1], [row])
                assert all(torch.equal(a[0], b[row]) for a, b in zip(one, many, strict=True))
    finally:
        torch.set_num_threads(before)


def run(world, images, seeds):
    """Everything that a start, a step and a replay give."""
    results = [world.start(images, seeds)]
    results.append(world.step(results[0][1], seeds))
    results.append(world.replay(results[0][1], results[1][1].tokens, seeds))
    return [t for frame, state in results for t in (frame, *tensors(state))]


def tensors(state):
    caches = [(c.keys, c.values, c.time) for c in (state.memory, state.decoder)]
    return [*caches[0], *caches[1], state.seeds, state.frame, state.tokens]


@pytest.mark.parametrize("order", ["random", "halton", "confidence"])
def test_filling_a_batch_up_to_a_bucket_changes_no_frame(world, order):
    sampler = SamplerConfig(steps=3, temperature=1.0, order=order)
    films = []
    for buckets in ([], [3, 8]):
        engine = Engine(world, buckets=buckets, workers=1)
        now = [engine.start(picture(i), i).result() for i in range(5)]
        for action in range(4):
            moves = [engine.step(m.state, action, sampler) for m in now[: 1 + action]]
            now[: 1 + action] = [move.result() for move in moves]
        engine.close()
        films.append(torch.stack([m.frame for m in now]))
    assert torch.equal(*films)


def test_a_bucket_fixes_the_size_that_the_model_sees(world):
    watched = world.models.dynamics = Watched(world.dynamics)
    watched.go.release(1000)
    engine = Engine(world, max_batch=8, buckets=[4, 8], workers=1)
    engine.step(engine.start(picture(), 0).result().state, 1).result()
    engine.close()
    assert {len(p) for p in watched.passes} == {4}


def test_whoever_waits_goes_together_oldest_first_up_to_the_limit(busy):
    engine, first, state, watched = busy
    futures = [first, *(engine.step(state, 1) for _ in range(6))]
    watched.go.release(1000)
    wait(futures)
    assert watched.sizes == [1, 4, 2]


def test_frames_of_any_samplers_go_together(busy):
    engine, first, state, watched = busy
    samplers = [
        SamplerConfig(steps, temperature, order)
        for steps, temperature, order in (
            (1, 0.0, "random"),
            (4, 2.0, "halton"),
            (3, 1.0, "confidence"),
        )
    ]
    futures = [engine.step(state, 1, sampler) for sampler in samplers]
    watched.go.release(1000)
    wait([first, *futures])
    assert watched.sizes == [1, 3]
    for future, sampler in zip(futures, samplers, strict=True):
        expected = engine._world.step(state, [1], sampler)[0][0]
        assert torch.equal(future.result().frame, expected)


def test_a_long_request_lets_a_short_one_go_first_after_each_pass(busy):
    engine, first, state, watched = busy
    long = engine.step(state, 1, SamplerConfig(steps=24, order="halton"))
    watched.go.release(7)  # first's other four passes are made, and three of the long one
    assert all(watched.entered.acquire(timeout=60) for _ in range(7))
    short = engine.step(state, 2)
    watched.go.release(7)
    short.result(timeout=60)
    assert not long.done()
    watched.go.release(1000)
    assert torch.equal(
        long.result().frame,
        engine._world.step(state, [1], SamplerConfig(steps=24, order="halton"))[0][0],
    )


def test_long_requests_move_on_while_short_ones_never_end(world):
    engine = Engine(world, workers=1)
    state = engine.start(picture(), 0).result().state
    asked = [engine.step(state, 0) for _ in range(20)]
    long = engine.step(state, 1, SamplerConfig(steps=24))
    for _ in range(2000):
        wait(asked, return_when=FIRST_COMPLETED)
        asked = [engine.step(state, 0) if one.done() else one for one in asked]
        if long.done():
            break
    engine.close()
    assert long.done()


def test_a_cancelled_request_is_left_out(busy):
    engine, first, state, watched = busy
    futures = [engine.step(state, 1) for _ in range(3)]
    assert futures[1].cancel() and not first.cancel()
    watched.go.release(1000)
    wait([first, futures[0], futures[2]])
    assert watched.sizes == [1, 2]


@pytest.mark.parametrize("action", [-1, 4, 2**70])
def test_a_bad_action_fails_its_own_future_only(busy, action):
    engine, _, state, watched = busy
    good, bad, other = (engine.step(state, a) for a in (1, action, 2))
    watched.go.release(1000)
    assert isinstance(bad.exception(timeout=60), InputError)
    for future, action in ((good, 1), (other, 2)):
        assert torch.equal(future.result().frame, engine._world.step(state, [action])[0][0])


def test_a_bad_start_fails_its_own_future_only(engine):
    futures = [engine.start(picture(), 1), engine.start(picture(), 2**64)]
    futures += [engine.start(picture()[:, :8], 1), engine.start(picture(count=0), 1)]
    assert futures[0].result().frame.shape == (16, 24, 3)
    assert all(isinstance(f.exception(timeout=60), InputError) for f in futures[1:])


def test_the_engine_goes_on_after_an_error_in_the_model(busy):
    engine, first, state, watched = busy
    watched.broken = True
    futures = [first, *(engine.step(state, 1) for _ in range(3))]
    watched.go.release(1000)
    assert {str(f.exception(timeout=60)) for f in futures} == {"out of order"}
    watched.broken = False
    assert engine.step(state, 1).result().state.frame.item() == 1


def test_closing_finishes_the_tick_in_hand_and_cancels_the_rest(busy):
    engine, first, state, watched = busy
    later = engine.step(state, 1)
    closing = threading.Thread(target=engine.close)
    closing.start()
    wait([later])
    assert later.cancelled() and not first.done()
    watched.go.release(1000)
    closing.join()
    assert first.result().state.frame.item() == 1
    with pytest.raises(RuntimeError, match="closed"):
        engine.step(state, 1)


def test_requests_may_come_from_any_thread(engine):
    frames = {}

    def session(number):
        moved = engine.start(picture(number), number).result()
        for action in presses(number, 5):
            moved = engine.step(moved.state, action).result()
        frames[number] = moved.frame

    threads = [threading.Thread(target=session, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(12):
        expected = alone(engine._world, picture(number), number, presses(number, 5))
        assert torch.equal(frames[number], expected[-1])


def test_a_state_keeps_no_other_session_in_memory_and_later_ticks_leave_it_alone(busy):
    engine, first, state, watched = busy
    watched.go.release(1000)
    moved = [f.result() for f in [engine.step(state, a % 4) for a in range(4)]]
    kept = [[t.clone() for t in tensors(m.state)] for m in moved]
    wait([engine.step(m.state, 1) for m in moved])
    for before, now in zip(kept, moved, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(before, tensors(now.state), strict=True))
        for own, alone in zip(tensors(now.state), tensors(state), strict=True):
            assert own.untyped_storage().nbytes() == alone.untyped_storage().nbytes()


@pytest.mark.parametrize("sizes", [{"max_batch": 0}, {"workers": -1}, {"buckets": [0]}])
def test_sizes_must_be_positive(world, sizes):
    with pytest.raises(ValueError, match="positive"):
        Engine(world, **sizes)
