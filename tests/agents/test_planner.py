"""Planning within a world: what is tried, what is found, and what people see of it."""

import json

import pytest
import torch
from PIL import Image

from playworld.agents.plan_film import in_words, open_prompt, plans_picture
from playworld.agents.planner import ButtonPlan, PlannerOptions, distances, draw, futures, make_plan
from playworld.cli import main
from playworld.config import InputError
from playworld.evaluate.rollouts import press
from playworld.evaluate.starts import Starts
from playworld.studies import goals
from playworld.studies.goals import GoalOptions, format_goals, seek_goals
from playworld.world import World

FEW = PlannerOptions(horizon=4, hold=2, candidates=12, elites=3, rounds=2)


@pytest.fixture(scope="module")
def world(tiny_world) -> World:
    """With a last layer of larger weights: its untrained choices hardly tell buttons apart."""
    world = World.load(tiny_world)
    world.dynamics.head.weight.data *= 4
    return world


@pytest.fixture(scope="module")
def prompt(world):
    return world.prompts()[0][1][None]


def test_sequences_that_begin_alike_share_frames_and_still_are_what_pressing_gives(world, prompt):
    buttons = torch.tensor([[0, 1, 2], [0, 1, 3], [0, 1, 2], [5, 1, 2]])
    _, state = world.start(prompt[None], [7])
    alone = press(world, state.rows([0, 0, 0, 0]), buttons)
    assert torch.equal(futures(world, state, buttons), alone)
    assert len(alone[:, -1].flatten(1).unique(dim=0)) == 3


@pytest.fixture(scope="module")
def quest():
    """The built-in world, a prompt, and a goal two buttons away that no button alone leads to."""
    world = World.load("coinrun")
    prompt = world.prompts()[1][1][None]
    _, state = world.start(prompt[None], [0])
    goal = press(world, state, torch.tensor([[0, 0, 1, 1]]))[0, -1]
    held = futures(world, state, torch.arange(world.num_actions)[:, None].repeat(1, 4))
    return world, prompt, goal, float(distances(held, goal).min())


@pytest.mark.slow
def test_a_plan_finds_the_way_and_leads_where_it_was_seen_to_lead(quest):
    world, prompt, goal, held = quest
    plan = make_plan(world, prompt, goal, PlannerOptions(4, 2, 200, 4, 1))
    assert plan.distance < 0.5 * held
    first, state = world.start(prompt[None], [0])
    again = press(world, state, torch.tensor([plan.buttons]))[0]
    torch.testing.assert_close(plan.frames, torch.cat([first, again]), rtol=0, atol=1)


@pytest.mark.slow
def test_sequences_drawn_after_the_best_ones_come_closer(quest):
    world, prompt, goal, held = quest
    first, last = make_plan(world, prompt, goal, PlannerOptions(4, 2, 24, 4, 2)).best
    assert last < 0.8 * first and last < held


def test_more_rounds_never_make_a_plan_worse(world, prompt):
    best = make_plan(world, prompt, world.prompts()[5][1], FEW).best
    assert len(best) == FEW.rounds and list(best) == sorted(best, reverse=True)


def test_where_every_button_leads_away_the_plan_is_to_press_none(world, prompt):
    frame = world.start(prompt[None], [0])[0]
    plan = ButtonPlan((), frame, 0.0, (0.0,))
    assert in_words(world, plan, frame[0]).startswith("no button leads closer")
    assert plans_picture(world, [plan], frame).width > 2 * 128


def test_sequences_are_drawn_as_their_chances_say():
    chances = torch.tensor([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]])
    drawn = draw(chances, 400, torch.Generator().manual_seed(0))
    assert (drawn[:, 0] == 1).all()
    assert drawn[:, 1].bincount(minlength=3).tolist()[1] == 0
    assert 150 < (drawn[:, 1] == 0).sum() < 250


