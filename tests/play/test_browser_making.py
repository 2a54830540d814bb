"""From video files to a world that is played, on the page of a real Chromium."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from playworld.cli.label import naming_page
from playworld.play import PlayOptions, serve
from playworld.play.making import Making, jobs
from playworld.play.making.options import MakingOptions
from playworld.world import World
from tests.processes import CONTEXT, start

from .browser_page import tap, wait_for_frame

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = 120_000
"""Milliseconds that a command may take to start and to do its work."""


def serve_making(folder, worlds, url) -> None:
    """What the server's process runs; other tests take the processors from who waits for them."""
    jobs.NICENESS = 0
    options = MakingOptions(worlds_folder=worlds, making_from=str(folder))
    making = Making(options, World.load, naming_page)
    serve(World.load(folder), PlayOptions(port=0), url.send, making=making)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of worlds."""
    return tmp_path_factory.mktemp("made")


@pytest.fixture(scope="module")
def address(tiny_world, made):
    heard, url = CONTEXT.Pipe(duplex=False)
    process = start(serve_making, tiny_world, made, url)
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
    page.wait_for_load_state()  # with half of its style sheets the page hides nothing
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


def make(page: Page, minutes: float) -> None:
    """Give so many minutes, fewer than people may ask for, and wait for the figures."""
    page.get_by_label("Minutes of your own").fill("1")
    page.evaluate("m => { document.getElementById('own-minutes').value = m; }", minutes)
    page.get_by_role("button", name="Make it").or_(further(page)).click()


def look_again_at_a_late_picture(page: Page) -> None:
    """Nothing is there to be pressed before it, as it would move from under the pointer."""
    late = []
    page.route("**/sheet*", lambda route: late.append(route))
    with page.expect_request("**/sheet*"):
        page.reload(wait_until="commit")
    expect(page.get_by_role("button", name="Make it")).to_be_hidden()
    late[0].continue_()
    expect(page.get_by_role("button", name="Make it")).to_be_visible()
    page.unroute("**/sheet*")


def further(page: Page):
    return page.get_by_role("button", name="Train it further")


def name_buttons(page: Page) -> list[str]:
    """Give every moment the key x; returns what the buttons are called where one plays."""
    page.get_by_role("link", name="Name its buttons").click()
    expect(page.locator("#done")).to_contain_text("moment 1 of ")
    while page.locator("#skip").is_enabled():
        place = int(page.locator("body").get_attribute("data-place"))
        page.keyboard.press("x")
        expect(page.locator("body")).to_have_attribute("data-place", str(place + 1))
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(8)
    assert findings(page) == []
    page.get_by_role("link", name="Play it").click()
    expect(page.get_by_role("link", name="Name its buttons")).to_be_visible()
    world = page.request.get(f"{page.url}api/v1/world").json()
    return [button["label"] for button in world["buttons"]]


def test_videos_become_a_world_that_is_played_named_and_trained_further(page, videos, made):
    add(page, "Tiles", *sorted(videos.glob("*.mp4")))
    expect(page.get_by_role("heading", name="Tiles")).to_be_visible()
    expect(page.locator("#seen-facts")).to_contain_text("4 files of 4 used", timeout=LONG)
    expect(page.get_by_role("button", name="Make it")).to_be_visible(timeout=LONG)
    assert findings(page) == []
    look_again_at_a_late_picture(page)
    make(page, 0.1)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.reload()  # nothing is lost with the page
    page.get_by_role("button", name="Go on").or_(page.get_by_role("button", name="Make it")).click(
        timeout=LONG
    )
    expect(page.locator("#figures-table")).to_contain_text("a copy", timeout=LONG)
    assert findings(page) == []
    address = page.url
    page.get_by_role("link", name="All worlds").click()
    assert "x" in name_buttons(page)
    page.goto(address)
    before = json.loads((made / "tiles/run/budget.json").read_text())
    assert before["world_steps"] == 0, "it is what it started from"
    seconds = 2 * before["measuring"] + 70 * before["seconds_per_step"]
    make(page, (before["spent"] + seconds) / 60 - 0.1)
    expect(page.locator("#bar")).to_be_visible(timeout=LONG)
    expect(further(page)).to_be_visible(timeout=LONG)
    after = json.loads((made / "tiles/run/budget.json").read_text())
    assert after["world_steps"] >= 40 and after["round"] == 2
    assert "x" in {button.label for button in World.load(made / "tiles/world").buttons}
    page.get_by_role("link", name="All worlds").click()
    page.get_by_role("link", name="Tiles").click()
    wait_for_frame(page, 0)
    tap(page, "1")
