import json

import pytest
import torch

from playworld.config import InputError
from playworld.evaluate import (
    EvaluateOptions,
    compare,
    format_table,
    short_names,
    write_report,
)
from playworld.evaluate.differences import differences
from playworld.evaluate.intervals import Samples
from playworld.evaluate.metrics.agreement import paired_agreement
from playworld.evaluate.metrics.information import mutual_information, paired_information
from playworld.evaluate.movement import CLASSES
from playworld.evaluate.page.differences import compared_rows
from playworld.evaluate.report import Artifacts, Report
from playworld.evaluate.transitions import TransitionLabels

OPTIONS = EvaluateOptions(
    num_clips=4,
    prompt_frames=2,
    horizon=4,
    batch_size=4,
    arm_clips=3,
    button_starts=2,
    physics_starts=1,
    look_starts=1,
    return_starts=0,
    long_rollouts=2,
    long_frames=4,
    speed_frames=2,
)


@pytest.fixture(scope="module")
def report(make_world, make_clips, tmp_path_factory):
    """Two worlds that share their tokenizer."""
    other = make_world()
    for weights in other.actions.parameters():
        torch.nn.init.normal_(weights)
    torch.nn.init.normal_(other.dynamics.action.weight, std=2.0)
    worlds = {"first": make_world(), "second": other}
    return compare(worlds, make_clips(tmp_path_factory.mktemp("data")), OPTIONS)


def test_every_world_has_its_report_in_the_order_given(report):
    assert [world["name"] for world in report["worlds"]] == ["first", "second"]
    assert report["compared"]["baseline"] == "first"
    assert list(report["compared"]["differences"]) == ["second"]


@pytest.mark.slow
def test_worlds_are_measured_on_the_same_clips(report, make_world, clips):
    alone = compare({"only": make_world()}, clips, OPTIONS)
    assert "worlds" not in alone  # one world is evaluated as ever
    assert report["worlds"][0]["rollout"] == alone["rollout"]
    first, second = report["worlds"]
    assert first["rollout"]["copy_last"] == second["rollout"]["copy_last"]


def test_a_difference_is_that_of_the_figures(report):
    first, second = (world["rollout"]["psnr"]["4"] for world in report["worlds"])
    change = report["compared"]["differences"]["second"]["rollout PSNR, frame 4"]
    assert change["mean"] == pytest.approx(second - first, abs=1e-5)
    assert change["low"] <= change["mean"] <= change["high"]


def test_wrong_actions_are_paired_too(report):
    first, second = (world["control"]["arms"]["shifted"]["4"]["mean"] for world in report["worlds"])
    change = report["compared"]["differences"]["second"]
    found = change["delta PSNR against shifted actions, frame 4"]
    assert found["mean"] == pytest.approx(second - first, abs=1e-4)
    assert "one frame late, frame 4" in format_table(report)


def test_what_codes_tell_is_paired_too(report):
    rows = dict(compared_rows(report))
    starts = ("codes", "bits", "  left / none", "  keys by")
    found = [rows[title] for title in rows if title.startswith(starts)]
    assert len(found) == 6
    for (first, none), (second, change) in found:
        assert none is None and change["low"] <= change["mean"] <= change["high"]
        assert change["mean"] == pytest.approx(float(second) - float(first), abs=0.02)


def told(codes, labels, kinds: int) -> Report:
    """What is kept for comparing worlds by what their codes tell of true movement."""
    transitions = TransitionLabels(torch.zeros(64, 19, 2), {"movement": (labels, CLASSES)})
    known = {"movement": mutual_information(codes, labels, kinds, len(CLASSES))}
    paired = paired_agreement(transitions, codes, kinds, seed=0)
    bits = paired_information(transitions, codes, kinds, known, seed=0)
    return Report({}, Artifacts(paired={**paired, **bits}))


def test_codes_that_know_nothing_are_not_surely_better_for_being_many():
    generator = torch.Generator().manual_seed(0)
    labels, few, many = (
        torch.randint(kinds, (64, 19), generator=generator) for kinds in (len(CLASSES), 8, 64)
    )
    chance = told(few, labels, 8)
    assert not any(
        change["sure"] for change in differences(chance, told(many, labels, 64)).values()
    )
    better = differences(chance, told(labels, labels, len(CLASSES)))
    assert better["codes against movement"]["mean"] > 0.8
    assert better["bits about movement"]["mean"] == pytest.approx(3.16, abs=0.1)  # log2 of 9
    assert all(change["sure"] for change in better.values())


