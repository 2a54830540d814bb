import json
import math
import runpy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from playworld.config import InputError
from playworld.evaluate import EvaluateOptions, evaluate, format_table, write_report
from playworld.evaluate.heldout import read_held_out
from playworld.evaluate.metrics import fidelity

OPTIONS = EvaluateOptions(
    num_clips=4,
    prompt_frames=2,
    horizon=5,
    batch_size=3,
    button_starts=2,
    arm_clips=3,
    return_starts=2,
    physics_starts=2,
    look_starts=1,
    away=2,
    long_rollouts=3,
    long_frames=8,
    speed_frames=3,
)
QUICK = replace(
    OPTIONS, arm_clips=0, return_starts=0, physics_starts=0, look_starts=0, long_rollouts=0
)
"""Without what takes longest."""


@pytest.fixture(scope="module")
def told():
    """The progress of `report`."""
    return []


@pytest.fixture(scope="module")
def report(make_world, make_clips, tmp_path_factory, told):
    clips = make_clips(tmp_path_factory.mktemp("data"))
    return evaluate(make_world(), clips, OPTIONS, lambda *call: told.append(call[:2]))


@pytest.fixture(scope="module")
def quick_report(make_world, make_clips, tmp_path_factory):
    return evaluate(make_world(), make_clips(tmp_path_factory.mktemp("data")), QUICK)


def numbers(value):
    """Every number in a nest of dicts and lists."""
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return [number for item in items for number in numbers(item)]
    return [value] if isinstance(value, int | float) else []


def figures(report, *left_out):
    """The report without what the clock decides."""
    return {
        key: value
        for key, value in report.items()
        if key not in ("speed", "cost", "date", *left_out)
    }


def test_the_report_has_the_keys_that_machines_compare(report):
    assert report["clips"] == 4
    assert 0 < report["tokenizer"]["psnr"] < 100
    assert list(report["rollout"]["psnr"]) == list(report["rollout"]["copy_last"])
    assert list(report["control"]["delta_psnr"]) == ["1", "2", "3", "4", "5"]
    assert set(report["control"]["delta_psnr"]["4"]) == {"mean", "low", "high"}
    assert 1 <= report["codes"]["perplexity"] <= 16
    assert report["codes"]["actions_total"] == 3
    assert report["speed"]["fps_median"] >= report["speed"]["fps_p95"] > 0


def test_all_figures_are_finite_and_intervals_hold_their_mean(report):
    assert all(map(math.isfinite, numbers(report)))
    for band in report["control"]["delta_psnr"].values():
        assert band["low"] <= band["mean"] <= band["high"]


def test_agreement_comes_with_its_baselines_where_there_is_enough_movement(report):
    # Two videos, one scrolling right and one left: 12 transitions each.
    control = report["control"]
    assert control["horizontal"]["counts"] == {"left": 12, "right": 12}
    assert control["keys"]["counts"] == {"left": 12, "right": 12}
    assert control["majority"] == 0.5
    assert 0 <= control["agreement"] <= 1


@pytest.mark.slow
def test_the_same_seed_gives_the_same_report(report, world, clips):
    assert figures(evaluate(world, clips, OPTIONS)) == figures(report)


def test_another_seed_gives_another_report(report, world, clips):
    other = evaluate(world, clips, replace(QUICK, seed=1))
    assert other["control"]["delta_psnr"] != report["control"]["delta_psnr"]


@pytest.mark.slow
def test_the_size_of_batches_changes_no_figure_beyond_rounding(report, world, clips):
    other = evaluate(world, clips, replace(OPTIONS, batch_size=1))
    assert numbers(figures(other, "settings")) == pytest.approx(
        numbers(figures(report, "settings")), abs=1e-3
    )


