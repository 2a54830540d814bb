import pytest

from playworld.world.scheduler import PASSES, QUIET_SECONDS, FrameJob, Scheduler


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def job(player: str, long: bool = False, kind: str = "frame") -> FrameJob:
    return FrameJob((frame for frame in ()), long, player, kind)


def turns(workers=1, clock=None, *jobs) -> Scheduler:
    made = Scheduler(workers, max_batch=4, long_batch=2, clock=clock or Clock())
    for one in jobs:
        made.add(one)
    return made


def players(batch) -> list[str]:
    return [one.player for one in batch]


def test_short_requests_go_before_long_ones_that_came_earlier():
    waiting = turns(1, None, job("long", True), job("a"), job("b"))
    short = waiting.take()
    assert players(short) == ["a", "b"]
    waiting.done(short, [], 0.01)
    assert players(waiting.take()) == ["long"]


def test_long_requests_pause_while_a_short_one_is_under_way_on_another_worker():
    waiting = turns(2, None, job("long", True))
    long = waiting.take()
    waiting.add(job("short"))
    short = waiting.take()
    assert waiting.is_over(long, 1)
    waiting.done(long, long, 0.01)
    assert waiting.take() == []
    waiting.done(short, [], 0.01)
    assert waiting.take() == long


def test_long_requests_get_a_quarter_of_the_time_however_many_short_ones_there_are():
    waiting = turns(1, None, job("long", True))
    seconds = {False: 0.0, True: 0.0}
    for _ in range(1000):
        waiting.add(job("short"))
        batch = waiting.take()
        seconds[batch[0].long] += 0.03
        waiting.done(batch, batch if batch[0].long else [], 0.03)
    assert 0.23 < seconds[True] / sum(seconds.values()) < 0.27


def test_of_several_workers_one_is_kept_free_of_long_requests_while_somebody_plays():
    clock = Clock()
    waiting = turns(3, clock, *(job(f"long {k}", True) for k in range(9)), job("short"))
    short = waiting.take()
    waiting.done(short, [], 0.03)
    assert [len(waiting.take()) for _ in range(3)] == [2, 2, 0]
    clock.now = QUIET_SECONDS
    assert len(waiting.take()) == 4


def test_the_player_who_has_had_least_goes_first_among_long_requests():
    clock = Clock()
    greedy = [job("greedy", True) for _ in range(6)]
    waiting = turns(1, clock, *greedy)
    clock.now = QUIET_SECONDS
    for _ in range(3):
        batch = waiting.take()
        waiting.done(batch, batch, 1.0)
    waiting.add(job("modest", True))
    assert players(waiting.take())[0] == "modest"


def test_who_was_away_saves_nothing_up():
    clock = Clock()
    clock.now = QUIET_SECONDS
    waiting = turns(1, clock, job("busy", True))
    for _ in range(100):
        batch = waiting.take()
        waiting.done(batch, batch, 1.0)
    waiting.add(job("back", True, kind="first"))  # of another kind, so that they take turns
    order = []
    for _ in range(10):
        batch = waiting.take()
        order += players(batch)
        waiting.done(batch, batch, 1.0)
    assert order.count("busy") == order.count("back") == 5


def test_a_turn_of_long_requests_ends_when_a_short_one_waits_or_after_a_few_passes():
    waiting = turns(1, None, *(job(name, True) for name in "abcde"))
    batch = waiting.take()
    assert not waiting.is_over(batch, PASSES - 1) and waiting.is_over(batch, PASSES)
    waiting.add(job("short"))
    assert waiting.is_over(batch, 1)


def test_a_lone_long_request_is_not_interrupted():
    waiting = turns(1, None, job("a", True))
    assert not waiting.is_over(waiting.take(), 100 * PASSES)


@pytest.mark.parametrize("long", [False, True])
def test_only_what_is_of_one_kind_goes_together(long):
    kinds = ["alone", "frame", "alone", "frame", "first", "frame"]
    clock = Clock()
    jobs = [job(str(k), long, kind) for k, kind in enumerate(kinds)]
    waiting = turns(1, clock, *jobs)
    clock.now = QUIET_SECONDS
    assert [players(waiting.take()) for _ in range(4)] == [["0"], ["1", "3", "5"], ["2"], ["4"]]


def test_a_request_that_was_cancelled_is_left_out():
    waiting = turns(1, None, job("a"), job("b"), job("c", True))
    for one in (*waiting._short,)[:1] + (*waiting._long,):
        one.future.cancel()
    assert [players(waiting.take()) for _ in range(2)] == [["b"], []]
