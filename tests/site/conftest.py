"""A tiny world, a site of it, and a host of static files."""

import functools
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
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


class Files(SimpleHTTPRequestHandler):
    """What `python -m http.server` does, in silence."""

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """An empty folder, and the address at which its files are served."""
    folder = tmp_path_factory.mktemp("host")
    handler = functools.partial(Files, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()
