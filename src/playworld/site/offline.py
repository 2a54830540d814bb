"""What makes a site installable and keeps it offline: manifest, icons, service worker."""

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files

from PIL import Image, ImageDraw

from playworld.images import to_png

PAPER, COIN = "#15202b", "#f2b233"
ICONS = {"192.png": (192, 27), "512.png": (512, 73), "maskable.png": (512, 56)}
"""Width of each icon and of one of the 7 x 7 squares it is drawn with, pixels. A system cuts a
maskable one to its own shape."""


def web_manifest(name: str) -> bytes:
    """What a browser has to know to install the site as an app of this name."""
    icons = [
        {
            "src": f"icons/{file}",
            "sizes": f"{width}x{width}",
            "type": "image/png",
            "purpose": "maskable" if file == "maskable.png" else "any",
        }
        for file, (width, _) in ICONS.items()
    ]
    manifest = {
        "name": name,
        "short_name": name[:12].strip(),
        "id": "./",
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "background_color": PAPER,
        "theme_color": PAPER,
        "icons": icons,
    }
    return json.dumps(manifest, ensure_ascii=False).encode()


def icon(width: int, square: int) -> bytes:
    """The coin of the wordmark as a PNG."""
    picture = Image.new("RGB", (width, width), PAPER)
    draw, margin = ImageDraw.Draw(picture), (width - 7 * square) // 2
    for left, top, right, bottom in [(2, 1, 5, 6), (1, 2, 6, 5)]:
        corners = [margin + square * side for side in (left, top, right, bottom)]
        draw.rectangle((corners[0], corners[1], corners[2] - 1, corners[3] - 1), COIN)
    return to_png(picture)


def service_worker(version: str, hashes: Mapping[str, str], later: list[str]) -> bytes:
    """The script that keeps these files, given by path with their SHA-256.

    Those of `later` are kept when they are used, the others at the first visit. All but the
    documents and what installs the site lie in the folder `version`.
    """
    script = (files("playworld.site") / "page/sw.js").read_text()
    constants = {"VERSION": version, "FILES": hashes, "LATER": later}
    lists = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in constants.items())
    return f"{lists}\n{script}".encode()


def sha256(content: bytes) -> str:
    """Hash of a file as browsers write it, in base64."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()
