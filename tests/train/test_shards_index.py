"""Shards of a model: played without a pickle, and read without running what one may hold."""

import os
import pickle
import shutil
import warnings

import pytest
import torch
import torch.distributed.checkpoint as dcp

from playworld.cli import main
from playworld.config import InputError
from playworld.manifest import MANIFEST, own_files, record_of, write_manifest
from playworld.train.checkpoints import checkpoints, newest, played_weights, read_parts
from playworld.train.preview import world_of_run


class Command:
    """Runs a command when it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.fixture
def sharded(tiny_world, tmp_path):
    """The run of the tiny world, its checkpoint of the world stage written as shards."""
    run = shutil.copytree(tiny_world.parent / "run", tmp_path / "run")
    folder = newest(run / "world")
    parts = read_parts(folder)
    for name in own_files(folder.path) - {"state.json", MANIFEST}:
        (folder.path / name).unlink()
    tensors = {f"{part}/{name}": t for part, group in parts.items() for name, t in group.items()}
    with warnings.catch_warnings(action="ignore"):  # torch.distributed is disabled, as is meant
        dcp.save(tensors, storage_writer=dcp.FileSystemWriter(folder.path), no_dist=True)
    seal(folder.path)
    return run, parts


def seal(path):
    write_manifest(path, {p.name: record_of(p) for p in path.iterdir() if p.name != MANIFEST})


def poison(run, flag):
    path = checkpoints(run / "world")[-1]
    (path / ".metadata").write_bytes(pickle.dumps(Command(f"touch {flag}")))
    seal(path)


def test_shards_are_read_as_they_were_written(sharded):
    run, parts = sharded
    found = read_parts(newest(run / "world"))
    assert all(torch.equal(found[p][n], t) for p, group in parts.items() for n, t in group.items())


def test_playing_shards_of_somebody_else_asks_for_trust(sharded):
    run, parts = sharded
    with pytest.raises(InputError, match="say --trust-run"):
        world_of_run(run)
    ours = dict(world_of_run(run, trusted=True).dynamics.named_parameters())
    assert all(torch.equal(t, parts["average"][f"dynamics.{n}"]) for n, t in ours.items())


@pytest.mark.parametrize("words", [[], ["--trust-run"]])
def test_what_a_pickle_names_is_never_run(words, sharded, tmp_path):
    run, _ = sharded
    poison(run, tmp_path / "flag")
    assert main(["play", str(run), "--port", "0", "--no-browser", *words]) == 2
    with pytest.raises(InputError, match="not the index of a checkpoint: it names posix.system"):
        read_parts(newest(run / "world"))
    with pytest.raises(InputError):
        played_weights(newest(run / "world"))
    assert not (tmp_path / "flag").exists()
