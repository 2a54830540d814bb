import pytest

from playworld.config import InputError
from playworld.evaluate import EvaluateOptions, compare, evaluate, format_table
from playworld.evaluate.page.document import render

FEW = {
    "num_clips": 2,
    "prompt_frames": 2,
    "horizon": 10,
    "arm_clips": 0,
    "button_starts": 1,
    "return_starts": 0,
    "physics_starts": 0,
    "look_starts": 0,
    "long_rollouts": 0,
    "speed_frames": 1,
}


def test_files_of_weights_bring_fvd_and_lpips_into_report_and_table(world, clips, networks):
    options = EvaluateOptions(**FEW, i3d=networks["i3d"], lpips=networks["lpips"])
    report = evaluate(world, clips, options)
    assert [found["name"] for found in report["fidelity"]] == ["FVD", "random features distance"]
    assert report["fidelity"][0]["same"]["world"]["mean"] > 0
    assert report["settings"]["i3d"] == str(networks["i3d"])
    assert any("mostly bias" in note for note in report["notes"])
    table = format_table(report)
    assert "\nFVD " in table and "\nLPIPS " in table


def test_worlds_are_compared_by_lpips_where_it_was_measured(make_world, clips, networks):
    options = EvaluateOptions(**FEW | {"horizon": 4}, lpips=networks["lpips"])
    report = compare({"one": make_world(), "other": make_world()}, clips, options)
    change = report["compared"]["differences"]["other"]["LPIPS, frame 4"]
    assert (change["mean"], change["sure"]) == (0, False)
    assert "\nLPIPS, frame 4 " in format_table(report)
    assert render(report).count("<b>LPIPS</b>") == 3  # side by side, and in each world's own part


def test_a_file_that_is_no_i3d_ends_the_evaluation_by_its_name(world, clips, networks):
    with pytest.raises(InputError, match="wrong.pt does not work as I3D"):
        evaluate(world, clips, EvaluateOptions(**FEW, i3d=networks["wrong"]))