def test_worlds_that_come_back_other_ways_have_a_dash(report):
    worlds = [dict(world) for world in report["worlds"]]
    ways = [{"way": "→ x4, ← x4", "returns": 0.5}], [{"way": "↑ x4, ↓ x4", "returns": 1.0}]
    for world, rows in zip(worlds, ways, strict=True):
        world["control"] = world["control"] | {"returns": rows}
    change = {"mean": 0.5, "low": 0.1, "high": 0.9, "sure": True}
    compared = {"baseline": "first", "differences": {"second": {"↑ x4, ↓ x4 returns": change}}}
    rows = dict(compared_rows(report | {"worlds": worlds, "compared": compared}))
    assert rows["→ x4, ← x4 returns"] == [("0.50", None), ("-", None)]
    assert rows["↑ x4, ↓ x4 returns"] == [("-", None), ("1.00", change)]


def test_the_columns_of_the_table_are_in_line(report):
    lines = [line for line in format_table(report).splitlines()[2:] if line[:1] != "n" and line]
    assert len({len(line) for line in lines}) == 1


def test_a_tokenizer_that_is_the_same_makes_no_difference(report):
    change = report["compared"]["differences"]["second"]["tokenizer PSNR"]
    assert change == {"mean": 0, "low": 0, "high": 0, "sure": False}


def sampled(values) -> Report:
    return Report({}, Artifacts(paired={"psnr": Samples(torch.tensor(values))}))


def test_pairing_finds_a_small_difference_between_clips_that_differ_much():
    easy_and_hard = [10.0, 40.0, 15.0, 35.0, 20.0, 30.0]
    change = differences(sampled(easy_and_hard), sampled([v + 0.5 for v in easy_and_hard]))
    assert change["psnr"]["mean"] == pytest.approx(0.5)
    assert change["psnr"]["low"] == pytest.approx(0.5)
    assert change["psnr"]["sure"]


@pytest.mark.parametrize("starts, sure", [(5, False), (6, True)])
def test_coins_that_fall_alike_make_a_difference_sure_once_there_are_enough(starts, sure):
    change = differences(sampled([0.0] * starts), sampled([1.0] * starts))["psnr"]
    assert change["low"] == 1 and change["sure"] is sure


def test_a_difference_on_clips_without_a_figure_is_none_and_not_sure():
    change = differences(sampled([float("nan")]), sampled([1.0]))["psnr"]
    assert (change["mean"], change["sure"]) == (None, False)


def test_the_table_has_a_column_for_each_world_and_the_differences_below(report):
    lines = format_table(report).splitlines()
    assert lines[2].split() == ["first", "second"]
    row = next(i for i, line in enumerate(lines) if line.startswith("PSNR, frame 4"))
    assert len(lines[row].split()) == 6
    assert "[" in lines[row + 1]


def test_one_report_and_pictures_of_each_world_are_written(report, tmp_path):
    write_report(report, tmp_path)
    assert len(json.loads((tmp_path / "report.json").read_text())["worlds"]) == 2
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.png")}
    assert {"rollouts.png", "first/actions.png", "second/long-random.png"} <= names
    page = (tmp_path / "report.html").read_text()
    assert page.count("<details class=") == 2


def test_a_world_of_another_size_is_refused_before_anything_is_played(make_world, clips):
    index = clips / "valid" / "index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"height": 8, "width": 32}))
    told = []
    with pytest.raises(InputError, match="--size 16x16"):
        compare({"a": make_world(), "b": make_world()}, clips, OPTIONS, lambda *t: told.append(t))
    assert told == []


def test_names_are_short_and_different(tmp_path):
    (tmp_path / "a" / "world").mkdir(parents=True)
    (tmp_path / "b" / "world").mkdir(parents=True)
    given = [str(tmp_path / "a" / "world"), str(tmp_path / "b" / "world"), "coinrun"]
    assert short_names(given) == ["world-1", "world-2", "coinrun"]
    assert short_names(["a", "a", "a-1"]) == ["a-2", "a-3", "a-1"]
