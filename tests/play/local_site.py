"""A world as static files, on a web server that computes nothing."""

import functools
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playworld.onnx.export import export_world
from playworld.play import PlayOptions
from playworld.play.api import description
from playworld.play.pages import document
from playworld.site.fetch import FOLDER
from playworld.world import World

PLAY = Path(__file__).parents[2] / "src/playworld/play"


def make_site(world: World, folder: Path) -> Path:
    """The folder that a web host would have."""
    export_world(world, folder / "world")
    names = [name for name, _ in world.prompts()]
    described = description(world, names, PlayOptions())
    (folder / "world/page.json").write_text(json.dumps(described))
    (folder / "world/card.md").write_text(world.card)
    local = b'<html lang="en" data-engine="local" data-world="world/">'
    page = document("index.html").replace(b'<html lang="en">', local)
    (folder / "index.html").write_bytes(page)
    for part in ("page", "worker"):
        shutil.copytree(PLAY / part, folder / part)
    (folder / "ort").symlink_to(FOLDER)
    return folder


class Isolated(SimpleHTTPRequestHandler):
    """With the headers that give a page threads."""

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *args: object) -> None:
        pass


class Plain(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def hosted(folder: Path, handler: type[SimpleHTTPRequestHandler] = Isolated) -> Iterator[str]:
    """The address of a site while it is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
