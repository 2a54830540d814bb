"""From video files to a world that is played, on the page of a real Chromium."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from playworld.play import PlayOptions, serve
from playworld.play.making import Making, jobs
from playworld.play.making.options import MakingOptions
from playworld.world import World
from tests.processes import CONTEXT, start

from .browser_page import expect_frame, tap

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = 120_000
"""Milliseconds that a command may take to start and to do its work."""


def serve_making(folder, worlds, url) -> None:
    """What the server's process runs; other tests take the processors from who waits for them."""
    jobs.NICENESS = 0
    making = Making(MakingOptions(worlds_folder=worlds, making_from=str(folder)), World.load)
    serve(World.load(folder), PlayOptions(port=0), url.send, making=making)


@pytest.fixture(scope="module")
def address(tiny_world, tmp_path_factory):
    heard, url = CONTEXT.Pipe(duplex=False)
    process = start(serve_making, tiny_world, tmp_path_factory.mktemp("made"), url)
    yield heard.recv()
    process.terminate()
    process.join(timeout=60)


@pytest.fixture
def page(browser, address):
    page = browser.new_context(viewport={"width": 360, "height": 740}).new_page()
    page.set_default_timeout(30_000)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(address)
    page.get_by_role("link", name="Make a world of your own videos").click()
    yield page
    page.context.close()
    assert page.complaints == []


def findings(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]


def add(page: Page, title: str, *files) -> None:
    expect(page.locator("#drop")).to_be_visible()
    page.get_by_label("What it is called").fill(title)
    page.set_input_files("#pick", files)


def test_nothing_can_be_chosen_before_the_script_has_come(page):
    page.route("**/page/make.js", lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("heading", name="Videos")).to_be_visible()
    expect(page.get_by_role("button", name="Record the camera")).to_be_hidden()


def test_what_is_no_video_is_not_sent_and_a_damaged_one_is_named(page, tmp_path):
    (tmp_path / "notes.txt").write_text("no video")
    (tmp_path / "broken.mp4").write_bytes(b"no video either")
    add(page, "Broken", tmp_path / "notes.txt", tmp_path / "broken.mp4")
    expect(page.get_by_text("1 of 2 files are no videos")).to_be_visible()
    expect(page.locator("#how")).to_contain_text("broken.mp4", timeout=LONG)
    page.get_by_role("button", name="Delete it").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="Make a world", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Broken")).to_have_count(0)


def test_the_camera_is_recorded(page):
    page.get_by_role("button", name="Record the camera").click()
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.locator("#recorder")).to_contain_text("1 seconds")
    page.get_by_role("button", name="Stop and use it").click()
    expect(page.locator("#files")).to_contain_text("camera ")
    expect(page.locator("#files .size")).to_contain_text("kB")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator("#work-facts")).to_be_hidden(timeout=LONG)
    page.get_by_role("button", name="Take camera").click()
    expect(page.locator("#files li")).to_have_count(0)


def test_videos_become_a_world_that_is_played(page, videos):
    add(page, "Tiles", *sorted(videos.glob("*.mp4")))
    expect(page.get_by_role("heading", name="Tiles")).to_be_visible()
    expect(page.locator("#seen-facts")).to_contain_text("4 files of 4 used", timeout=LONG)
    expect(page.get_by_role("button", name="Make it")).to_be_visible(timeout=LONG)
    assert findings(page) == []
    page.get_by_label("Minutes of your own").fill("1")
    page.evaluate("document.getElementById('own-minutes').value = 0.1")  # less than people may ask
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.reload()  # nothing is lost with the page
    page.get_by_role("button", name="Go on").or_(page.get_by_role("button", name="Make it")).click(
        timeout=LONG
    )
    expect(page.locator("#figures-table")).to_contain_text("a copy", timeout=LONG)
    assert findings(page) == []
    page.get_by_role("link", name="All worlds").click()
    page.get_by_role("link", name="Tiles").click()
    expect_frame(page, 0)
    tap(page, "1")
