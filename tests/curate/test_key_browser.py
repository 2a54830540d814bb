"""The page for naming buttons in a real Chromium: keys are really pressed."""

import json
import shutil
import subprocess
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from playworld.world import World

pytestmark = pytest.mark.browser


@pytest.fixture
def world(tiny_world, tmp_path):
    return shutil.copytree(tiny_world, tmp_path / "world")


@pytest.fixture
def page(browser, world, clips):
    """The page of the command itself."""
    command = [sys.executable, "-m", "playworld", "label", str(world), str(clips), "--count", "4"]
    command += ["--keys", "x=attack", "--port", "0", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    page = browser.new_page(viewport={"width": 900, "height": 800}, has_touch=True)
    page.complaints, page.process = [], process
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(process.stdout.readline().split(" at ")[1].split()[0])
    shown(page, 0)
    yield page
    page.close()
    process.kill()
    process.communicate()
    assert page.complaints == []


def shown(page, place: int) -> None:
    expect(page.locator("body")).to_have_attribute("data-place", str(place))
    expect(page.locator("body")).to_have_attribute("data-saving", "0")


def test_keys_and_touch_name_the_buttons_of_a_world(page, world):
    page.wait_for_selector(".screen[data-now]")
    for place, key in enumerate(["ArrowLeft", "Tab"], start=1):
        page.keyboard.press(key)
        shown(page, place)
    page.keyboard.press("Backspace")
    shown(page, 1)
    page.keyboard.press("x")
    shown(page, 2)
    page.tap("text=jump")
    shown(page, 3)
    page.fill("#other", "q")
    shown(page, 4)
    expect(page.locator("#done")).to_have_text("moment 4 of 4, 4 with a key")
    document = json.loads(world.with_name("world.keys.json").read_text())
    assert [label["key"] for label in document["labels"]] == ["left", "attack", "jump", "q"]
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(8)
    assert page.process.wait(timeout=60) == 0
    named = [button.label for button in World.load(world).buttons]
    assert [row.split("\t")[1] for row in page.locator("tbody tr").all_inner_texts()] == named
    assert {"left", "attack", "jump", "q"} & set(named)
    assert "next: playworld play" in page.process.stdout.read()


def test_axe_finds_nothing_on_the_page_of_a_phone(page):
    page.set_viewport_size({"width": 360, "height": 740})
    page.keyboard.press("ArrowLeft")
    shown(page, 1)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page).response["violations"]
        assert [(rule["id"], node["html"]) for rule in found for node in rule["nodes"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert all(button.bounding_box()["height"] >= 44 for button in page.locator("button").all())
