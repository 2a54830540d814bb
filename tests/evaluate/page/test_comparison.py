import pytest
import torch

from playworld.evaluate import EvaluateOptions, compare, format_table
from playworld.evaluate.page.document import render

ONE = EvaluateOptions(
    num_clips=1,
    prompt_frames=2,
    horizon=2,
    arm_clips=0,
    button_starts=1,
    physics_starts=1,
    look_starts=1,
    return_starts=0,
    long_rollouts=0,
    speed_frames=1,
)


@pytest.mark.slow
def test_differences_on_a_single_clip_are_shown_without_an_interval(make_world, clips):
    other = make_world()
    torch.nn.init.normal_(other.dynamics.action.weight, std=2.0)
    report = compare({"one": make_world(), "other": other}, clips, ONE)
    assert "[-, -]" in format_table(report) and "[-, -]" in render(report)
    assert "LPIPS" not in format_table(report)  # which was not measured
