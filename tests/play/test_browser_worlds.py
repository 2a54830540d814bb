"""From a link to a game on a server of several worlds with a token: in a real Chromium."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from .browser_page import expect_frame, tap
from .conftest import Served

pytestmark = pytest.mark.browser

TOKEN = "open-sesame-42"


@pytest.fixture(scope="module")
def served(world_folder):
    with Served(world_folder, copies=2, token=TOKEN, root_path="/worlds") as served:
        yield served


@pytest.fixture
def page(browser, served):
    page = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True).new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{served.url}worlds/")
    yield page
    page.context.close()


def findings(page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]


def give(page, token: str) -> None:
    page.get_by_label("Token").fill(token)
    page.keyboard.press("Enter")


def test_a_token_and_the_keyboard_lead_to_a_game_and_back(page):
    assert findings(page) == []
    give(page, "something-else")
    expect(page.get_by_role("alert")).to_contain_text("not the token")
    assert findings(page) == []
    give(page, TOKEN)
    expect(page.locator("#worlds > li")).to_have_count(2)
    assert findings(page) == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect_frame(page, 0)
    assert page.url.endswith("/worlds/w/tiny-2/")
    tap(page, "1")
    page.get_by_role("link", name="All worlds").click()
    expect(page.locator("#worlds > li")).to_have_count(2)
    page.locator("#worlds > li").first.tap()  # another world: the game of the first is no concern
    expect_frame(page, 0)
    page.go_back()
    page.goto(page.url + "w/tiny-2/")
    expect_frame(page, 1)


def test_a_link_on_another_site_leads_in_whoever_has_been_let_in(page):
    give(page, TOKEN)
    expect(page.locator("#worlds > li")).to_have_count(2)
    page.goto(f"data:text/html,<a href='{page.url}w/tiny/'>a game</a>")
    page.get_by_role("link").click()
    expect_frame(page, 0)
