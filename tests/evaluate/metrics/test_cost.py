import pytest

from playworld.evaluate.metrics.speed import measure_cost
from playworld.world import SamplerConfig

SPEED = {"fps_median": 20.0, "ms_median": 50.0}


def test_tokens_per_second_follow_from_the_speed(world):
    found = measure_cost(world, SPEED, SamplerConfig(steps=1))
    assert found["tokens_per_frame"] == 4
    assert found["tokens_per_second"] == 80
    assert found["flops_per_second"] == 20 * found["flops_per_frame"]


@pytest.mark.parametrize(("steps", "passes"), [(1, 2), (2, 3), (25, 5)])
def test_refinements_that_decide_nothing_cost_nothing(world, steps, passes):
    # Four tokens can be decided in four refinements at most; one more pass remembers the frame.
    found = measure_cost(world, SPEED, SamplerConfig(steps=steps))
    assert found["passes_per_frame"] == passes


def test_every_pass_costs_the_same(world):
    one, two, three = (
        measure_cost(world, SPEED, SamplerConfig(steps=steps))["flops_per_frame"]
        for steps in (1, 2, 3)
    )
    assert three - two == two - one > 0


def test_weights_are_counted_by_model(world):
    found = measure_cost(world, SPEED, SamplerConfig())["parameters"]
    assert found["dynamics"] == sum(p.numel() for p in world.dynamics.parameters())
