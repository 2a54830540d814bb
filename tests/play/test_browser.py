"""The page in a real Chromium: keys are really pressed, pictures really looked at.

Debian's package is called chromium; any Chromium or Chrome on the path will do.
"""

import base64
import re
import shutil

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from .conftest import BUTTONS, Served, picture_bytes

CHROMIUM = next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome", "chrome"])),
    None,
)
QUIET = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
--disable-background-networking --disable-component-update"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3, "has_touch": True}


@pytest.fixture(scope="module")  # Playwright's loop would be in the way of other modules' loops
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=QUIET.split()
        )
        yield browser
        browser.close()


def open_page(browser: Browser, url: str, **device) -> Page:
    page = browser.new_context(**device).new_page()
    page.set_default_timeout(10_000)
    page.goto(url)
    expect(page.locator("#screen")).to_have_attribute("data-frame", "0")
    return page


@pytest.fixture
def page(browser, served):
    page, complaints = open_page(browser, served.url), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.context.close()
    assert complaints == []


def picture(page: Page) -> str:
    """The pixels on the screen."""
    return page.evaluate("document.getElementById('screen').toDataURL()")


def frame(page: Page) -> int:
    return int(page.get_attribute("#screen", "data-frame"))


def wait_for_frame(page: Page, number: int) -> None:
    page.wait_for_function(
        "n => Number(document.getElementById('screen').dataset.frame) >= n", arg=number
    )


def tap(page: Page, key: str) -> None:
    number = frame(page)
    page.keyboard.press(key)
    wait_for_frame(page, number + 1)


def test_it_opens_with_the_first_picture_of_the_world(page):
    expect(page.get_by_role("button", name="Picture 01")).to_have_attribute("aria-pressed", "true")
    colours = page.evaluate(
        """() => new Set(document.getElementById('screen').getContext('2d')
        .getImageData(0, 0, 64, 64).data).size"""
    )
    assert colours > 20


def test_a_tap_on_a_digit_makes_one_frame(page):
    before = picture(page)
    tap(page, "3")
    page.wait_for_timeout(400)  # four frames' time, in which nothing more may happen
    assert frame(page) == 1 and picture(page) != before


def test_a_held_arrow_goes_on_until_it_is_let_go(page):
    pictures = {picture(page)}
    page.keyboard.down("ArrowRight")
    for number in (5, 10, 15, 20):
        wait_for_frame(page, number)
        pictures.add(picture(page))
    page.keyboard.up("ArrowRight")
    page.wait_for_timeout(300)
    stopped = frame(page)
    page.wait_for_timeout(400)
    assert len(pictures) == 5 and frame(page) == stopped


def test_a_held_button_keeps_the_worlds_clock(page):
    page.keyboard.down("2")
    wait_for_frame(page, 5)
    first, start = frame(page), page.evaluate("performance.now()")
    page.wait_for_timeout(2000)
    rate = 1000 * (frame(page) - first) / (page.evaluate("performance.now()") - start)
    page.keyboard.up("2")
    assert 3 < rate < 11.5


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (["ArrowLeft"], "Button 1: left"),
        (["KeyD"], "Button 2: right"),
        (["KeyW"], "Button 3: jump"),
        (["ArrowDown"], "Button 4: fall"),
        (["ArrowRight", "ArrowUp"], "Button 5: leap"),
        (["ArrowLeft", "KeyW"], "Button 3: jump"),
        (["8"], "Button 8: eight"),
    ],
)
def test_keys_hold_the_button_that_their_arrow_or_number_says(page, keys, name):
    for key in keys:
        page.keyboard.down(key)
    held = page.locator(".key[data-held]")
    expect(held).to_have_count(1)
    expect(held).to_have_attribute("aria-label", name)
    for key in keys:
        page.keyboard.up(key)
    expect(held).to_have_count(0)


def test_the_mouse_holds_a_button(page):
    page.get_by_role("button", name="Button 4: fall").hover()
    page.mouse.down()
    wait_for_frame(page, 3)
    page.mouse.up()
    expect(page.locator(".key[data-held]")).to_have_count(0)


def test_a_finger_presses_a_button(browser, served):
    page = open_page(browser, served.url, **PHONE, is_mobile=True)
    page.get_by_role("button", name="Button 2: right").tap()
    wait_for_frame(page, 1)
    page.context.close()


def test_the_keyboard_alone_reaches_and_presses_a_button(page):
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Button 1: left")).to_be_focused()
    tap(page, "Space")
    tap(page, "Enter")
    assert frame(page) == 2


def test_a_pause_holds_the_world_still(page):
    page.keyboard.down("2")
    wait_for_frame(page, 2)
    page.keyboard.press("p")
    expect(page.get_by_role("status")).to_have_text("Paused")
    page.wait_for_timeout(300)
    stopped = frame(page)
    page.wait_for_timeout(400)
    assert frame(page) == stopped
    page.keyboard.press("p")
    wait_for_frame(page, stopped + 2)