def test_the_goals_are_printed_from_a_report(report, tmp_path, monkeypatch, capsys):
    (tmp_path / "report.json").write_text(json.dumps(report))
    script = Path(__file__).parents[2] / "benchmarks" / "goals.py"
    monkeypatch.setattr("sys.argv", [str(script), str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    table = capsys.readouterr().out
    assert "| codes against keys by their effect | >= 70% |" in table
    assert "| a jump, then right: lands | >= 95% | - |  | - |" in table


def test_without_a_button_that_goes_right_walks_and_landings_are_not_tried(report):
    assert report["landing"] is report["held"] is report["walk"] is None
    assert "no button goes right from a quarter of the starts" in " ".join(report["notes"])


def test_buttons_that_work_are_held_and_have_to_land(world, clips, monkeypatch):
    for least in ("JUMPS", "GOES"):
        monkeypatch.setattr(f"playworld.evaluate.metrics.physics.{least}", 0.0)
    report = evaluate(world, clips, replace(QUICK, num_clips=2, physics_starts=2))
    assert 0 <= report["landing"]["share"] <= 1
    assert report["held"]["starts"] == report["walk"]["starts"] == 2
    assert "jumps land" in format_table(report)


def test_a_world_that_cannot_hear_is_said_not_to_answer_its_buttons(deaf_world, clips):
    report = evaluate(deaf_world, clips, replace(QUICK, arm_clips=3))
    assert report["control"]["answers"] is False
    assert "these clips do not show that this world answers its buttons" in report["notes"]
    arms = report["control"]["arms"]
    for gaps in (report["control"]["delta_psnr"], arms["shuffled"], arms["shifted"]):
        assert {band["mean"] for band in gaps.values()} == {0}  # all arms have the same noise


def test_one_clip_is_too_little_to_say_whether_a_world_answers(world, clips):
    report = evaluate(world, clips, replace(QUICK, num_clips=1))
    assert report["control"]["answers"] is None
    assert "too few clips to tell" in format_table(report)
    assert not [note for note in report["notes"] if "answers its buttons" in note]


def test_real_clips_are_held_against_without_their_prompts(world, clips, monkeypatch):
    embedded, embed_all = [], fidelity.embed_all

    def spy(rollouts, others, *rest):
        embedded.append((rollouts.truth, others))
        return embed_all(rollouts, others, *rest)

    monkeypatch.setattr(fidelity, "embed_all", spy)
    evaluate(world, clips, QUICK)
    ((truth, others),) = embedded
    every = read_held_out(clips, 2 * OPTIONS.num_clips, OPTIONS.length, OPTIONS.seed).video
    later = every[:, OPTIONS.prompt_frames :]
    assert torch.equal(torch.cat([truth, others]), later)


def test_options_about_sampling_replace_the_worlds_own(world, clips):
    report = evaluate(world, clips, replace(QUICK, steps=1, temperature=0.0, order="halton"))
    sampler = report["settings"]["sampler"]
    assert (sampler["steps"], sampler["temperature"], sampler["order"]) == (1, 0.0, "halton")


def test_progress_runs_from_nothing_to_everything(report, told):
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1]
    assert told == sorted(told)


def test_written_reports_are_sorted_json_with_pictures_beside(report, tmp_path):
    write_report(report, tmp_path / "out")
    write_report(report, tmp_path / "out")
    text = (tmp_path / "out" / "report.json").read_text()
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert json.loads(text)["rollout"] == report["rollout"]
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [
        "actions.png",
        "long-random.png",
        "long-recorded.png",
        "report.html",
        "report.json",
        "rollouts.png",
    ]


@pytest.mark.parametrize("mine", ['{"tests": 12}', "[]", "no JSON", ""])
def test_reports_of_other_programs_are_kept_beside_ours(report, tmp_path, mine):
    for name in ("report.json", "report.html"):
        (tmp_path / name).write_text(mine)
    write_report(report, tmp_path)
    write_report(report, tmp_path)
    assert json.loads((tmp_path / "report.json").read_text())["world"] == report["world"]
    kept = {path.name: path.read_text() for path in tmp_path.glob("*.orig*")}
    assert kept == {"report.json.orig": mine, "report.html.orig": mine}


def test_pictures_show_three_rows_per_clip_and_a_column_per_button(report):
    rollouts, actions = report.pictures["rollouts.png"], report.pictures["actions.png"]
    assert isinstance(rollouts, Image.Image)
    assert rollouts.height > 4 * 3 * 128
    assert actions.width > (1 + 3) * 128


def test_the_table_is_plain_text_with_the_headlines(report):
    table = format_table(report)
    rows = {line[:26].strip(): line[26:] for line in table.splitlines()}
    assert rows["generated frame"].split() == ["1", "2", "4", "5"]
    assert (
        rows["delta PSNR, dB"].split()[2] == f"{report['control']['delta_psnr']['4']['mean']:.2f}"
    )
    assert "\x1b" not in table


def test_directions_and_long_play_stand_in_report_and_table(report):
    assert list(report["control"]["directions"]) == ["left", "right", "jump", "stay"]
    assert report["control"]["starts"] == report["control"]["level_starts"] == 2
    assert [part["rollouts"] for part in report["long_play"].values()] == [3, 3]
    assert 0 <= report["control"]["ceiling"] <= 1
    table = format_table(report)
    for name, part in report["long_play"].items():
        real = f"{part['looks_real']} of 3 rollouts look real"
        assert any(f"{name} moves" in line and real in line for line in table.splitlines())
    row = report["control"]["directions"]["stay"]
    assert f"{row['button'] + 1} ({row['label']})" in table


def test_long_play_can_be_left_out(quick_report):
    assert quick_report["long_play"] == {}
    assert not [name for name in quick_report.pictures if name.startswith("long")]
    assert "rollouts look real" not in format_table(quick_report)


def test_wrong_actions_and_returns_can_be_left_out(quick_report):
    assert quick_report["control"]["arms"] is None
    assert quick_report["control"]["returns"] == []
    assert "another clip's" not in format_table(quick_report)


def test_wrong_actions_are_tried_on_some_clips(report):
    arms = report["control"]["arms"]
    assert arms["clips"] == 3
    assert list(arms["shuffled"]) == list(arms["shifted"]) == ["1", "2", "3", "4", "5"]


def test_distances_have_floor_controls_and_counts(report):
    (found,) = report["fidelity"]
    assert found["name"] == "random features distance"
    assert (found["clips"], found["other_clips"]) == (4, 4)
    assert set(found["other"]) == {"world", "real", "copy_last", "time_shuffled"}
    assert all(band["low"] <= band["mean"] <= band["high"] for band in found["other"].values())


def test_a_short_horizon_is_refused_where_i3d_is_named():
    with pytest.raises(InputError, match="at least 10 frames"):
        EvaluateOptions(i3d=Path("i3d.pt"), horizon=9)


def test_a_missing_file_of_weights_is_refused_before_anything_is_played(world, clips):
    told = []
    with pytest.raises(InputError, match="no file"):
        options = replace(OPTIONS, lpips=clips / "none.pt")
        evaluate(world, clips, options, lambda *call: told.append(call))
    assert told == []


def test_starts_in_the_air_are_noted(world, clips, monkeypatch):
    monkeypatch.setattr("playworld.evaluate.starts.HALF_PIXEL", 0.0)
    notes = evaluate(world, clips, QUICK)["notes"]
    assert any("0 of 2 starts are on level ground" in note for note in notes)


def test_a_report_without_action_files_says_so(world, clips):
    for path in (clips.parent / "videos").iterdir():
        path.unlink()
    report = evaluate(world, clips, QUICK)
    assert report["control"]["keys"] is None
    assert "no action files with keys" in format_table(report)


def test_clips_of_another_size_are_refused_with_the_size_to_ingest(world, clips):
    index = clips / "valid" / "index.json"
    data = json.loads(index.read_text())
    index.write_text(json.dumps(data | {"height": 8, "width": 32}))
    with pytest.raises(InputError, match="untrained shows 16x16 .* 32x8: .*--size 16x16"):
        evaluate(world, clips, OPTIONS)


def test_clips_of_another_frame_rate_are_measured_but_noted(world, clips):
    index = clips / "valid" / "index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"fps": 20.0}))
    report = evaluate(world, clips, QUICK)
    assert "clips of 20 fps, but the world runs at 10" in report["notes"]


@pytest.mark.parametrize(
    "name", ["num_clips", "prompt_frames", "horizon", "speed_frames", "long_frames", "away"]
)
def test_options_that_measure_nothing_are_refused_by_name(name):
    with pytest.raises(InputError, match=name):
        EvaluateOptions(**{name: 0})
