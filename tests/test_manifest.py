import itertools
import json
import os
import resource
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch
from torch import nn

from playworld.atomic import new_folder
from playworld.config import InputError
from playworld.manifest import (
    load_into,
    params_sha256,
    read_folder,
    refuse_foreign,
    results_folder,
    write_folder,
)
from tests.processes import CONTEXT, start

TENSORS = {"model.safetensors": {"weight": torch.arange(6.0).view(2, 3), "count": torch.tensor(7)}}
DOCUMENTS = {"config.json": {"fps": 10.0}, "README.md": "# héllo", "prompts/01.png": b"\x89PNG"}


@pytest.fixture
def folder(tmp_path):
    write_folder(tmp_path / "saved", TENSORS, DOCUMENTS)
    return tmp_path / "saved"


def test_what_was_written_is_read_back(folder):
    saved = read_folder(folder)
    assert saved.names == ["README.md", "config.json", "model.safetensors", "prompts/01.png"]
    assert saved.json("config.json") == {"fps": 10.0}
    assert saved.bytes("README.md").decode() == "# héllo"
    assert saved.bytes("prompts/01.png") == b"\x89PNG"
    tensors = saved.tensors("model.safetensors")
    assert params_sha256(tensors) == params_sha256(TENSORS["model.safetensors"])


@pytest.mark.parametrize(
    "name", ["README.md", "config.json", "model.safetensors", "prompts/01.png"]
)
def test_one_flipped_bit_in_any_file_is_found(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name} has been altered"):
        read_folder(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        read_folder(folder)


def test_a_shortened_file_is_named(folder):
    os.truncate(folder / "model.safetensors", 20)
    with pytest.raises(InputError, match="model.safetensors has been altered: .* bytes expected"):
        read_folder(folder)


def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(folder):
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    with pytest.raises(InputError, match="config.json is missing"):
        read_folder(folder)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a//b", "a\\b", "."])
def test_a_manifest_that_points_out_of_the_folder_is_refused(folder, name):
    record = {"sha256": "0" * 64, "bytes": 0}
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "files": {name: record}}))
    with pytest.raises(InputError, match="is not the name of a file inside the folder"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", '"format": 1'),
        ('{"format": 2, "files": {}}', '"format": 1'),
        ('{"format": 1, "files": []}', 'object "files"'),
        ('{"format": 1, "files": {"a": 1}}', r"files\['a'\]: expected an object"),
        ('{"format": 1, "files": {}, "files": {}}', "a key is repeated"),
        ('{"format": 1, "files": NaN}', "NaN is not allowed"),
    ],
)
def test_a_broken_manifest_is_refused(folder, text, message):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_folder(folder)


def test_a_file_that_is_not_safetensors_is_refused(tmp_path):
    write_folder(tmp_path / "saved", {}, {"model.safetensors": b"\xff" * 100})
    with pytest.raises(InputError, match="is not a safetensors file"):
        read_folder(tmp_path / "saved").tensors("model.safetensors")


def test_no_folder_and_no_manifest_are_told_apart(tmp_path):
    with pytest.raises(InputError, match="no folder at"):
        read_folder(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"has no manifest\.json"):
        read_folder(tmp_path)


def test_a_new_folder_replaces_the_old_one_whole(folder):
    write_folder(folder, {}, {"other.json": {}})
    assert sorted(os.listdir(folder)) == ["manifest.json", "other.json"]
    assert os.listdir(folder.parent) == ["saved"]


def test_a_folder_of_somebody_else_is_never_replaced(tmp_path):
    (tmp_path / "holiday.mp4").write_bytes(b"video")
    with pytest.raises(InputError, match="files that playworld did not write"):
        write_folder(tmp_path, TENSORS, DOCUMENTS)
    assert os.listdir(tmp_path) == ["holiday.mp4"]


def test_a_folder_of_another_kind_is_never_replaced(folder):
    policy = {"policy.safetensors": TENSORS["model.safetensors"]}
    with pytest.raises(InputError, match=r"holds model.safetensors, where policy.safetensors"):
        write_folder(folder, policy, {})
    with pytest.raises(InputError, match="another kind of folder"):
        refuse_foreign(folder, policy)
    assert "model.safetensors" in read_folder(folder).names
    write_folder(folder, TENSORS, {})
    assert read_folder(folder).names == ["model.safetensors"]


@pytest.mark.parametrize(
    "manifest",
    [
        '{"manifest_version": 3, "name": "an extension"}',
        '{ // with a comment\n "manifest_version": 3}',
        '{"files": {"main.js": "/static/main.js"}}',
        '{"files": {"main.js": null}}',
        "\ufeff{}",
        "",
    ],
)
def test_a_folder_whose_manifest_is_another_programs_is_never_replaced(tmp_path, manifest):
    (tmp_path / "manifest.json").write_text(manifest, "utf-8")
    with pytest.raises(InputError, match="files that playworld did not write"):
        write_folder(tmp_path, TENSORS, DOCUMENTS)
    assert (tmp_path / "manifest.json").read_text("utf-8") == manifest


