"""Writing worlds as a folder of static files."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from playworld import __version__
from playworld.atomic import new_folder
from playworld.config import InputError
from playworld.manifest import refuse_sealed
from playworld.manifest.listing import safe_name
from playworld.onnx.choice import choose_precision
from playworld.onnx.export import export_world, files_of, graph_models
from playworld.onnx.layout import Precision
from playworld.play.api import description
from playworld.play.options import PlayOptions
from playworld.play.pages import page_files
from playworld.play.served import names_of
from playworld.site import fetch
from playworld.site.offline import ICONS, icon, service_worker, sha256, web_manifest
from playworld.site.pages import MANIFEST_FILE, Place, list_page, world_page
from playworld.site.sizes import Download, downloads
from playworld.site.space import space_card
from playworld.world import World

LIST_FILE = "site.json"
"""Names the files of a site with their hashes: the next export replaces these, and no others."""

LATER = (".onnx", ".wasm", ".mjs", ".txt")
"""Graphs, the runtime and its licences: a browser that plays needs some of them."""


@dataclass(frozen=True)
class Exported:
    """A world of a site that was written."""

    name: str
    precision: Precision
    """How its weights are stored."""
    download: Download
    """What a browser loads to play it."""


def write_site(
    worlds: Sequence[World],
    folder: Path,
    precision: Precision | None = None,
    space: bool = False,
) -> list[Exported]:
    """Write worlds, the page and what computes frames in it, replacing an older site there.

    Args:
        worlds: of one, the page is `index.html`; of several, that is a page to choose from.
        folder: the site.
        precision: how weights are stored; if not given, `choose_precision` says it.
        space: add the README.md of a static Space of the Hugging Face Hub.

    Raises:
        InputError: where ONNX Runtime Web or the extra `onnx` is not installed, a world is too
            large, or nothing can be written there.
    """
    check_runtime()
    refuse_sealed(folder)
    places, names = _places(worlds), [world.config.name for world in worlds]
    with new_folder(folder, own_files) as stage:
        parts, stored = stage / "parts", []
        for world, place in zip(worlds, places, strict=True):
            stored.append(_write_world(world, parts / place.folder, precision))
        _write_files(parts, _parts())
        version = _version(parts)
        parts.rename(stage / version)
        _write_files(stage, _entries(worlds, places, version))
        if space:
            (stage / "README.md").write_text(space_card(names), encoding="utf-8")
        _write_lists(stage, version)
        sizes = downloads(stage, version, places)
    return [Exported(*parts) for parts in zip(names, stored, sizes, strict=True)]


def check_runtime() -> None:
    """Raise InputError where ONNX Runtime Web is not part of this installation."""
    if not fetch.is_fetched():
        raise InputError(
            "ONNX Runtime Web is not part of this installation: install Node.js with npm, and run "
            "python -m playworld.site.fetch"
        )


def own_files(folder: Path) -> Collection[str]:
    """The files of an older site or export in a folder, without those that were changed since."""
    found = {*files_of(folder), LIST_FILE}
    with suppress(OSError, ValueError, KeyError, AttributeError):
        for name, digest in json.loads((folder / LIST_FILE).read_bytes())["files"].items():
            path = folder / safe_name(name, folder)
            inside = path.resolve() == folder.resolve() / name  # and not behind a link
            if inside and path.is_file() and sha256(path.read_bytes()) == digest:
                found.add(name)
    return found


def _places(worlds: Sequence[World]) -> list[Place]:
    if len(worlds) == 1:
        return [Place("index.html", "world/")]
    return [Place(f"play-{name}.html", f"worlds/{name}/") for name in names_of(worlds)]


def _write_world(world: World, folder: Path, precision: Precision | None) -> Precision:
    """The graphs, the prompts, and what the page asks a server for otherwise."""
    graphs = graph_models(world)
    stored = precision or choose_precision(world, graphs)
    folder.parent.mkdir(parents=True, exist_ok=True)
    export_world(world, folder, stored, graphs)
    names = [name for name, _ in world.prompts()]
    text = json.dumps(description(world, names, PlayOptions()), ensure_ascii=False)
    (folder / "page.json").write_text(text, encoding="utf-8")
    (folder / "card.md").write_text(world.card, encoding="utf-8")
    return stored


def _parts() -> dict[str, bytes]:
    """What documents load: the page, the worker that computes its frames, and the runtime."""
    page = {k: v for k, v in page_files().items() if not k.startswith("make")}
    found = {f"page/{k}": v for k, v in page.items() if not k.endswith(".html")}
    worker = files("playworld.play") / "worker"
    found |= {f"worker/{file.name}": file.read_bytes() for file in worker.iterdir()}
    own = files("playworld.site")
    found["start.js"] = (own / "page/start.js").read_bytes()
    found |= {f"ort/{name}": (fetch.FOLDER / name).read_bytes() for name in fetch.names()}
    found["ort/LICENSE.txt"] = (own / "LICENSE-onnxruntime.txt").read_bytes()
    return found | {f"ort/{path.name}": path.read_bytes() for path in _notices()}


def _entries(worlds: Sequence[World], places: Sequence[Place], version: str) -> dict[str, bytes]:
    """What browsers ask for by a name that stays: the documents, and what installs the site."""
    several = len(worlds) > 1
    found = {place.page: world_page(place, several, version) for place in places}
    if several:
        found["index.html"] = list_page(worlds, places, version)
    found[MANIFEST_FILE] = web_manifest("Playworld" if several else worlds[0].config.name)
    return found | {f"icons/{name}": icon(*sizes) for name, sizes in ICONS.items()}


def _write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


def _hashes(folder: Path) -> dict[str, str]:
    paths = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    return {name: sha256(path.read_bytes()) for name, path in paths.items()}


def _version(folder: Path) -> str:
    """A name for these files: no page ever finds those of another version at its addresses."""
    return hashlib.sha256(json.dumps(_hashes(folder)).encode()).hexdigest()[:12]


def _notices() -> Iterator[Path]:
    """Licences of what ONNX Runtime is made of: they come with its package for Python alone."""
    package = find_spec("onnxruntime")
    for place in (package and package.submodule_search_locations) or []:
        yield from Path(place).glob("ThirdPartyNotices.txt")


def _write_lists(stage: Path, version: str) -> None:
    """The service worker, and the list of all files."""
    hashes = _hashes(stage)
    worker = service_worker(version, hashes, [name for name in hashes if name.endswith(LATER)])
    (stage / "sw.js").write_bytes(worker)
    listed = {"playworld": __version__, "files": hashes | {"sw.js": sha256(worker)}}
    (stage / LIST_FILE).write_text(json.dumps(listed, indent=1), encoding="utf-8")
