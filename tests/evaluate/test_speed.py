import pytest

from playworld.evaluate import speed


def test_the_clock_starts_with_a_full_window_and_gives_median_and_95th_percentile(
    world, scroll, monkeypatch
):
    window, prompt = world.config.dynamics.transformer.window, scroll([(1, 0)], size=16)[None]
    clock, seconds = [0.0], [100.0] * window + [k / 1000 for k in range(1, 22)]

    def tick() -> float:
        """Called before and after each frame."""
        tick.calls += 1
        if tick.calls % 2 == 0:
            clock[0] += seconds[tick.calls // 2 - 1]
        return clock[0]

    tick.calls = 0
    monkeypatch.setattr(speed.time, "perf_counter", tick)
    found = speed.measure_speed(world, prompt, 21)
    assert found["ms_median"] == pytest.approx(11)
    assert found["ms_p95"] == pytest.approx(20)
    assert found["fps_p95"] == pytest.approx(50)
