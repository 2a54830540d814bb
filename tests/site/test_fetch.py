"""ONNX Runtime Web comes with npm when the project is built, and is checked."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from playworld.site import fetch


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files go, in place of the package."""
    monkeypatch.setattr(fetch, "FOLDER", tmp_path / "ort")
    return tmp_path / "ort"


def use_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program of this name, and no other, on the path."""
    npm = folder / "bin/npm"
    npm.parent.mkdir()
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent), prepend=os.pathsep)


def test_without_npm_nothing_is_fetched_and_the_reason_is_given(folder, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(fetch.CannotFetch, match="npm is not installed"):
        fetch.fetch()
    assert not folder.exists()


def test_without_a_network_nothing_is_fetched_and_the_reason_is_given(
    folder, tmp_path, monkeypatch
):
    use_npm(tmp_path, monkeypatch, "exit 1")
    with pytest.raises(fetch.CannotFetch, match="npm cannot download onnxruntime-web"):
        fetch.fetch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin"]


def test_another_package_under_the_name_is_refused(folder, tmp_path, monkeypatch):
    use_npm(tmp_path, monkeypatch, "echo other > onnxruntime-web.tgz")
    with pytest.raises(fetch.CannotFetch, match="not the package it should be"):
        fetch.fetch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin"]


def test_of_the_package_only_the_files_that_are_used_are_kept(folder, tmp_path, monkeypatch):
    package = tmp_path / "package.tgz"
    with tarfile.open(package, "w:gz") as members:
        for name in [*fetch.FILES, "dist/ort.all.min.js"]:
            content = b'{"version": "%s"}' % fetch.VERSION.encode()
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(fetch, "SHA512", fetch.sha512(package.read_bytes()))
    use_npm(tmp_path, monkeypatch, f"cp {package} .")
    assert not fetch.is_fetched()
    fetch.fetch()
    assert fetch.is_fetched()
    assert sorted(path.name for path in folder.iterdir()) == sorted(fetch.names())
