from dataclasses import replace

import pytest
import torch

from playworld.config import InputError
from playworld.models.dynamics import Dynamics
from playworld.models.flops import dynamics_flops, on_meta, parameters
from playworld.presets import TINY, preset
from playworld.train.optim import make_optimizers
from playworld.workflows.plan import (
    TrainingPlanOptions,
    activation_bytes,
    dynamics_load,
    memory_bytes,
    plan,
)
from playworld.workflows.plan_table import compare_with_paper, format_plan


@pytest.mark.parametrize(
    ("text", "size"), [("141GB", 141 * 10**9), ("80 GiB", 80 * 2**30), ("0.5TB", 5 * 10**11)]
)
def test_memory_is_read_with_its_unit(text: str, size: int):
    assert memory_bytes(text) == size


@pytest.mark.parametrize("text", ["", "80", "GB", "80gigs", "0GB", "-1GB", "1e3GB"])
def test_memory_without_a_size_or_a_unit_is_refused(text: str):
    with pytest.raises(InputError, match="141GB"):
        TrainingPlanOptions(device_memory=text)


@pytest.mark.parametrize(
    "wrong", [{"devices": 0}, {"utilisation": 1.5}, {"peak": 0.0}, {"batch_size": 0}]
)
def test_a_plan_for_nothing_is_refused(wrong: dict):
    with pytest.raises(InputError):
        TrainingPlanOptions(**wrong)


@pytest.mark.slow
def test_the_largest_model_of_the_paper_fits_its_256_devices():
    made = plan(preset("genie-10.7b"), TrainingPlanOptions(devices=256, device_memory="95GB"))
    world, dynamics = made.stages[-1], made.parts[-1]
    assert made.fits and world.per_device == world.at_once == 2
    assert dynamics.ratio == pytest.approx(1.0, abs=0.2)
    assert world.weights == -(-4 * sum(p.parameters for p in made.parts[1:]) // 256 // 4) * 4
    assert 0.5 < world.own_flops / world.printed_flops < 1.5


def test_it_does_not_fit_one_device_and_says_so():
    made = plan(preset("genie-10.7b"), TrainingPlanOptions(devices=1, device_memory="141GB"))
    assert not made.fits
    assert "does not fit into 141GB" in format_plan(made)


def test_days_follow_from_flops_peak_and_utilisation():
    options = TrainingPlanOptions(devices=2, peak=1e-3, utilisation=0.5)
    stage = plan(TINY, options).stages[-1]
    assert stage.days * 86_400 == pytest.approx(stage.flops / (2 * 1e9 * 0.5))
    length = TINY.world_stage.clip_length
    clip = 3 * dynamics_flops(TINY.dynamics, 1, length, history=True).total
    assert stage.own_flops == clip * TINY.world_stage.batch_size * TINY.world_stage.steps


def test_devices_without_a_clip_do_not_make_it_faster():
    few, many = (plan(TINY, TrainingPlanOptions(devices=n)) for n in (4, 400))
    assert few.stages[0].days == many.stages[0].days
    assert "396 devices would have no clip of the tokenizer" in format_plan(many)


def test_a_step_lasts_as_long_as_the_device_with_the_most_clips_takes():
    all_one, some_two = (plan(TINY, TrainingPlanOptions(devices=n)).stages[0] for n in (4, 3))
    assert (all_one.clips, some_two.per_device) == (4, 2)
    assert some_two.days == pytest.approx(2 * all_one.days)


def test_fewer_clips_go_at_once_where_memory_is_short():
    recipe = preset("coinrun-paper")
    roomy, tight = (plan(recipe, TrainingPlanOptions(device_memory=m)) for m in ("80GB", "8GB"))
    assert tight.fits and tight.stages[-1].at_once < roomy.stages[-1].at_once
    assert tight.stages[-1].per_device == roomy.stages[-1].per_device


def test_the_optimizers_share_is_what_real_optimizers_hold():
    model = Dynamics(TINY.dynamics)
    stage = replace(TINY.world_stage, batch_size=1)
    optimizers = make_optimizers(model, stage)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    for optimizer in optimizers:
        optimizer.step()
    states = [state for optimizer in optimizers for state in optimizer.state.values()]
    held = sum(v.numel() for s in states for v in s.values() if v.ndim and v.numel() > 1)
    whole = plan(TINY, TrainingPlanOptions()).stages[-1]
    actions = (
        3 * plan(TINY, TrainingPlanOptions()).parts[1].parameters
    )  # two moments and the average
    assert whole.optimizer == 4 * (actions + held + parameters(model))


def test_a_longer_and_a_deeper_model_leaves_more_behind():
    stage = TINY.world_stage
    model = on_meta(lambda: Dynamics(TINY.dynamics))
    shape = replace(TINY.dynamics.transformer, num_layers=4)
    deep = on_meta(lambda: Dynamics(replace(TINY.dynamics, transformer=shape)))
    one = activation_bytes(dynamics_load(model, stage, history=False))
    assert one < activation_bytes(dynamics_load(deep, stage, history=False))
    assert one < activation_bytes(dynamics_load(model, stage, history=True))
    longer = replace(stage, clip_length=2 * stage.clip_length)
    assert one < activation_bytes(dynamics_load(model, longer, history=False))


@pytest.mark.slow
def test_every_model_of_the_paper_stands_beside_ours():
    table = compare_with_paper()
    for row in ("genie-41m ", "genie-10.7b ", "robotics-2.5b ", "tokenizer ", "latent actions "):
        assert f"\n{row}" in f"\n{table}"
