import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from playworld.config import InputError
from playworld.data.clips.shards import ShardWriter
from playworld.presets import MOTION, PLATFORMER, preset_like
from playworld.workflows import verdict
from playworld.workflows.create import Naming, create, of_length
from playworld.workflows.doctor import doctor
from playworld.workflows.machine_fit import fitted
from playworld.workflows.options import CreateOptions
from playworld.workflows.start import fit_to_data, measurable, sized, start_and_recipe
from playworld.workflows.time_budget import Budget
from playworld.workflows.verdict import compared, is_better, problem
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


def test_after_a_finished_world_more_minutes_are_another_round(tmp_path):
    budget = Budget.open(tmp_path, {"minutes": 5.0})
    budget.remember("world_steps", lambda: 7)
    budget.state |= {"finished": True, "best": 1}
    budget.save()
    more = Budget.open(tmp_path, {"minutes": 50.0})
    assert more.remember("world_steps", lambda: 9) == 9
    assert (more.state["round"], more.state["best"]) == (2, 1)


def test_the_end_keeps_as_much_time_as_measuring_the_start_has_taken(tmp_path):
    budget = Budget.open(tmp_path, {"minutes": 10.0})
    before = budget.left()
    budget.state["measuring"] = 100.0
    assert 60 < before - budget.left() < 70  # 6% of ten minutes are kept anyway


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


def test_a_short_stage_warms_up_in_a_tenth_of_its_steps_and_a_long_one_as_its_preset(tmp_path):
    budget = Budget.open(tmp_path, {"minutes": 10.0})
    warmups = [of_length(MOTION.tokenizer_stage, n, budget).warmup_steps for n in (60, 5000)]
    assert warmups == [6, MOTION.tokenizer_stage.warmup_steps]


def test_while_the_buttons_of_a_world_are_tried_its_stage_is_shown(tiny_world, clips):
    shown = []
    naming = Naming(measurable(clips, 0), lambda: lambda *progress: shown.append(progress))
    named = naming(World.load(tiny_world), clips)
    assert shown == [(0, 0, "trying its buttons")]
    assert naming.tried is not None and len(named.buttons) == 8


@pytest.mark.slow
def test_videos_become_a_world_in_the_minutes_that_the_refusals_advise_and_in_more(
    videos, tmp_path
):
    said, few = follow(videos, tmp_path, 0.02)
    assert f"playworld play {tmp_path / 'world'}" in said and few["tokenizer_steps"] >= 40
    assert (tmp_path / "run" / "round-1" / "report" / "report.json").exists()
    assert "## Measured" in World.load(tmp_path / "world").card
    once_more = replace(QUICK, run=tmp_path / "run", minutes=few["asked"]["minutes"])
    assert "finished before" in create(videos, tmp_path / "world", once_more)
    _, many = follow(videos, tmp_path, few["asked"]["minutes"] + 0.1)
    assert few["world_steps"] >= 40 and few["best"] == 1
    assert many["round"] == 2 and many["best"] in (1, 2) and many["finished"]


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


def figures_of(
    psnr: float, low: float = 1.0, side: float = 0.9, copy: float = 20.0, sideways: int = 60
):
    """A report with these figures alone; of 200 transitions so many go to each side."""
    frames = {"1": psnr, "4": psnr, "8": psnr}
    pair = {"psnr": frames, "copy_last": dict.fromkeys(frames, copy)}
    works = {name: {"share": side} for name in ("left", "right")} | {"jump": {"share": 0.75}}
    ways = {"none-down": 60, "none-up": 20, "left-none": sideways, "right-none": sideways}
    delta = {"4": {"mean": low + 1, "low": low}}
    control = {"delta_psnr": delta, "directions": works, "starts": 16, "answers": low > 0}
    control["buttons"] = [
        {"does": "down 2", "consistency": 0.5},
        {"does": "stay", "consistency": 1},
    ]
    control["movement"] = {"counts": ways, "left_out": {}}
    return {"clips": 3, "rollout": pair | {"moving": pair | {"clips": 2}}, "control": control}


def test_the_better_of_two_worlds_is_kept():
    start = figures_of(20.0)
    assert is_better(figures_of(20.5), start) and not is_better(figures_of(19.5), start)
    assert is_better(figures_of(20.5, side=0.8), start)
    lost = figures_of(25.0, side=0.5)
    assert not is_better(lost, start), "left or right was forgotten"
    assert "kept, as training made it worse" in compared(lost, start)


def test_what_is_wrong_with_a_world_is_named():
    assert "Nothing shows" in problem(figures_of(20.0, low=-0.1))
    assert "frozen picture" in problem(figures_of(20.0, copy=21.0))
    assert problem(figures_of(20.0, copy=19.0)) == ""


def test_figures_stand_beside_a_copy_of_the_last_frame():
    said = verdict.figures(figures_of(20.0, copy=19.0))
    assert "3 held-out" in said and "delta PSNR, frame 4: 2.00 dB, at least 1.00" in said
    assert said.count("20.00") == 6 and said.count("19.00") == 6
    assert "left from 90% and right from 90% of 16 starts" in said


