"""axe-core finds nothing on the page, and every control says what it is for."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from .browser_page import expect_frame, open_page, open_tab, tap_all
from .conftest import picture_bytes

pytestmark = pytest.mark.browser

DESK = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture(params=["desk light", "desk dark", "phone light", "phone dark"])
def page(request, browser, served):
    where, scheme = request.param.split()
    device = DESK if where == "desk" else PHONE
    page = open_page(browser, served.url, color_scheme=scheme, reduced_motion="reduce", **device)
    yield page
    page.context.close()


def findings(page: Page) -> str:
    page.wait_for_timeout(50)
    return "\n".join(
        f"{rule['id']}: {node['html']}"
        for rule in Axe().run(page).response["violations"]
        for node in rule["nodes"]
    )


def test_axe_finds_nothing_on_the_page(page):
    assert findings(page) == ""
    tap_all(page, "12")
    page.keyboard.press(",")
    expect_frame(page, 1)
    tap_all(page, "3")  # a branch
    page.locator("summary").click()
    page.keyboard.press("p")  # a note
    page.keyboard.down("1")  # a button that is held
    for name in ("Start from", "Time", "Share", "Settings"):
        open_tab(page, name)
        if name == "Share":
            page.get_by_role("button", name="Copy a replay link").click()
            page.get_by_role("button", name="Record from here").click()
        if name == "Start from":
            page.get_by_role("button", name="Several pictures as one prompt").click()
        assert findings(page) == "", name


def test_axe_finds_nothing_in_full_screen_and_under_a_notice(page):
    page.get_by_role("button", name="Full screen").click()
    expect(page.locator(".drawer")).to_be_hidden()
    assert findings(page) == ""
    page.get_by_role("button", name="Full screen").click()
    upload = {"name": "a.png", "mimeType": "", "buffer": picture_bytes(1)}
    page.set_input_files("#file", [upload])
    page.get_by_role("button", name="Delete your picture 1").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert findings(page) == ""


def test_axe_finds_nothing_in_a_dialog(page):
    for opener in ("What do they do?", "Help", "About this world", "Draw", "Camera"):
        page.get_by_role("button", name=opener).click()
        expect(page.locator("dialog[open]")).to_be_visible()
        if opener.startswith("What"):
            expect(page.locator("#sheet canvas").first).to_be_visible()
        assert findings(page) == "", opener
        page.keyboard.press("Escape")
    picture = {"name": "a.png", "mimeType": "", "buffer": picture_bytes(1, (300, 100))}
    page.set_input_files("#file", [picture])
    expect(page.locator("#crop")).to_be_visible()
    assert findings(page) == ""


def test_every_control_says_what_it_is_for(browser, served):
    page = open_page(browser, served.url)
    page.get_by_role("button", name="Draw").click()  # its colours are made when it opens
    page.get_by_role("button", name="Cancel").click()
    silent = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, summary, [tabindex='0']")]
        .filter((e) => !e.title && !e.hasAttribute("aria-describedby"))
        .map((e) => e.outerHTML.slice(0, 90)).join("\\n")"""
    )
    assert silent == ""
    page.context.close()
