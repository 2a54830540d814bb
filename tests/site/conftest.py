"""A tiny world, and small files in place of ONNX Runtime Web."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from playworld.site import fetch
from playworld.world import World
from tests.onnx.conftest import unchecked  # noqa: F401
from tests.play.conftest import make_world


@pytest.fixture(scope="package")
def world() -> World:
    """A tiny world with random weights."""
    return make_world()


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Small files in place of ONNX Runtime Web, for sites that no browser opens."""
    folder = tmp_path_factory.mktemp("ort")
    for name in fetch.names():
        (folder / name).write_text("a part of ONNX Runtime Web")
    (folder / "package.json").write_text(json.dumps({"version": fetch.VERSION}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetch, "FOLDER", folder)
        yield folder