def test_the_distance_grows_with_how_far_a_picture_is_shifted():
    land = torch.randint(0, 256, (16, 16, 3), dtype=torch.uint8)
    land = land.repeat_interleave(8, 0).repeat_interleave(8, 1)
    views = torch.stack([land[:64, x : x + 64] for x in (0, 1, 3, 6)])
    far = distances(views, views[0])
    assert far[0] == 0 and far.tolist() == sorted(far.tolist())


@pytest.mark.parametrize(
    "wrong",
    [
        {"horizon": 0},
        {"elites": 33},
        {"elites": 0},
        {"smoothing": 1.0},
        {"candidates": 0},
        {"steps": 0},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InputError):
        PlannerOptions(**wrong)


def test_one_candidate_in_five_is_kept_and_at_least_one():
    assert PlannerOptions().kept == 6 and PlannerOptions(candidates=4).kept == 1
    assert PlannerOptions(candidates=4, elites=3).kept == 3


def test_the_command_writes_a_picture_a_film_and_the_buttons(tiny_world, tmp_path, capsys):
    few = ["--horizon", "2", "--hold", "1", "--candidates", "4", "--rounds", "1"]
    out = tmp_path / "way"
    goal = tmp_path / "goal.png"
    Image.new("RGB", (200, 100), "teal").save(goal)
    command = ["agent", "plan", str(tiny_world), "01", str(goal), "--out", str(out), *few]
    assert main(command) == 0
    assert "likeness to the goal" in capsys.readouterr().out
    found = json.loads((out / "plan.json").read_text())
    with Image.open(out / "plan.gif") as film, Image.open(out / "plan.png") as picture:
        assert film.n_frames <= len(found["buttons"]) + 1 and picture.width > 3 * 128


def test_a_start_that_is_nowhere_is_one_line(world):
    with pytest.raises(InputError, match=r"no picture file '011', and no prompt .* mean '01'"):
        open_prompt(world, "011")


def test_goals_plans_and_replays_are_seen_in_noise_of_their_own_and_searches_are_as_large(
    world, clips, monkeypatch
):
    noises, searches = [], []

    def end(world, prompts, buttons, seeds, sampler):
        noises.extend(seeds.tolist())
        return prompts[:, -1]

    def search(world, prompt, goal, options):
        searches.append((options.rounds, options.candidates))
        return ButtonPlan((0,), prompt[-2:], 0.0, (0.0,))

    monkeypatch.setattr(goals, "_end", end)
    monkeypatch.setattr(goals, "make_plan", search)
    seek_goals(world, clips, GoalOptions(starts=2), FEW)
    assert len(set(noises)) == 3 * 2 and searches == [(2, 12), (1, 24)] * 2


def test_fewer_than_two_starts_are_refused_before_any_plan(world, clips, monkeypatch):
    with pytest.raises(InputError, match="starts: an interval needs 2, got 1"):
        GoalOptions(starts=1)
    one = Starts(torch.zeros(1, 4, 64, 64, 3, dtype=torch.uint8), 1)
    monkeypatch.setattr(goals, "level_starts", lambda *args, **more: one)
    with pytest.raises(InputError, match="one held-out moment .* ingest more videos"):
        seek_goals(world, clips, GoalOptions(starts=2), FEW)


def test_goals_in_clips_of_another_size_are_refused_before_any_plan(world, clips, monkeypatch):
    monkeypatch.setattr(World, "height", 32)
    with pytest.raises(InputError, match="ingest again with --size 64x32"):
        seek_goals(world, clips, GoalOptions(starts=2), FEW)


@pytest.mark.slow
def test_a_study_sets_plans_beside_random_and_true_presses(world, clips, tmp_path):
    search = PlannerOptions(horizon=3, hold=1, candidates=6, elites=2, rounds=2)
    made = seek_goals(world, clips, GoalOptions(starts=2, goal_presses=3), search)
    made.write(tmp_path)
    report = json.loads((tmp_path / "goals.json").read_text())
    assert report["arms"]["planned"]["psnr"]["mean"] >= report["arms"]["start"]["psnr"]["mean"]
    assert len(report["plans"]) == 2 and (tmp_path / "goals.png").stat().st_size > 1000
    assert format_goals(report).count("\n") == 6
