"""Where things stand on the page: on a desk, a wide desk, a phone, and a phone on its side."""

import re

import pytest
from playwright.sync_api import Page, expect

from .browser_page import open_page, open_tab, tap_all
from .conftest import picture_bytes

pytestmark = pytest.mark.browser

TOUCH = {"has_touch": True, "is_mobile": True, "device_scale_factor": 2}
SMALL = [(360, 740), (390, 844), (320, 568), (740, 360), (667, 331), (932, 430)]
WINDOWS = [(1280, 800), (1920, 1080), (320, 568), (740, 360)]


@pytest.fixture
def phone(browser, served):
    page = open_page(browser, served.url, **size(360, 740), **TOUCH)
    yield page
    page.context.close()
    assert page.complaints == []


def size(width: int, height: int) -> dict:
    return {"viewport": {"width": width, "height": height}}


def resize(page: Page, width: int, height: int) -> bool:
    """Once the page has been laid out anew: true, to be used in a comprehension."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return True


def box(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).first.bounding_box()
    assert found is not None, selector
    return found


def end(found: dict[str, float]) -> float:
    return found["y"] + found["height"]


def covered(page: Page) -> float:
    """The share of the game's screen that the note lies over."""
    expect(page.locator("#note")).not_to_have_text("")
    note, screen = box(page, "#note"), box(page, "#screen")
    wide = min(note["x"] + note["width"], screen["x"] + screen["width"]) - max(
        note["x"], screen["x"]
    )
    high = min(end(note), end(screen)) - max(note["y"], screen["y"])
    return max(0, wide) * max(0, high) / (screen["width"] * screen["height"])


def covers_little(page: Page) -> bool:
    shares = [covered(page) for window in WINDOWS if resize(page, *window)]
    return shares[0] > 0 and max(shares) <= 0.2


@pytest.mark.parametrize("code", [None, 1012, 4408, 4410, 4429, 4500, 4503])
def test_a_note_covers_a_fifth_of_the_screen_at_most(browser, served, code):
    page = browser.new_page()
    sockets = []

    def hold(socket):
        sockets.append(socket)
        socket.connect_to_server() if len(sockets) == 1 else socket.close(code=code)

    page.route_web_socket(re.compile("socket"), hold)
    page.goto(served.url)
    expect(page.locator("#screen")).to_have_attribute("data-frame", "0")
    sockets[0].close(code=code)
    assert covers_little(page)
    page.close()


def test_a_pause_covers_a_fifth_of_the_screen_at_most(browser, served):
    page = open_page(browser, served.url)
    page.keyboard.press("p")
    assert covers_little(page)
    page.context.close()


def test_a_server_that_does_not_answer_is_a_note_too(browser, served):
    page = browser.new_context(**size(320, 568)).new_page()
    page.route("**/api/v1/world", lambda route: route.abort())
    page.goto(served.url)
    expect(page.locator("#note")).to_contain_text("does not answer")
    assert covered(page) <= 0.2
    page.context.close()


def test_every_button_is_above_the_fold_of_a_phone_beside_the_screen(phone):
    for wide, high in SMALL:
        resize(phone, wide, high)
        screen = box(phone, "#screen")
        buttons = phone.locator(".play button, .play select").all()
        boxes = [button.bounding_box() for button in buttons if button.is_visible()]
        assert len(boxes) >= 12
        assert max(map(end, [screen, *boxes])) <= high, (wide, high)
        assert all(found["height"] >= 44 and found["width"] >= 44 for found in boxes)
        assert screen["height"] >= 0.3 * high
        if wide > high:
            assert all(found["x"] >= screen["x"] + screen["width"] for found in boxes)


