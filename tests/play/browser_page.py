"""A page in a real Chromium, and what a player does with it."""

import base64
import json
import zlib

from playwright.sync_api import Browser, Page, expect

from playworld.world import World

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3, "has_touch": True}
COLUMN = 6
"""Width of a frame on the film, in CSS pixels; also the margin before the first."""
PRESS = """(key) => {
  const event = { key, code: `Digit${key}`, bubbles: true, cancelable: true };
  document.body.dispatchEvent(new KeyboardEvent("keydown", event));
  document.body.dispatchEvent(new KeyboardEvent("keyup", event));
}"""
"""Down and up at once: between two commands to a busy browser the key would be held."""
SEED = 7
"""Of a game from a replay link."""


def open_page(browser: Browser, url: str, **device) -> Page:
    page = browser.new_context(**device).new_page()
    page.set_default_timeout(15_000)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("response", lambda answer: answer.ok or page.complaints.append(answer.url))
    page.goto(url)
    expect(page.locator("#screen")).to_have_attribute("data-frame", "0")
    return page


def picture(page: Page) -> str:
    """The pixels on the screen."""
    return page.evaluate("document.getElementById('screen').toDataURL()")


def frame(page: Page) -> int:
    return int(page.get_attribute("#screen", "data-frame"))


def node(page: Page) -> int:
    return int(page.get_attribute("#screen", "data-node"))


def wait_for_frame(page: Page, number: int) -> None:
    page.wait_for_function(
        "n => Number(document.getElementById('screen').dataset.frame) >= n", arg=number
    )


def tap(page: Page, key: str) -> None:
    """One frame of a button, by its digit; what other keys do is a matter of what has the focus."""
    number = frame(page)
    if key.isdigit():
        page.evaluate(PRESS, key)
    else:
        page.keyboard.press(key)
    wait_for_frame(page, number + 1)


def tap_all(page: Page, keys: str) -> list[str]:
    """The pictures that come of it, and the one before."""
    pictures = [picture(page)]
    for key in keys:
        tap(page, key)
        pictures.append(picture(page))
    return pictures


def stays_still(page: Page) -> bool:
    """Whether no frame comes any more, once those under way are there."""
    for _ in range(4):
        number = frame(page)
        page.wait_for_timeout(400)
        if frame(page) == number:
            return True
    return False


def click_film(page: Page, number: int, from_top: int = 20) -> None:
    """Go to a frame on the film, and take the mouse away."""
    box = page.locator("#roll").bounding_box()
    page.mouse.click(box["x"] + COLUMN * (number + 1.5), box["y"] + from_top)
    page.mouse.move(1, 1)


def expect_frame(page: Page, number: int) -> None:
    expect(page.locator("#screen")).to_have_attribute("data-frame", str(number))


def expect_node(page: Page, number: int) -> None:
    expect(page.locator("#screen")).to_have_attribute("data-node", str(number))


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def replay_link(world: World, actions: list[int], **changes: object) -> str:
    """The end of an address that replays these presses from the first picture."""
    link = {
        "format": 1,
        "name": world.config.name,
        "sha256": world.sha256,
        "version": "0",
        "prompt": ["prompt:0"],
        "seed": SEED,
        "samplers": [],
        "actions": [[action, 1] for action in actions],
    }
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(json.dumps(link | changes).encode()) + packer.flush()
    return "#replay=" + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def download(page: Page, name: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=name, exact=True).click()
    return download.value.path().read_bytes()


def strip(page: Page) -> bytes:
    """All frames of the game in one PNG."""
    open_tab(page, "Share")
    page.locator("#share-scale").select_option("1")
    return download(page, "Strip (PNG)")
