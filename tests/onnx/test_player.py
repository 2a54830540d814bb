"""Exported worlds, played without PyTorch, beside `World`."""

import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from playworld.config import InputError
from playworld.onnx.export import export_world
from playworld.onnx.layout import WORLD_FILE, read_config
from playworld.onnx.noise import frame_noise
from playworld.onnx.player import OnnxWorld
from playworld.onnx.precision import stored
from playworld.onnx.runtime import Graph
from playworld.world import World, maskgit
from tests.world.conftest import tiny_config
from tests.world.test_variants import build, variants

pytestmark = pytest.mark.needs("onnxruntime")

KINDS = [
    ("changes decided in more steps", "confidence"),
    ("two tokens per place", "random"),
    ("full attention", "halton"),
    pytest.param("prepended actions", "halton", marks=pytest.mark.slow),
    pytest.param("concatenated actions", "random", marks=pytest.mark.slow),
]


def level_differences(world, exported, picture, actions, seed=3):
    """Mean difference of each frame, in levels of 0 to 255, between the two ways to play."""
    frame, state = world.start(picture[None, None], [seed])
    other, own = exported.start(picture.numpy(), seed)
    found = [np.abs(frame[0].numpy().astype(int) - other).mean()]
    for action in actions:
        frame, state = world.step(state, [action])
        other, own = exported.step(own, action)
        found.append(np.abs(frame[0].numpy().astype(int) - other).mean())
    assert len({frame.tobytes() for frame in (other, picture.numpy())}) == 2
    return found


@pytest.mark.parametrize(("kind", "order"), KINDS)
def test_an_exported_world_gives_the_frames_of_the_world(kind, order, picture, tmp_path):
    config = variants()[kind]
    sampler = replace(config.sampler, order=order, temperature=0.5)
    world = build(replace(config, sampler=sampler))
    export_world(world, tmp_path / "out")
    found = level_differences(world, OnnxWorld(tmp_path / "out"), picture, [0, 1, 2, 3, 3, 1, 0, 2])
    assert max(found) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["coinrun", "any", "platformer"])
def test_a_built_in_world_stays_within_a_level_over_64_frames(name, tmp_path):
    world = World.load(name)
    export_world(world, tmp_path / "out")
    exported = OnnxWorld(tmp_path / "out")
    presses = torch.randint(0, world.num_actions, (16,), generator=torch.Generator().manual_seed(0))
    actions = presses.repeat_interleave(4).tolist()
    _, picture = world.prompts()[0]
    found = level_differences(world, exported, picture, actions)
    assert np.mean(found) < 1


def test_a_cold_sampler_takes_the_likeliest_tokens(changes, exported, picture):
    world, cold = OnnxWorld(exported), changes.sampler(steps=1, temperature=0.0)
    _, state = changes.start(picture[None, None], [0])
    _, begun = world.start(picture.numpy(), 0)
    _, state = changes.step(state, [1], cold)
    frame, own = world.step(begun, 1, cold)
    assert own.tokens.tolist() == state.tokens.tolist()
    again, _ = world.step(begun, 1, cold)
    assert np.array_equal(frame, again)  # the state before is still what it was


def test_playing_imports_no_torch(exported):
    program = f"""
import sys, numpy as np
from playworld.onnx.player import OnnxWorld
world = OnnxWorld({str(exported)!r})
frame, state = world.start(np.zeros((16, 24, 3), np.uint8), 0)
frame, state = world.step(state, 2)
assert frame.shape == (16, 24, 3) and "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("seed", [0, -1, 2**63 - 1])
def test_the_noise_is_that_of_the_world(seed):
    wanted = maskgit.frame_noise(torch.tensor([seed]), torch.tensor([7]), 3, 50)[0]
    assert np.array_equal(frame_noise(seed, 7, 3, 50), wanted.numpy())


def test_a_new_export_replaces_the_old_one_and_nothing_else(exported, tmp_path):
    out = shutil.copytree(exported, tmp_path / "out")
    (out / "notes.txt").write_text("mine")
    export_world(build(tiny_config()), out, "int8")
    assert not (out / "picture.onnx").exists() and (out / "notes.txt").read_text() == "mine"
    assert read_config(out).graphs == ("begin", "predict", "decode")


def test_a_world_is_not_exported_over_its_own_files(changes, tmp_path):
    changes.save(tmp_path / "world")
    with pytest.raises(InputError, match="choose a folder of their own"):
        export_world(changes, tmp_path / "world")


def test_rounded_weights_take_less_space_and_draw_nearly_the_same_frame(exported, picture):
    import onnx

    path, frames, sizes = exported / "predict.onnx", {}, {}
    whole = OnnxWorld(exported)
    _, state = whole.start(picture.numpy(), 0)
    for precision in ("fp32", "fp16", "int8"):
        content = stored(onnx.load(path), precision).SerializeToString()
        whole._graphs["predict"] = Graph(content)
        frame, _ = whole.step(state, 0, replace(whole.config.sampler, temperature=0.0))
        frames[precision], sizes[precision] = frame.astype(int), len(content)
    assert sizes["int8"] < sizes["fp16"] < sizes["fp32"]
    for precision in ("fp16", "int8"):
        assert np.abs(frames[precision] - frames["fp32"]).mean() < 40


def test_a_folder_that_is_no_export_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no exported world"):
        OnnxWorld(tmp_path)
    (tmp_path / WORLD_FILE).write_text('{"name": 1}')
    with pytest.raises(InputError, match="missing|expected"):
        OnnxWorld(tmp_path)


def test_a_damaged_graph_is_refused(exported, tmp_path):
    out = shutil.copytree(exported, tmp_path / "out")
    (out / "decode.onnx").write_bytes(b"no graph")
    with pytest.raises(InputError, match="cannot load"):
        OnnxWorld(out)


def test_wrong_pictures_seeds_and_actions_are_refused(exported, picture):
    world = OnnxWorld(exported)
    with pytest.raises(InputError, match="this world needs a picture"):
        world.start(picture.numpy()[1:], 0)
    with pytest.raises(InputError, match="a seed must be an integer of 64 bits"):
        world.start(picture.numpy(), 2**63)
    _, state = world.start(picture.numpy(), 0)
    with pytest.raises(InputError, match=r"an action must be in 0\.\.3, got 4"):
        world.step(state, 4)


def test_a_missing_package_is_named_with_its_extra(changes, exported, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"pip install 'playworld\[onnx\]'"):
        export_world(changes, tmp_path / "out")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"pip install 'playworld\[onnx\]'"):
        OnnxWorld(exported)
