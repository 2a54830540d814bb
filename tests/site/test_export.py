"""Worlds as folders of static files."""

import json
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from PIL import Image

from playworld.config import InputError
from playworld.onnx import choice
from playworld.onnx.export import graph_models
from playworld.onnx.player import OnnxWorld
from playworld.site.export import own_files, write_site
from playworld.site.offline import sha256
from playworld.site.space import space_card
from playworld.world import World
from tests.play.conftest import make_world

pytestmark = pytest.mark.needs("onnxruntime")


@pytest.fixture(scope="module")
def site(world, runtime, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that no test changes."""
    folder = tmp_path_factory.mktemp("sites") / "site"
    write_site([world], folder, "fp32")
    return folder


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def known(site: Path, name: str) -> Any:
    """What the service worker knows."""
    return json.loads(re.search(f"const {name} = (.*);", (site / "sw.js").read_text())[1])


def parts(site: Path) -> Path:
    """The folder of what documents load."""
    return site / known(site, "VERSION")


def test_a_site_holds_the_page_the_runtime_and_the_world(site: Path):
    assert {"index.html", "manifest.webmanifest", "sw.js"} <= names(site)
    found = names(parts(site))
    assert {"page/play.js", "page/style.css", "start.js"} <= found
    assert {"ort/ort.wasm.min.mjs", "ort/LICENSE.txt", "world/card.md"} <= found
    assert json.loads((parts(site) / "world/page.json").read_bytes())["name"] == "tiny"
    OnnxWorld(parts(site) / "world")


def test_documents_and_scripts_name_only_files_that_are_there(site: Path):
    found, version = names(site), parts(site).name
    page = (site / "index.html").read_text()
    addresses = re.findall(r'(?:href|src)="((?!data:)[^"#]+)"', page)
    addresses += [f"{version}/{a}" for a in re.findall(r'data-then="\./([^"]+)"', page)]
    icons = json.loads((site / "manifest.webmanifest").read_bytes())["icons"]
    addresses += [icon["src"] for icon in icons]
    for path in parts(site).glob("page/*.js"):
        imported = re.findall(r'from "\./(.+?)"', path.read_text())
        addresses += [f"{version}/page/{name}" for name in imported]
    absent = {unquote(address) for address in addresses} - found
    assert len(addresses) > 30 and absent == {"../../"}  # hidden: there is only one world


def test_no_file_of_a_site_names_another_host(site: Path):
    texts = [p for p in site.rglob("*") if p.suffix in (".html", ".js", ".css", ".webmanifest")]
    found = {m for p in texts for m in re.findall(r"https?://[\w.]+", p.read_text())}
    assert len(texts) > 40 and found <= {"http://www.w3.org"}  # the namespace of SVG


def test_the_service_worker_knows_every_other_file(site: Path):
    kept = known(site, "FILES")
    assert kept.keys() == names(site) - {"sw.js", "site.json"}
    assert all(sha256((site / name).read_bytes()) == digest for name, digest in kept.items())


def test_an_app_has_icons_of_the_sizes_it_says(site: Path):
    for icon in json.loads((site / "manifest.webmanifest").read_bytes())["icons"]:
        with Image.open(site / icon["src"]) as picture:
            assert icon["sizes"] == f"{picture.width}x{picture.height}"


def test_a_second_export_replaces_its_own_files_and_keeps_others(site, world, tmp_path: Path):
    again = tmp_path / "again"
    shutil.copytree(site, again)
    shutil.copytree(parts(site) / "world", again, dirs_exist_ok=True)  # as --graphs-only leaves it
    (again / "CNAME").write_text("play.example.org")
    (again / "index.html").write_text("edited by hand")
    write_site([world], again, "fp32")
    added = names(again) - names(site)
    assert added == {"CNAME", "index.html.orig", "card.md", "page.json"}
    assert (again / "index.html.orig").read_text() == "edited by hand"
    assert (again / "index.html").read_text() == (site / "index.html").read_text()


def test_another_version_leaves_no_file_of_the_one_before_at_its_address(
    site, runtime, tmp_path: Path
):
    again = tmp_path / "again"
    shutil.copytree(site, again)
    write_site([make_world(seed=1)], again, "fp32")
    assert parts(again).name != parts(site).name
    assert {path.name for path in again.iterdir() if path.is_dir()} == {parts(again).name, "icons"}


@pytest.mark.parametrize("name", ["../mine.txt", "link/mine.txt", "./mine.txt"])
def test_a_list_of_files_from_elsewhere_names_none_outside(name: str, tmp_path: Path):
    (tmp_path / "site").mkdir()
    for folder in (tmp_path, tmp_path / "site"):
        (folder / "mine.txt").write_text("mine")
    (tmp_path / "site/link").symlink_to(tmp_path)
    listed = {"files": {name: sha256(b"mine")}}
    (tmp_path / "site/site.json").write_text(json.dumps(listed))
    assert own_files(tmp_path / "site") == {"site.json"}


def test_what_is_exported_says_that_it_is_no_world_to_load(site: Path):
    for folder in (site, parts(site) / "world"):
        with pytest.raises(InputError, match="was written by playworld export: open a site with"):
            World.load(folder)


def test_several_worlds_are_behind_a_page_to_choose_from(world, runtime, tmp_path: Path):
    site = tmp_path / "site"
    write_site([world, world], site, "fp32")
    links = re.findall(r'<a href="([^"]+)">tiny</a>', (site / "index.html").read_text())
    assert links == ["play-tiny.html", "play-tiny-2.html"]
    for link, folder in zip(links, ("worlds/tiny/", "worlds/tiny-2/"), strict=True):
        page = (site / link).read_text()
        assert f'data-engine="local" data-world="{parts(site).name}/{folder}"' in page
        assert re.search(r'id="worlds" href="./"[^>]*"All worlds">', page)
        OnnxWorld(parts(site) / folder)


def test_a_space_has_the_headers_that_allow_threads():
    front = yaml.safe_load(space_card(['A "world": 1']).split("---\n")[1])
    assert (front["sdk"], front["title"]) == ("static", 'A "world": 1')
    assert front["custom_headers"]["cross-origin-opener-policy"] == "same-origin"
    assert front["custom_headers"]["cross-origin-embedder-policy"] == "require-corp"


def test_the_smallest_precision_without_a_visible_difference_is_chosen(world, monkeypatch):
    graphs = graph_models(world)
    found = {}
    for least in (float("-inf"), float("inf")):
        monkeypatch.setattr(choice, "LEAST_PSNR", least)
        found[least] = choice.choose_precision(world, graphs)
    assert list(found.values()) == ["int8", "fp32"]


def test_a_world_in_a_world_is_refused(world, runtime, tmp_path: Path):
    world.save(tmp_path / "world")
    with pytest.raises(InputError, match="is a world or another finished folder"):
        write_site([world], tmp_path / "world", "fp32")
