"""Takes the pictures of the page in docs/images: page-play, page-draw, page-phone and page-worlds.

    python runs/draw_page.py

It serves the built-in world on a free port, and plays it through Playwright in the Chromium on the
path, or else in Playwright's own.
"""

import subprocess
import sys
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, expect, sync_playwright

IMAGES = Path(__file__).parent.parent / "docs" / "images"
PHONE = {"width": 390, "height": 844}


def _open_page(browser: Browser, url: str, width: int, height: int, **device: bool | int) -> Page:
    page = browser.new_page(viewport={"width": width, "height": height}, **device)
    page.goto(url)
    _wait_for_frame(page, 0)
    return page


def _wait_for_frame(page: Page, number: int) -> None:
    page.wait_for_function(
        "n => Number(document.getElementById('screen').dataset.frame) === n", arg=number
    )


def _choose(page: Page, name: str) -> None:
    picture = page.get_by_role("button", name=name)
    picture.click()
    expect(picture).to_have_attribute("aria-pressed", "true")  # its game has begun


def _play(page: Page, start: int, keys: str) -> None:
    for number, key in enumerate(keys, start + 1):
        page.keyboard.press(key)
        _wait_for_frame(page, number)


def _click_film(page: Page, number: int) -> None:
    box = page.locator("#roll").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 6 * (number + 1.5), box["y"] + 20)
    page.mouse.move(1, 1)
    _wait_for_frame(page, number)


def draw_desk(browser: Browser, url: str) -> None:
    """A game with two branches, and the drawing board."""
    page = _open_page(browser, url, 1180, 790)
    _choose(page, "Picture 06")
    _play(page, 0, "8" * 12)
    _click_film(page, 4)
    _play(page, 4, "4" * 3 + "1" * 9)
    _click_film(page, 2)
    _play(page, 2, "1" * 4 + "4" * 2 + "1" * 3 + "3" * 12)
    page.wait_for_timeout(1000)
    page.screenshot(path=IMAGES / "page-play.png")
    page.get_by_role("button", name="Draw", exact=True).click()
    page.get_by_role("button", name="Ground and figure").click()
    page.screenshot(path=IMAGES / "page-draw.png")


def draw_phone(browser: Browser, url: str) -> None:
    """The same on a phone."""
    phone = {"has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    page = _open_page(browser, url, **PHONE, **phone)
    _choose(page, "Picture 06")
    _play(page, 0, "1" * 4 + "4" * 2 + "1" * 3)
    page.wait_for_timeout(1000)
    page.screenshot(path=IMAGES / "page-phone.png")


def draw_worlds(browser: Browser, url: str) -> None:
    """The page of all worlds."""
    page = browser.new_page(viewport={"width": 1180, "height": 480})
    page.goto(f"{url}worlds/")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / "page-worlds.png")


def main() -> None:
    """Serve the built-in worlds and take their pictures."""
    command = [sys.executable, "-m", "playworld", "play", "--no-browser", "--port", "0"]
    with (
        TemporaryDirectory() as none,  # worlds of one's own would be on the page of all
        subprocess.Popen(
            [*command, "--worlds-folder", none], stdout=subprocess.PIPE, text=True
        ) as server,
    ):
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split(" at ")[1].split()[0]
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=which("chromium"))
                draw_desk(browser, url)
                draw_phone(browser, url)
                draw_worlds(browser, url)
                browser.close()
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
