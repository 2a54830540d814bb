import json
import shutil

import pytest
import torch

from playworld.agents.clone import CloneOptions, clone, label, shifted
from playworld.agents.policy import NETWORKS, ConvNetwork, Policy
from playworld.cli import main
from playworld.config import InputError
from playworld.train.loop import NonFinite
from playworld.world import World


@pytest.fixture(scope="module")
def world(tiny_world):
    return World.load(tiny_world)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


QUICK = CloneOptions(steps=3, batch_size=4, device="cpu")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cnn", "st"])
def test_a_policy_learns_to_press_what_the_expert_pressed(kind, expert, world, tmp_path):
    options = CloneOptions(kind=kind, steps=90, batch_size=8, device="cpu")
    made = clone(label(expert, world, "true"), tmp_path / "policy", options)
    measured = made.report["measured"]
    assert measured["accuracy"] > 0.9 > 2 * measured["commonest"]
    assert Policy.load(tmp_path / "policy").sha256 == made.sha256


def test_true_actions_never_reach_a_policy_of_latent_ones(expert, world, tmp_path):
    known = clone(label(expert, world, "latent"), tmp_path / "known", QUICK)
    blind = tmp_path / "blind"
    shutil.copytree(expert, blind)
    path = blind / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"videos": str(tmp_path / "gone")}))
    assert clone(label(blind, world, "latent"), tmp_path / "policy", QUICK).sha256 == known.sha256


def test_another_seed_gives_another_policy_and_the_same_seed_the_same(expert, world, tmp_path):
    dataset = label(expert, world, "true", minutes=0.1)
    first, again, other = (
        clone(dataset, tmp_path / str(k), QUICK, seed).sha256 for k, seed in enumerate((0, 0, 1))
    )
    assert first == again != other


def test_pictures_of_a_row_move_alike_and_repeat_their_edge():
    video = torch.arange(64, dtype=torch.uint8).expand(64, 64)[None, None, ..., None]
    video = video.expand(5, 2, 64, 64, 3).contiguous()
    moved = shifted(video, 4, [torch.Generator().manual_seed(k) for k in range(5)])
    assert torch.equal(moved[:, 0], moved[:, 1]) and len(moved[:, 0, 0, 32, 0].unique()) > 1
    for row in moved[:, 0, 0, :, 0].long():
        by = int(row[32]) - 32
        assert abs(by) <= 4 and row.tolist() == [min(max(k + by, 0), 63) for k in range(64)]


def test_the_command_writes_a_policy_and_prints_its_held_out_accuracy(
    expert, tiny_world, tmp_path, capsys
):
    args = [str(tiny_world), str(expert), str(tmp_path / "policy"), "--steps", "2"]
    assert main(["agent", "clone", *args, "--batch-size", "4", "--device", "cpu"]) == 0
    assert "of 72 held-out choices" in capsys.readouterr().out
    made = Policy.load(tmp_path / "policy")
    assert made.config.meaning == "latent" and made.report["transitions"]["train"] == 12 * 24


def test_a_finished_policy_is_kept_and_another_one_replaced(expert, world, tmp_path):
    dataset, out, steps = label(expert, world, "true", minutes=0.1), tmp_path / "policy", []

    def progress(done: int, total: int, note: str) -> None:
        steps.append(done)

    first = clone(dataset, out, QUICK, 0, progress)
    assert clone(dataset, out, QUICK, 0, progress).sha256 == first.sha256 and len(steps) == 3
    other = clone(dataset, out, QUICK, 1, progress)
    assert Policy.load(out).sha256 == other.sha256 != first.sha256 and len(steps) == 6


def test_a_world_is_never_replaced_by_a_policy(expert, world, tiny_world, tmp_path):
    shutil.copytree(tiny_world, tmp_path / "world")
    with pytest.raises(InputError, match="holds actions.safetensors, dynamics.safetensors"):
        clone(label(expert, world, "true", minutes=0.1), tmp_path / "world", QUICK)
    assert World.load(tmp_path / "world").sha256 == world.sha256


def test_a_place_that_is_taken_is_refused_before_anything_is_read(tiny_world, tmp_path, capsys):
    assert main(["agent", "clone", "no world", "no clips", str(tiny_world)]) == 2
    assert "is another kind of folder" in capsys.readouterr().err


def test_what_stops_after_the_last_step_is_not_trained_again(expert, world, tmp_path):
    dataset, out, steps = label(expert, world, "true", minutes=0.1), tmp_path / "policy", []

    def progress(done: int, total: int, note: str) -> None:
        steps.append(done)
        if len(steps) == total:
            out.write_text("in the way")

    with pytest.raises(InputError, match="is a file"):
        clone(dataset, out, QUICK, 0, progress)
    out.unlink()
    assert clone(dataset, out, QUICK, 0, progress).report["seed"] == 0 and steps == [1, 2, 3]
    assert not list((tmp_path / "cache/playworld/runs").iterdir())


def test_where_the_loss_is_not_finite_the_advice_is_one_that_can_be_followed(
    expert, world, tmp_path, monkeypatch
):
    class Broken(ConvNetwork):
        def forward(self, video):
            return super().forward(video) * float("nan")

    monkeypatch.setitem(NETWORKS, "cnn", Broken)
    options = CloneOptions(steps=20, batch_size=2, device="cpu")
    with pytest.raises(NonFinite, match="lower --learning-rate, with which .* begins anew"):
        clone(label(expert, world, "true", minutes=0.1), tmp_path / "policy", options)


@pytest.mark.parametrize("command", ["clone", "evaluate"])
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_missed_before_anything_is_labelled(
    command, tiny_world, tmp_path, capsys
):
    args = [str(tiny_world), str(tmp_path / "no clips"), str(tmp_path / "out")]
    assert main(["agent", command, *args, "--device", "cuda"]) == 2
    assert "PyTorch finds no GPU here" in capsys.readouterr().err


@pytest.mark.gpu
def test_labels_found_on_a_gpu_are_those_of_the_cpu(expert, world, tiny_world):
    there = label(expert, World.load(tiny_world, "cuda"), "latent").train.labels
    assert (there == label(expert, world, "latent").train.labels).mean() > 0.99


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "above 0"),
        ({"minutes": 0.0}, "minutes should be above 0"),
        ({"shift": -1}, "shift should be 0 or more"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        CloneOptions(**options)


def test_a_window_longer_than_a_policy_takes_is_refused(expert, world, tmp_path):
    dataset = label(expert, world, "true", minutes=0.1)
    with pytest.raises(InputError, match="1 to 16 frames"):
        clone(dataset, tmp_path / "policy", CloneOptions(frames=17, steps=1))
