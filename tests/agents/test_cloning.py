"""The study of cloning, on the films of this folder."""

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from playworld.agents import arena, clone
from playworld.agents.clone import CloneOptions
from playworld.agents.moves import MOVES
from playworld.agents.policy import NETWORKS, Policy, PolicyConfig
from playworld.cli import main
from playworld.config import InputError
from playworld.studies import cloning
from playworld.studies.cloning import Arm, CloningOptions, CloningStudy, arms, claim
from playworld.studies.cloning import study as run
from playworld.world import World

ONE = PolicyConfig("cnn", "true", 6, 64, 64, 1)


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
    return CloningStudy(
        world, expert, tmp_path / "easy", options, CloneOptions(steps=1, batch_size=2), 2, silent
    )


def command(world, expert, out, *more: str) -> int:
    few = ["--samples", "0", "5", "--seeds", "2", "--games", "3", "--max-steps", "6"]
    quick = ["--steps", "2", "--batch-size", "4", "--device", "cpu"]
    return main(["agent", "evaluate", str(world), str(expert), str(out), *few, *quick, *more])


@pytest.mark.slow
def test_every_arm_plays_once_and_the_same_command_plays_none_again(
    study, expert, tiny_world, tmp_path, capsys
):
    """Of two seeds, the second was played before: to start the game takes seconds."""
    for arm in arms(replace(study.options, samples=(0, 5))):
        put(study, arm, 1, solved=[0, 0, 0])
    out = tmp_path
    assert command(tiny_world, expert, out) == 0
    first = capsys.readouterr().out
    rows = [line.split("|")[1].strip() for line in first.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 5 and rows[-1] == "oracle, cloned on true actions"
    files = sorted((out / "easy").glob("*-seed*.json"))
    assert len(files) == 2 * 5 and (out / "cloning.png").is_file()
    assert json.loads(files[0].read_text())["presses"] == [6, 6, 6]
    meant = [Policy.load(p).config.meaning for p in sorted((out / "easy/policies").iterdir())]
    assert meant == ["latent", "true"]
    stored = json.loads(files[0].read_text()) | {"solved": [1, 1, 1]}
    files[0].write_text(json.dumps(stored))  # what was played is read, not played again
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
    codes, moves = study.dataset("latent").train.labels, study.dataset("true").train.labels
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


def put(study: CloningStudy, arm: Arm, seed: int, solved: Sequence[int] = (1,)) -> None:
    """A result as if it had been played."""
    stored = {"difficulty": "easy", "arm": arm.name, "samples": arm.samples, "seed": seed}
    study.path(arm, seed).parent.mkdir(exist_ok=True)
    study.path(arm, seed).write_text(
        json.dumps(stored | {"solved": solved, "presses": [9] * len(solved)})
    )


def test_players_without_a_policy_need_no_demonstrations(study, tmp_path):
    seen = np.zeros((200, 1, 64, 64, 3), np.uint8)
    pressed = {}
    for name in ("random", "steady"):
        player, frames = study.player(Arm(name), 0)
        pressed[name] = set(player(seen))
        assert frames == 1
    assert pressed == {"random": set(MOVES), "steady": {cloning.STEADY}}
    assert not (tmp_path / "easy").exists() and not study._datasets


class Simulator:
    """In place of the game: remembers what it was to be; every level ends at the first press."""

    requests: list[dict]

    def __init__(self, python, script, request) -> None:
        self.requests.append(request)

    def send(self, message) -> None:
        pass

    def read(self, count: int) -> bytes:
        return b"\1" * count

    def close(self) -> None:
        pass


def test_every_seed_plays_levels_of_its_own_as_the_options_say(study, tmp_path, monkeypatch):
    monkeypatch.setattr(Simulator, "requests", [], raising=False)
    monkeypatch.setattr(arena, "WorkerProcess", Simulator)
    monkeypatch.setattr(arena, "procgen_python", lambda: tmp_path)
    (tmp_path / "easy").mkdir()
    hard = replace(study, hold=4, options=replace(study.options, difficulty="hard", levels=40))
    for seed in (0, 1):
        assert hard.result(Arm("random"), seed)["presses"] == [1] * 100
    look = {"distribution_mode": "hard", "use_backgrounds": False, "restrict_themes": True}
    for seed, request in enumerate(Simulator.requests):
        assert request["levels"] == list(range((40 + seed) * 100_000, (40 + seed) * 100_000 + 100))
        assert request["env"] == {"env_name": "coinrun"} | look
        assert (request["hold"], request["max_steps"]) == (4, 500)


def test_every_seed_clones_a_policy_of_its_own(study, monkeypatch):
    def cloned(dataset, out, options, seed, progress) -> Policy:
        return Policy(ONE, NETWORKS["cnn"](ONE), {"seed": seed})

    monkeypatch.setattr(cloning, "clone", cloned)
    assert [study.policy("true", seed).report["seed"] for seed in (0, 1)] == [0, 1]


def test_a_policy_plays_at_the_temperature_that_was_asked_for(study, monkeypatch):
    policy = Policy(ONE, NETWORKS["cnn"](ONE), {})
    monkeypatch.setattr(CloningStudy, "policy", lambda *_: policy)
    for temperature, moves in ((0.0, 1), (100.0, 6)):
        made = replace(study, options=CloningOptions(seeds=2, temperature=temperature))
        player, _ = made.player(Arm("oracle"), 0)
        assert len(set(player(np.zeros((200, 1, 64, 64, 3), np.uint8)))) == moves


def test_a_study_of_recorded_levels_is_refused(study):
    options = replace(study.options, levels=0)
    with pytest.raises(InputError, match="level 0 is among the recordings"):
        run(study.world, study.clips, study.folder.parent, options, study.recipe, silent)
    assert not study.folder.exists()


def test_the_halves_of_a_table_share_all_but_clips_and_difficulty(tmp_path):
    shared, own = {"world": "a", "temperature": 0.5}, {"train clips": "b"}
    claim(tmp_path, "easy", shared, own)
    claim(tmp_path, "hard", shared, {"train clips": "c"})
    claim(tmp_path, "easy", shared, own)
    with pytest.raises(InputError, match="hard was begun with other train clips: name another"):
        claim(tmp_path, "hard", shared, own)
    shutil.rmtree(tmp_path / "hard")
    with pytest.raises(InputError, match="easy was begun with other temperature"):
        claim(tmp_path, "hard", {**shared, "temperature": 1.0}, own)
    assert not (tmp_path / "hard").exists()


@pytest.mark.parametrize("command", ["evaluate", "ppo", "goals"])
def test_results_are_not_written_into_a_file_or_a_world(
    command, expert, tiny_world, tmp_path, capsys
):
    (tmp_path / "file").touch()
    for out, words in ((tmp_path / "file", "is a file"), (tiny_world, "is a world or another")):
        assert main(["agent", command, str(tiny_world), str(expert), str(out)]) == 2
        assert words in capsys.readouterr().err


def test_a_study_of_other_clips_needs_a_folder_of_its_own(expert, tiny_world, tmp_path, capsys):
    out, other = tmp_path / "study", tmp_path / "other"
    claim(out, "easy", {"world": World.load(tiny_world).sha256}, {"train clips": "of others"})
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
        ({"temperature": float("nan")}, "temperature should be 0 or more"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        CloningOptions(**options)
