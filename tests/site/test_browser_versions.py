"""A site that is exported again while it is open, in a real Chromium: no page mixes versions."""

import json
import re
import shutil
from pathlib import Path
from typing import ClassVar

import pytest
from playwright.sync_api import Page, expect

from playworld.site.export import write_site
from tests.play.browser_page import replay_link, strip
from tests.play.conftest import make_world
from tests.play.local_site import Plain, hosted

pytestmark = [
    pytest.mark.browser,
    pytest.mark.needs("onnxruntime"),
    pytest.mark.needs("onnxruntime_web"),
]
PATIENCE = 60_000
PRESSES = [0, 1, 3]
LINK = replay_link(make_world(), PRESSES)
KEPT = """async () => {
  const stores = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
  const requests = await Promise.all(stores.map((store) => store.keys()));
  return requests.flat().map(({ url }) => decodeURIComponent(url));
}"""
FORGET = """async (hash) => {
  const [name] = await caches.keys();
  const store = await caches.open(name);
  for (const request of await store.keys()) {
    if (decodeURIComponent(request.url).endsWith(hash)) await store.delete(request);
  }
}"""
INSTALLED = "navigator.serviceWorker.ready.then(() => true)"
"""All that the first version keeps is there: a later one takes away what the host had of it."""
UPDATED = """async () => {
  const found = await navigator.serviceWorker.getRegistration();
  await found.update();
  return found.installing === null && found.waiting === null && found.active.state === "activated";
}"""


class Host(Plain):
    asked: ClassVar[list[str]] = []
    """Addresses."""

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()


@pytest.fixture(scope="module")
def versions(tmp_path_factory) -> list[Path]:
    """The same site with one world, and with another one of this name."""
    folders = [tmp_path_factory.mktemp("version") for _ in range(2)]
    for seed, folder in enumerate(folders):
        write_site([make_world(seed)], folder, "fp32")
    return folders


@pytest.fixture(scope="module")
def films(browser, versions) -> list[bytes]:
    """What each version plays for the presses of the link, opened alone."""
    found = []
    for folder in versions:
        with hosted(folder, Plain) as url, browser.new_context() as context:
            page = context.new_page()
            page.goto(url + LINK)
            found.append(film(page))
    assert found[0] != found[1]
    return found


@pytest.fixture
def site(versions, tmp_path) -> Path:
    return shutil.copytree(versions[0], tmp_path / "site")


@pytest.fixture
def page(browser, site):
    """The older version, on which a game of the link has been played."""
    Host.asked.clear()
    with hosted(site, Host) as url, browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(url + LINK)
        expect_frame(page, len(PRESSES))
        assert page.evaluate(INSTALLED)
        yield page


def expect_frame(page: Page, number: int) -> None:
    frame = page.locator("#screen")
    expect(frame).to_have_attribute("data-frame", str(number), timeout=PATIENCE)


def film(page: Page) -> bytes:
    """All frames of the game, once all presses of the link are played."""
    expect_frame(page, len(PRESSES))
    return strip(page)


def open_link(page: Page, link: str = LINK) -> None:
    """Play it after a visit to another site."""
    url = page.url.partition("#")[0]
    page.goto("about:blank")
    page.goto(url + link)


def export_again(site: Path) -> None:
    """As `playworld export WORLD SITE` with the other world."""
    write_site([make_world(1)], site, "fp32")


def update(page: Page) -> None:
    """The browser finds the new version, loads what it keeps of it, and puts it in charge."""
    for _ in range(PATIENCE // 100):
        if page.evaluate(UPDATED):
            return
        page.wait_for_timeout(100)
    raise AssertionError("the new version is not there")


def hashes(site: Path) -> dict[str, str]:
    """Those of the files of a version by their paths in its folder."""
    found = json.loads((site / "site.json").read_bytes())["files"]
    return {re.sub("^[0-9a-f]{12}/", "", name): digest for name, digest in found.items()}


def kept(page: Page) -> set[str]:
    """Hashes of the files that the browser keeps."""
    return {url.partition("?")[2] for url in page.evaluate(KEPT)} - {""}


def test_from_the_next_load_on_the_new_version_is_played_also_offline(page, site, films):
    old, runtime = hashes(site), [path for path in Host.asked if "/ort/" in path]
    export_again(site)
    open_link(page)
    assert film(page) == films[0]  # the browser looks for a new version once a page is there
    update(page)
    assert strip(page) == films[0]  # not within the page
    open_link(page)
    assert film(page) == films[1]
    assert kept(page) <= set(hashes(site).values())
    assert old["world/decode.onnx"] not in kept(page)
    assert [path for path in Host.asked if "/ort/" in path] == runtime  # it has not changed
    page.context.set_offline(True)
    open_link(page)
    assert film(page) == films[1]


def test_a_page_that_stays_open_plays_and_saves_the_old_version(page, site, films):
    open_link(page, replay_link(make_world(), PRESSES[:-1]))
    expect_frame(page, len(PRESSES) - 1)
    old = hashes(site)
    export_again(site)
    update(page)
    other = page.context.new_page()
    other.goto(page.url + LINK)
    assert film(other) == films[1]
    page.bring_to_front()
    page.keyboard.press(str(PRESSES[-1] + 1))
    assert film(page) == films[0]  # a script that makes files is loaded only now
    page.close()
    other.reload()
    assert film(other) == films[1]
    assert old["world/decode.onnx"] not in kept(other)


def test_a_page_that_lacks_a_part_of_the_old_version_takes_none_of_the_new_one(page, site, films):
    page.evaluate(FORGET, hashes(site)["world/predict.onnx"])
    export_again(site)
    open_link(page)
    said = page.locator("#notice")
    expect(said).to_contain_text("lacks its file world/predict.onnx", timeout=PATIENCE)
    expect(said).to_contain_text("load this page again")
    update(page)
    open_link(page)
    assert film(page) == films[1]