def test_whatever_a_finger_presses_is_44_pixels_high(phone):
    tap_all(phone, "1")
    phone.set_input_files("#file", [{"name": "a.png", "mimeType": "", "buffer": picture_bytes(1)}])
    expect(phone.get_by_role("button", name="Your picture 1", exact=True)).to_be_visible()
    for name in ("Start from", "Time", "Share", "Settings"):
        open_tab(phone, name)
        for window in SMALL:
            resize(phone, *window)
            low = phone.evaluate(
                """() => [...document.querySelectorAll(
                    "button, .button, select, input:not(.unseen)"
                )].filter((e) => e.offsetParent && e.getBoundingClientRect().height < 44)
                .map((e) => e.outerHTML)"""
            )
            assert low == [], (name, window)


def test_a_chosen_picture_brings_screen_and_buttons_into_view(phone):
    for window in [(360, 740), (320, 568), (740, 360)]:
        resize(phone, *window)
        for name in ("Picture 03", "Picture 02"):
            picture = phone.get_by_role("button", name=name, exact=True)
            picture.scroll_into_view_if_needed()
            assert phone.evaluate("scrollY") > 0
            assert box(phone, "#screen")["y"] >= 0  # in view all along
            picture.tap()
            expect(picture).to_have_attribute("aria-pressed", "true")
            phone.wait_for_timeout(200)
            assert phone.evaluate("scrollY") == 0
            assert max(end(box(phone, "#screen")), end(box(phone, ".controls"))) <= window[1]


def test_quick_taps_do_not_zoom_and_long_ones_select_nothing(phone):
    assert (
        phone.evaluate("getComputedStyle(document.documentElement).touchAction") == "manipulation"
    )
    for selector in ("#screen", "#pad .label", "#pause", "#pad-title", "#rate"):
        style = "e => getComputedStyle(e).userSelect"
        assert phone.locator(selector).first.evaluate(style) == "none", selector


def test_own_pictures_come_first_and_above_the_fold(browser, served):
    page = open_page(browser, served.url, **size(1280, 800))
    page.evaluate("document.getElementById('paste').hidden = false")
    for name in ("Draw", "Camera", "Paste"):
        assert end(page.get_by_role("button", name=name, exact=True).bounding_box()) <= 800
    assert end(box(page, "label.button")) <= 800
    assert end(box(page, ".own")) <= box(page, "#gallery")["y"]
    page.context.close()


def test_a_wide_window_is_used(browser, served):
    page = open_page(browser, served.url, **size(1920, 1080))
    assert box(page, "#screen")["width"] >= 768
    stage, drawer = box(page, "#stage"), box(page, ".drawer")
    assert drawer["x"] + drawer["width"] - stage["x"] >= 1600
    assert end(box(page, ".meter")) <= 1080
    page.context.close()


def test_nothing_sticks_out_at_any_width(browser, served):
    page = open_page(browser, served.url)
    for name in ("Start from", "Time", "Share", "Settings"):
        open_tab(page, name)
        for width in (320, 360, 768, 819, 820, 1024, 1280, 1479, 1480, 1920, 2560):
            resize(page, width, 800)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
    page.context.close()


def test_full_screen_shows_the_world_alone_and_escape_leaves(browser, served):
    page = open_page(browser, served.url, **size(1280, 800))
    before = box(page, "#screen")["width"]
    page.keyboard.press("f")
    expect(page.locator(".drawer")).to_be_hidden()
    assert page.evaluate("document.fullscreenElement !== null")
    page.wait_for_function("w => document.getElementById('screen').offsetWidth > w", arg=before)
    tap_all(page, "12")
    page.evaluate("document.exitFullscreen()")  # as Escape does, which a page never hears then
    expect(page.locator(".drawer")).to_be_visible()
    assert box(page, "#screen")["width"] == before
    page.context.close()


def test_full_screen_fills_the_window_where_the_browser_refuses_it(phone):
    page = phone
    page.evaluate("Element.prototype.requestFullscreen = undefined")
    page.get_by_role("button", name="Full screen").tap()
    expect(page.locator(".drawer")).to_be_hidden()
    assert max(end(box(page, "#screen")), end(box(page, ".controls"))) <= 740
    page.keyboard.press("Escape")
    expect(page.locator(".drawer")).to_be_visible()
