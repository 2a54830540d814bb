import json
from dataclasses import replace

import pytest

from playworld.config import InputError
from playworld.evaluate import EvaluateOptions, evaluate
from playworld.studies.create import Clock, CreateOptions, conclude, create
from playworld.studies.doctor import doctor
from playworld.world import World

QUICK = CreateOptions(minutes=1.2, preset="tiny")


@pytest.mark.slow
def test_a_folder_of_videos_becomes_a_world_within_its_budget(videos, tmp_path):
    said = create(videos, tmp_path / "world", replace(QUICK, run=tmp_path / "run"))
    assert f"playworld play {tmp_path / 'world'}" in said
    state = json.loads((tmp_path / "run" / "budget.json").read_text())
    assert state["tokenizer_steps"] >= 40 and state["world_steps"] >= 40
    assert (tmp_path / "run" / "report" / "report.json").exists()
    assert "## Measured" in World.load(tmp_path / "world").card


def test_a_budget_is_decided_once_and_kept(tmp_path):
    clock = Clock.open(tmp_path, {"minutes": 5.0})
    assert clock.remember("steps", lambda: 7) == 7
    assert Clock.open(tmp_path, {"minutes": 5.0}).remember("steps", lambda: 9) == 7
    with pytest.raises(InputError, match="begun with other minutes"):
        Clock.open(tmp_path, {"minutes": 6.0})


def test_time_spent_by_earlier_calls_counts(tmp_path):
    asked = {"minutes": 10.0}
    (tmp_path / "budget.json").write_text(json.dumps({"asked": asked, "spent": 300.0}))
    assert 0 < Clock.open(tmp_path, asked).left() < 300


@pytest.mark.parametrize("size, where", [("8x8", "videos"), ("64x64", "nowhere")])
def test_what_cannot_work_is_refused_at_once_and_leaves_nothing(size, where, videos, tmp_path):
    folder = videos if where == "videos" else tmp_path / where
    with pytest.raises(InputError):
        create(folder, tmp_path / "w", replace(QUICK, size=size, run=tmp_path / "run"))
    assert list(tmp_path.iterdir()) == []


def test_a_world_that_does_not_answer_is_told_so(tiny_world, clips, tmp_path):
    world = World.load(tiny_world)
    options = EvaluateOptions(
        num_clips=2, horizon=4, button_starts=2, speed_frames=2, long_rollouts=0
    )
    report = evaluate(world, clips, options)
    report["control"]["delta_psnr"]["4"]["low"] = -0.1
    said = conclude(world, tmp_path / "world", clips, tmp_path, report)
    assert "Nothing shows that this world answers" in said and "What helps" in said


def test_the_doctor_names_machine_versions_and_times():
    said = doctor()
    for word in ("processor", "torch", "playworld", "Training 'small'", "frames/s"):
        assert word in said
