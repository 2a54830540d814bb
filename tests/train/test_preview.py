import shutil

import pytest
import torch

from playworld.config import InputError
from playworld.train.checkpoints import checkpoints
from playworld.train.preview import is_run, world_of_run
from playworld.world import World


@pytest.fixture
def run(tiny_world, tmp_path):
    """The run that the tiny world comes from; it has saved once, at its end."""
    return shutil.copytree(tiny_world.parent / "run", tmp_path / "run")


def test_the_newest_checkpoint_of_a_run_plays_like_the_world_it_becomes(run, tiny_world):
    assert is_run(run) and not is_run(tiny_world)
    ours, finished = world_of_run(run), World.load(tiny_world)
    for name, tensor in finished.dynamics.state_dict().items():
        assert torch.equal(ours.dynamics.state_dict()[name], tensor)
    assert ours.prompts() and (ours.fps, ours.num_actions) == (finished.fps, 8)
    frames, state = ours.start(torch.zeros(1, 1, 64, 64, 3, dtype=torch.uint8), seeds=[0])
    assert ours.step(state, [3])[0].shape == (1, 64, 64, 3)


def test_a_damaged_checkpoint_gives_way_to_the_one_before(run, caplog):
    newest = checkpoints(run / "world")[-1]
    later = shutil.copytree(newest, newest.with_name("step-99999999"))
    (later / "average.safetensors").write_bytes(b"x")
    world_of_run(run)
    assert "falling back" in caplog.text


def test_a_run_without_a_checkpoint_of_its_world_says_so(run):
    shutil.rmtree(checkpoints(run / "world")[-1])
    with pytest.raises(InputError, match="no world to play yet"):
        world_of_run(run)