def test_a_folder_of_ours_with_a_damaged_manifest_can_be_written_anew(folder):
    (folder / "manifest.json").write_text("{")
    write_folder(folder, TENSORS, {})
    assert read_folder(folder).names == ["model.safetensors"]


def test_a_place_where_no_folder_can_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="no folder can be made at .*file cannot be written"):
        refuse_foreign(tmp_path / "file" / "policies" / "first", TENSORS)


def test_loose_results_go_into_a_folder_of_their_own(folder, tmp_path):
    with pytest.raises(InputError, match="a world or another finished folder"):
        results_folder(folder)
    assert results_folder(tmp_path / "deep" / "results").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file, where a folder"):
        results_folder(tmp_path / "file")


def test_a_link_that_leads_to_itself_is_refused_before_the_work(tmp_path):
    (tmp_path / "world").symlink_to("world")
    with pytest.raises(InputError, match="leads to itself"):
        refuse_foreign(tmp_path / "world", TENSORS)


def test_a_file_is_never_replaced_by_a_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file"):
        write_folder(tmp_path / "file", TENSORS, DOCUMENTS)


def test_a_disk_that_fails_leaves_the_old_folder_and_says_what_was_needed(folder):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError, match=rf"cannot save {folder} \(2\d{{4}} bytes needed\)"):
            write_folder(folder, {}, {"big.bin": bytes(20_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert read_folder(folder).json("config.json") == {"fps": 10.0}
    assert os.listdir(folder.parent) == ["saved"]


def test_what_a_dead_writer_left_is_cleared_and_a_living_one_is_not_disturbed(tmp_path):
    dead = tmp_path / ".world.playworld-tmp-00000000"
    dead.mkdir()
    with new_folder(tmp_path / "world") as living:
        write_folder(tmp_path / "other", TENSORS, DOCUMENTS)
        assert living.exists() and not dead.exists()
    assert sorted(os.listdir(tmp_path)) == ["other", "world"]


def rewrite_for_ever(folder: Path, said: Connection) -> None:
    for i in itertools.count():
        write_folder(folder, {}, {"step.json": i, "payload.bin": bytes([i % 256]) * 200_000})
        said.send(i)


def test_a_kill_at_any_moment_leaves_the_newest_committed_folder(tmp_path):
    for attempt in range(4):
        heard, said = CONTEXT.Pipe(duplex=False)
        writer = start(rewrite_for_ever, tmp_path / "run", said)
        said.close()
        steps = [heard.recv() for _ in range(5)]
        time.sleep(0.013 * attempt)  # another moment of a save each time
        writer.kill()
        with suppress(EOFError, OSError):  # what it had sent, the last of it perhaps in part
            while True:
                steps.append(heard.recv())
        writer.join()
        assert read_folder(tmp_path / "run").json("step.json") >= steps[-1]
    write_folder(tmp_path / "run", {}, {"step.json": 0})
    assert os.listdir(tmp_path) == ["run"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bias": None}, "w: tensor bias is missing"),
        ({"extra": torch.zeros(1)}, "w: tensor extra is not part of this model"),
        (
            {"weight": torch.zeros(3, 2)},
            r"w: tensor weight should have shape \[2, 3\], got \[3, 2\]",
        ),
        ({"bias": torch.zeros(2).long()}, "w: tensor bias should be torch.float32, got"),
    ],
)
def test_tensors_that_are_not_the_models_are_named(change, message):
    tensors = {"weight": torch.zeros(2, 3), "bias": torch.zeros(2), **change}
    tensors = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    with pytest.raises(InputError, match=message):
        load_into(nn.Linear(3, 2), tensors, "w")


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_module_takes_weights_stored_in_half_precision(device):
    module = nn.Linear(3, 2, device=device)
    load_into(module, {"weight": torch.ones(2, 3).half(), "bias": torch.ones(2).half()}, "w")
    assert module(torch.ones(3)).tolist() == [4.0, 4.0] and module.weight.dtype == torch.float32


def test_the_hash_of_parameters_knows_values_shapes_and_names_but_no_order():
    a, b = torch.zeros(4), torch.ones(2, 2, dtype=torch.bfloat16)
    same = params_sha256({"a": a, "b": b})
    assert params_sha256({"b": b, "a": a}) == same
    others = [{"a": a, "b": b.T.reshape(4)}, {"a": a, "c": b}, {"a": a + 1e-30, "b": b}]
    assert same not in [params_sha256(other) for other in others]
