import json
import re
from dataclasses import replace

import pytest

from playworld.config import InputError
from playworld.evaluate import EvaluateOptions, evaluate
from playworld.workflows.create import conclude, create
from playworld.workflows.doctor import doctor
from playworld.workflows.options import CreateOptions
from playworld.workflows.time_budget import Budget
from playworld.world import World

QUICK = CreateOptions(minutes=1.2, preset="tiny")


def test_a_budget_is_decided_once_and_kept(tmp_path):
    budget = Budget.open(tmp_path, {"minutes": 5.0})
    assert budget.remember("tokenizer_steps", lambda: 7) == 7
    assert Budget.open(tmp_path, {"minutes": 5.0}).remember("tokenizer_steps", lambda: 9) == 7
    with pytest.raises(InputError, match="begun with --minutes 5; ask for as many or more"):
        Budget.open(tmp_path, {"minutes": 4.0})
    with pytest.raises(InputError, match="begun with other seed"):
        Budget.open(tmp_path, {"minutes": 5.0, "seed": 1})


def test_more_minutes_go_on_with_what_is_there(tmp_path):
    budget = Budget.open(tmp_path, {"minutes": 5.0})
    budget.remember("tokenizer_steps", lambda: 7)
    budget.save()
    more = Budget.open(tmp_path, {"minutes": 50.0})
    assert more.remember("tokenizer_steps", lambda: 9) == 7 and more.left() > 2000


def follow(videos, tmp_path, minutes):
    """Ask for as many minutes as the refusals say; returns the last words and what was decided."""
    for _ in range(12):
        try:
            options = replace(QUICK, run=tmp_path / "run", minutes=minutes)
            said = create(videos, tmp_path / "world", options)
            return said, json.loads((tmp_path / "run" / "budget.json").read_text())
        except InputError as error:
            minutes = float(re.search(r"give --minutes ([\d.]+) or more to go on", str(error))[1])
    raise AssertionError("the advice leads nowhere")


def test_before_anything_is_trained_other_videos_begin_anew(tmp_path):
    """As the refusal of too few or too short ones asks for."""
    Budget.open(tmp_path, {"minutes": 5.0, "videos": [["a", 1]]}).save()
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "dataset.json").touch()
    budget = Budget.open(tmp_path, {"minutes": 5.0, "videos": [["a", 1], ["b", 2]]})
    assert not (tmp_path / "clips").exists() and budget.left() > 250
    budget.remember("tokenizer_steps", lambda: 50)
    with pytest.raises(InputError, match="begun with other videos"):
        Budget.open(tmp_path, {"minutes": 5.0, "videos": []})


@pytest.mark.slow
def test_videos_become_a_world_in_the_minutes_that_the_refusals_advise_and_in_more(
    videos, tmp_path
):
    said, few = follow(videos, tmp_path, 0.02)
    assert f"playworld play {tmp_path / 'world'}" in said and few["tokenizer_steps"] >= 40
    assert (tmp_path / "run" / "report" / "report.json").exists()
    assert "## Measured" in World.load(tmp_path / "world").card
    _, many = follow(videos, tmp_path, few["asked"]["minutes"] + 0.1)
    assert many["tokenizer_steps"] == few["tokenizer_steps"]
    assert many["world_steps"] >= few["world_steps"] >= 40 and many["finished"]


def test_time_spent_by_earlier_calls_counts(tmp_path):
    asked = {"minutes": 10.0}
    (tmp_path / "budget.json").write_text(json.dumps({"asked": asked, "spent": 300.0}))
    assert 0 < Budget.open(tmp_path, asked).left() < 300


@pytest.mark.parametrize("size, where", [("8x8", "videos"), ("64x64", "nowhere")])
def test_what_cannot_work_is_refused_at_once_and_leaves_nothing(size, where, videos, tmp_path):
    folder = videos if where == "videos" else tmp_path / where
    with pytest.raises(InputError):
        create(folder, tmp_path / "w", replace(QUICK, size=size, run=tmp_path / "run"))
    assert list(tmp_path.iterdir()) == []


def test_a_world_that_does_not_answer_is_told_so(tiny_world, clips, tmp_path):
    world = World.load(tiny_world)
    options = EvaluateOptions(
        num_clips=2,
        horizon=4,
        button_starts=2,
        physics_starts=0,
        look_starts=0,
        speed_frames=2,
        long_rollouts=0,
    )
    report = evaluate(world, clips, options)
    report["control"]["delta_psnr"]["4"]["low"] = -0.1
    said = conclude(world, tmp_path / "world", clips, tmp_path, report)
    assert "Nothing shows that this world answers" in said and "What helps" in said


@pytest.mark.slow
def test_the_doctor_names_machine_versions_and_times():
    said = doctor()
    for word in ("processor", "torch", "playworld", "Training 'small'", "frames/s"):
        assert word in said
