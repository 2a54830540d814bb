"""The study of cloning, on the films of this folder."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from playworld.agents import clone
from playworld.agents.clone import CloneOptions
from playworld.agents.labels import refuse_recorded
from playworld.agents.policy import Policy
from playworld.cli import main
from playworld.config import InputError
from playworld.studies.cloning import Arm, CloningOptions, Study, arms, claim
from playworld.studies.cloning import study as run
from playworld.world import World


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Runs of this test alone; the simulator stays where it is."""
    monkeypatch.setattr(clone, "default_run", lambda out, *about: tmp_path / "runs" / out.name)


def silent(title: str):
    return lambda done, total, note: None


@pytest.fixture
def study(expert, tiny_world, tmp_path):
    options = CloningOptions(seeds=2, moves="drawn")
    world = World.load(tiny_world)
    return Study(
        world, expert, tmp_path / "easy", options, CloneOptions(steps=1, batch_size=2), silent
    )


def command(world, expert, out, *more: str) -> int:
    few = ["--samples", "0", "5", "--seeds", "2", "--games", "3", "--max-steps", "6"]
    quick = ["--steps", "2", "--batch-size", "4", "--device", "cpu"]
    return main(["agent", "evaluate", str(world), str(expert), str(out), *few, *quick, *more])


@pytest.mark.slow
def test_every_arm_plays_once_and_the_same_command_plays_none_again(
    expert, tiny_world, tmp_path, capsys
):
    out = tmp_path / "study"
    assert command(tiny_world, expert, out) == 0
    first = capsys.readouterr().out
    rows = [line.split("|")[1].strip() for line in first.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 5 and rows[-1] == "oracle, cloned on true actions"
    files = sorted((out / "easy").glob("*-seed*.json"))
    assert len(files) == 2 * 5 and (out / "cloning.png").is_file()
    assert json.loads(files[0].read_text())["presses"] == [6, 6, 6]
    meant = [Policy.load(p).config.meaning for p in sorted((out / "easy/policies").iterdir())]
    assert meant == ["latent", "latent", "true", "true"]
    told = json.loads(files[0].read_text()) | {"solved": [1, 1, 1]}
    files[0].write_text(json.dumps(told))  # what was played is read, not played again
    assert command(tiny_world, expert, out) == 0
    assert "| latent policy, a random map | 50.0% |" in capsys.readouterr().out
    assert command(tiny_world, expert, out, "--frames", "3") == 2
    assert "begun with other frames" in capsys.readouterr().err


def test_labels_of_fewer_samples_are_among_those_of_more(study):
    few, more = (study.dictionary(n, seed=1).moves for n in (40, 200))
    seen = [code for code in range(len(few)) if len(few[code]) > 1]
    assert seen and all(Counter(few[code]) <= Counter(more[code]) for code in seen)


def test_a_dictionary_of_all_labels_is_the_counts_of_all_transitions(study):
    with pytest.raises(InputError, match="10000 labelled transitions are asked for, .* have 288"):
        study.dictionary(10_000, seed=0)
    made = study.dictionary(288, seed=0)
    codes, moves = study.school("latent").train.labels, study.school("true").train.labels
    code = int(codes[0])
    assert sorted(made.moves[code]) == sorted(moves[codes == code].tolist())


def test_by_default_a_latent_action_stands_for_the_move_it_was_seen_with_most(study):
    drawn = study.dictionary(288, seed=0)
    default = replace(study, options=CloningOptions(seeds=2)).dictionary(288, seed=0)
    assert default == drawn.commonest() != drawn


def test_too_few_labelled_transitions_are_missed_before_anything_is_made(
    expert, tiny_world, tmp_path, capsys
):
    assert command(tiny_world, expert, tmp_path / "study", "--samples", "5000") == 2
    assert "5000 labelled transitions are asked for" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_samples_and_seeds_can_be_added_to_a_study(study):
    for arm in arms(study.options):
        for seed in range(2):
            put(study, arm, seed)
    more = replace(study.options, samples=(0, 10), seeds=3)
    added = replace(study, options=more)
    for arm in arms(more):
        put(added, arm, 2)
    args = (study.world, study.clips, study.folder.parent)
    assert len(run(*args, study.options, study.recipe, silent)) == 2 * 8 + 5
    assert len(run(*args, more, study.recipe, silent)) == 2 * 8 + 5


def put(study: Study, arm: Arm, seed: int) -> None:
    """A result as if it had been played."""
    told = {"difficulty": "easy", "arm": arm.name, "samples": arm.samples, "seed": seed}
    study.path(arm, seed).parent.mkdir(exist_ok=True)
    study.path(arm, seed).write_text(json.dumps(told | {"solved": [1], "presses": [9]}))


def test_players_without_a_policy_need_no_demonstrations(study, tmp_path):
    for name in ("random", "steady"):
        assert study.player(Arm(name), 0)[1] == 1
    assert not (tmp_path / "easy").exists() and not study._schools


def test_a_level_that_was_recorded_is_never_played(expert):
    refuse_recorded(expert, [range(1, 100), range(201, 250)])  # of levels 0, 100, 200 ...
    with pytest.raises(InputError, match="level 200 is among the recordings"):
        refuse_recorded(expert, [range(1, 100), range(150, 250)])


def test_a_study_of_other_clips_needs_a_folder_of_its_own(expert, tiny_world, tmp_path, capsys):
    out, other = tmp_path / "study", tmp_path / "other"
    claim(out / "easy", {"world": World.load(tiny_world).sha256, "train clips": "of others"})
    assert command(tiny_world, expert, out) == 2
    assert "begun with other" in capsys.readouterr().err
    other.touch()
    assert main(["agent", "plan", "coinrun", "01", "02", "--out", str(other)]) == 2
    assert "is a file, where a folder is to be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 1}, "2 to 10 seeds"),
        ({"samples": (-1,)}, "samples should be 0 or more"),
        ({"games": 0}, "games must be in"),
        ({"temperature": -1.0}, "temperature should be 0 or more"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        CloningOptions(**options)
