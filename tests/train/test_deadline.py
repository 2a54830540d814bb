from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import pytest

from playworld.train import deadline as clock
from playworld.train.checkpoints import last_step
from playworld.train.deadline import Deadline
from tests.train.test_loop import CONFIG, logged, run

FEW = replace(CONFIG, steps=60, save_every=100)


def ticking(monkeypatch: pytest.MonkeyPatch, seconds: list[float]) -> None:
    """Let every look at the clock take so many seconds, the last of them ever after.

    Of the processor each takes one second.
    """
    now = 0.0

    def monotonic() -> float:
        nonlocal now
        now += seconds.pop(0) if len(seconds) > 1 else seconds[0]
        return now

    own = SimpleNamespace(monotonic=monotonic, process_time=count(0.0).__next__)
    monkeypatch.setattr(clock, "time", own)


def taken(deadline: Deadline, planned: int) -> int:
    step = 0
    while step < planned:
        planned = deadline.steps(step := step + 1, planned)
    return step


@pytest.mark.parametrize("planned", [40, 400])
def test_as_many_steps_are_taken_as_fit_however_many_were_planned(planned, monkeypatch):
    ticking(monkeypatch, [1.0])
    assert taken(Deadline(at=120.0, steps=20), planned) == 100


def test_a_machine_that_becomes_slower_takes_fewer_steps_and_leaves_more_time(monkeypatch):
    ticking(monkeypatch, [1.0] * 60 + [2.0])
    steps = taken(Deadline(at=200.0, processor=20.0), planned=180)
    assert 100 <= steps <= 112  # what follows takes 40 seconds then: 60 + (140 - 40) / 2


def test_a_pause_does_not_end_a_stage(monkeypatch):
    ticking(monkeypatch, [1.0] * 50 + [60.0] + [1.0])
    assert taken(Deadline(at=500.0, steps=20), planned=500) >= 400


def test_a_run_ends_by_its_deadline_with_the_learning_rate_all_the_way_down(tmp_path, monkeypatch):
    ticking(monkeypatch, [1.0] * 30 + [2.0])
    run(tmp_path, FEW, deadline=Deadline(130.0))
    rates = [row["learning_rate"] for row in logged(tmp_path)]
    assert len(rates) == last_step(tmp_path) == 80 and FEW.steps == 60
    assert max(rates) == CONFIG.learning_rate and rates[-1] < 0.15 * CONFIG.learning_rate
    run(tmp_path, FEW, deadline=Deadline(1000.0))
    assert last_step(tmp_path) == 80, "it was finished"