def test_a_game_that_never_goes_to_a_side_is_judged_by_its_two_commonest_moves():
    start, trained = figures_of(20.0, sideways=0), figures_of(21.0, side=0.0, sideways=0)
    assert "down from 50% and up from 75% of 16 starts" in verdict.figures(trained)
    assert is_better(trained, start), "only left and right were forgotten, which nobody needs"
    assert "down and up from 50% -> 50% of the starts" in compared(trained, start)


def test_where_gravity_leads_down_no_button_has_to():
    found = figures_of(20.0, sideways=0)
    found["control"]["buttons"].append({"does": "jump", "consistency": 0.75})
    assert "down from 50% and up from 75%" in verdict.figures(found), "a view that follows goes up"
    found["control"]["gravity"] = True
    assert "\nup from 75% of 16 starts" in verdict.figures(found)
    assert is_better(found, found)


def test_a_game_in_which_nothing_moves_is_judged_by_left_and_right():
    found = figures_of(20.0, sideways=0)
    found["control"]["movement"]["counts"] = {"none-none": 200}
    assert "left from 90% and right from 90%" in verdict.figures(found)


def test_a_start_and_none_at_all_are_not_both_asked_for():
    with pytest.raises(InputError, match="leave one out"):
        CreateOptions(start="any", scratch=True)
    assert CreateOptions(preset="tiny").from_scratch and not CreateOptions(start="any").from_scratch


def test_video_is_brought_to_the_size_of_the_world_to_start_from(tiny_world):
    world = World.load(tiny_world)
    own = sized(CreateOptions(), world)
    assert (own.size, own.fps) == (f"{world.width}x{world.height}", world.fps)
    with pytest.raises(InputError, match="leave --size out"):
        sized(CreateOptions(size="128x128"), world)


def test_gravity_is_for_those_who_ask_for_it():
    """A game seen from above has a button that leads down, whatever the start was trained on."""
    asked = CreateOptions(start="platformer", gravity=True)
    start, recipe = start_and_recipe(asked, torch.device("cpu"))
    assert start is not None and start.config.actions.gravity and start.num_actions == 8
    assert recipe.name == "platformer"
    without, _ = start_and_recipe(replace(asked, gravity=False), torch.device("cpu"))
    assert without is not None and not without.config.actions.gravity
    assert not without.actions.encoder.gravity
    for mine, its in zip(without.actions.parameters(), start.actions.parameters(), strict=True):
        assert torch.equal(mine, its)
    usual = (replace(asked, start=None, gravity=gravity) for gravity in (False, True))
    names = [start_and_recipe(one, torch.device("cpu"))[0].config.name for one in usual]
    assert names == ["Any picture", "Platformer"]
    assert (start.fps, without.fps) == (20, 10), "many videos have no more"
    scratch = replace(asked, start=None, scratch=True)
    assert start_and_recipe(scratch, torch.device("cpu"))[1].name == "platformer"
    _, motion = start_and_recipe(replace(scratch, preset="motion"), torch.device("cpu"))
    assert motion.actions.gravity and motion.name == "motion"
    with pytest.raises(InputError, match="leave it out"):
        start_and_recipe(CreateOptions(start="coinrun", gravity=True), torch.device("cpu"))


@pytest.mark.parametrize(
    "lengths, clip",
    [([100, 40], 24), ([20] * 200 + [600], 20), ([10] * 2 + [600], 24), ([9, 7], 7), ([3], 3)],
)
def test_clips_are_as_short_as_most_of_the_video_needs(lengths, clip, tmp_path):
    with ShardWriter(tmp_path / "train", 8, 8, 20.0) as writer:
        for number, length in enumerate(lengths):
            frames = np.zeros((length, 8, 8, 3), np.uint8)
            writer.write(frames, f"{number}.mp4", [k / 20 for k in range(length)])
    (tmp_path / "dataset.json").write_text(json.dumps({"videos": "/films"}))
    found = fit_to_data(PLATFORMER, tmp_path)
    assert PLATFORMER.world_stage.clip_length == 24
    assert found.world_stage.clip_length == clip
    assert found.dynamics.transformer.window == min(clip, PLATFORMER.dynamics.transformer.window)


def test_a_world_is_trained_further_by_the_recipe_of_its_shape():
    assert preset_like(World.load("any").config).name == "motion"
    assert preset_like(World.load("platformer").config).name == "platformer"
    assert preset_like(World.load("coinrun").config).name == "small"


@pytest.mark.parametrize("memory, times", [(None, 1), (10**9, 1), (8 * 10**9, 4), (80 * 10**9, 8)])
def test_batches_grow_with_the_memory_of_a_gpu(memory, times):
    assert fitted(MOTION, memory).world_stage.batch_size == times * MOTION.world_stage.batch_size


@pytest.mark.slow
def test_the_doctor_names_machine_versions_and_times():
    said = doctor()
    for word in ("processor", "torch", "playworld", "Training 'small'", "frames/s"):
        assert word in said
