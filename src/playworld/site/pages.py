"""The documents of a site: those of the server, which start the engine in the browser."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from playworld.markup import Html, join, tag
from playworld.play.pages import document
from playworld.play.world_list import MARK, card
from playworld.world import World

MANIFEST_FILE = "manifest.webmanifest"
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; "
    "img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'"
)
"""Nothing is asked of another host, whatever a world's card says."""
HTML = '<html lang="en">'


@dataclass(frozen=True)
class Place:
    """Where a world lies in a site."""

    page: str
    """Name of its document."""
    folder: str
    """Of its graphs and pictures in the folder of the version, with a slash at the end."""


def world_page(place: Place, several: bool, version: str) -> bytes:
    """The page on which a world is played, from the files in the folder of the version."""
    page = document("index.html").decode()
    world = f"{version}/{place.folder}"
    page = _put(page, HTML, f'<html lang="en" data-engine="local" data-world="{world}">')
    if several:
        page = _put(page, 'id="worlds" href="../../"', 'id="worlds" href="./"')
        page = _put(page, 'title="All worlds of this server" hidden', 'title="All worlds"')
    return _started(page, "page/play.js", version)


def list_page(worlds: Sequence[World], places: Sequence[Place], version: str) -> bytes:
    """The page on which one of several worlds is chosen."""
    page, cards = document("worlds.html").decode(), []
    for world, place in zip(worlds, places, strict=True):
        names = [name for name, _ in world.prompts()]
        prompts = f"{version}/{place.folder}prompts"
        picture = f"{prompts}/{quote(names[0])}.png" if names else None
        cards.append(card(world.config, world.card, place.page, picture))
    return _started(_put(page, MARK.decode(), join(cards)), "page/worlds.js", version)


def _started(page: str, script: str, version: str) -> bytes:
    """A document that can be installed, and that starts its script under the service worker."""
    head = [
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        Html(f'<link rel="manifest" href="{MANIFEST_FILE}">'),
        Html('<link rel="apple-touch-icon" href="icons/192.png">'),
    ]
    page = _put(page, "<head>", "\n  ".join(["<head>", *head]))
    plain = f'<script type="module" src="{script}"></script>'
    start = f'<script type="module" src="{version}/start.js" data-then="./{script}"></script>'
    return _put(page, plain, start).replace('="page/', f'="{version}/page/').encode()


def _put(page: str, old: str, new: str) -> str:
    assert page.count(old) == 1, f"the page has no {old}"
    return page.replace(old, new)