def test_start_over_brings_the_same_pictures_for_the_same_buttons(page):
    def play() -> list[str]:
        pictures = [picture(page)]
        for key in "1234":
            tap(page, key)
            pictures.append(picture(page))
        return pictures

    first = play()
    page.keyboard.press("r")
    expect(page.locator("#screen")).to_have_attribute("data-frame", "0")
    assert play() == first


def test_keep_going_holds_the_last_button(page):
    page.get_by_role("button", name="Keep going").click()
    tap(page, "2")
    wait_for_frame(page, 5)
    page.keyboard.press("k")
    page.wait_for_timeout(300)
    stopped = frame(page)
    page.wait_for_timeout(400)
    assert frame(page) == stopped


def test_another_picture_starts_another_game(page):
    tap(page, "1")
    before = picture(page)
    page.get_by_role("button", name="Picture 03").click()
    expect(page.locator("#screen")).to_have_attribute("data-frame", "0")
    expect(page.get_by_role("button", name="Picture 03")).to_have_attribute("aria-pressed", "true")
    assert picture(page) != before


def test_a_picture_of_ones_own_can_be_played(page):
    before = picture(page)
    file = {"name": "mine.jpg", "mimeType": "image/jpeg"}
    page.set_input_files("#file", {**file, "buffer": picture_bytes(7, (300, 200), "JPEG")})
    mine = page.get_by_role("button", name="Your picture")
    expect(mine).to_have_attribute("aria-pressed", "true")
    page.wait_for_function(
        "before => document.getElementById('screen').toDataURL() !== before", arg=before
    )
    tap(page, "2")
    page.get_by_role("button", name="Picture 02").click()
    mine.click()
    expect(mine).to_have_attribute("aria-pressed", "true")


def test_a_picture_can_be_dropped_on_the_page(page):
    drop = """data => {
        const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([bytes], "mine.png", { type: "image/png" }));
        for (const type of ["dragover", "drop"]) {
            document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true }));
        }
    }"""
    page.evaluate(drop, base64.b64encode(picture_bytes(8)).decode())
    mine = page.get_by_role("button", name="Your picture")
    expect(mine).to_have_attribute("aria-pressed", "true")


def test_a_file_that_is_no_picture_is_refused_in_words(page):
    file = {"name": "mine.png", "mimeType": "image/png", "buffer": b"hello"}
    page.set_input_files("#file", file)
    expect(page.get_by_role("alert")).to_contain_text("not a picture that can be read")
    tap(page, "1")


def test_a_reload_goes_on_where_the_game_was(page):
    for key in "123":
        tap(page, key)
    before = picture(page)
    page.reload()
    expect(page.locator("#screen")).to_have_attribute("data-frame", "3")
    assert picture(page) == before
    tap(page, "1")


def test_two_browsers_play_without_disturbing_each_other(browser, served, page):
    other = open_page(browser, served.url)
    tap(page, "1")
    tap(other, "2")
    tap(page, "1")
    assert (frame(page), frame(other)) == (2, 1)
    other.context.close()


def test_a_server_that_goes_and_comes_back_is_noticed(browser, world_folder):
    with Served(world_folder) as first:
        page = open_page(browser, first.url)
        first.stop()
    expect(page.get_by_role("status")).to_have_text("The connection is lost. Trying again.")
    with Served(world_folder, first.port):
        expect(page.get_by_role("status")).to_have_text("", timeout=20_000)
        expect(page.locator("#screen")).to_have_attribute("data-frame", "0")
        tap(page, "1")
        page.context.close()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_sticks_out_at_any_width(browser, served, width):
    page = open_page(browser, served.url, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    keys = page.locator(".key")
    assert all(keys.nth(i).bounding_box()["height"] >= 44 for i in range(len(BUTTONS)))
    page.context.close()


def test_the_frame_is_scaled_by_whole_pixels(page):
    box = page.locator("#screen").bounding_box()
    assert box["width"] % 64 == 0 and box["width"] == box["height"] and box["width"] >= 256
    assert (
        page.locator("#screen").evaluate("e => getComputedStyle(e).imageRendering") == "pixelated"
    )


def test_everything_that_can_be_pressed_has_a_name(page):
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input")].filter((e) =>
        !(e.ariaLabel || e.textContent.trim() || e.labels?.[0]?.textContent.trim())).length"""
    )
    assert unnamed == 0
    for i, name in enumerate(BUTTONS, 1):
        expect(page.get_by_role("button", name=f"Button {i}: {name.split()[0]}")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(browser, served, scheme):
    page = open_page(browser, served.url, color_scheme=scheme)
    names = ["--paper", "--ink", "--muted", "--coin", "--on-coin", "--wrong"]
    colours = page.evaluate(
        "names => names.map((n) => getComputedStyle(document.body).getPropertyValue(n))", names
    )
    paper, ink, muted, coin, on_coin, wrong = map(luminance, colours)
    pairs = [(paper, ink), (paper, muted), (coin, on_coin), (paper, wrong)]
    assert all((max(p) + 0.05) / (min(p) + 0.05) >= 4.5 for p in pairs)
    page.context.close()


def luminance(colour: str) -> float:
    """Relative luminance as the Web Content Accessibility Guidelines define it."""
    parts = [int(part, 16) / 255 for part in re.findall("[0-9a-f]{2}", colour)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
