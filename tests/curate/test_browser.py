"""The page for labelling in a real Chromium: keys are really pressed."""

import json
import signal
import subprocess
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(mixture, tmp_path_factory):
    """The command itself: its address, and the file that it writes."""
    file = tmp_path_factory.mktemp("labelled") / "labels.json"
    command = [sys.executable, "-m", "playworld", "curate", "label", str(mixture)]
    command += ["--labels", str(file), "--port", "0", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    yield process.stdout.readline().split(" at ")[1].split()[0], file
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0 and f"next: playworld curate train {mixture} {file}" in said


@pytest.fixture
def page(browser, served):
    address, _ = served
    page = browser.new_page(viewport={"width": 900, "height": 800})
    page.set_default_timeout(15_000)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    while page.request.post(f"{address}api/v1/undo").json()["place"] is not None:
        pass  # what the test before has left
    page.goto(address)
    shown(page, 0)
    yield page
    page.close()
    assert page.complaints == []


def shown(page: Page, place: int) -> None:
    expect(page.locator("body")).to_have_attribute("data-place", str(place))


def saved(page: Page) -> None:
    expect(page.locator("body")).to_have_attribute("data-saving", "0")


def stored(file) -> list[int | None]:
    return [e["label"] for e in json.loads(file.read_text())["labels"]] if file.exists() else []


def press(page: Page, *keys: str) -> None:
    for key in keys:
        place = int(page.get_attribute("body", "data-place"))
        page.keyboard.press(key)
        shown(page, place + 1)


def picture(page: Page) -> str:
    return page.evaluate("document.getElementById('screen').toDataURL()")


def test_a_key_labels_and_the_next_stretch_is_there(page, served):
    first = picture(page)
    press(page, "5", "1", "s", "3")
    saved(page)
    assert stored(served[1]) == [5, 1, None, 3]
    expect(page.locator("#done")).to_have_text("3 labelled, 1 skipped, of 66")
    expect(page.locator("[data-label='5'] i")).to_have_text("1")
    assert picture(page) != first


def test_a_stretch_runs_in_a_loop_until_it_is_paused(page):
    for _ in range(22):  # as far as a sliding camera: stills stand still
        if page.inner_text("#about").split()[1].startswith("slide"):
            break
        press(page, "1")
    before = picture(page)
    page.wait_for_function("p => document.getElementById('screen').toDataURL() !== p", arg=before)
    page.keyboard.press("Space")
    still = picture(page)
    page.wait_for_timeout(400)
    assert picture(page) == still


def test_one_can_go_back_and_change_a_label(page, served):
    press(page, "5", "5", "5")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    shown(page, 1)
    expect(page.locator("[data-label='5']")).to_have_attribute("aria-pressed", "true")
    press(page, "2")
    saved(page)
    assert sorted(stored(served[1])) == [2, 5, 5]
    expect(page.locator("[data-label='5']")).to_have_attribute("aria-pressed", "true")


def test_undo_takes_the_last_label_back_and_shows_its_stretch(page, served):
    press(page, "5", "4")
    page.keyboard.press("u")
    shown(page, 1)
    saved(page)
    assert stored(served[1]) == [5]
    expect(page.locator("[aria-pressed='true'][data-label]")).to_have_count(0)
    page.keyboard.press("Control+z")
    shown(page, 0)
    page.keyboard.press("u")
    expect(page.locator("#note")).to_have_text("There is nothing to undo.")


def test_labelling_goes_on_after_the_page_was_closed(page):
    press(page, "5", "4")
    saved(page)
    page.reload()
    shown(page, 2)
    expect(page.locator("#done")).to_have_text("2 labelled, 0 skipped, of 66")


def test_a_label_that_cannot_be_saved_is_said_and_taken_back(page, served):
    file = served[1]
    press(page, "5")
    saved(page)
    away = file.parent.rename(file.parent.with_name("away"))
    page.keyboard.press("4")
    expect(page.locator("#note")).to_contain_text("Not saved")
    away.rename(file.parent)
    shown(page, 1)
    expect(page.locator("#done")).to_have_text("1 labelled, 0 skipped, of 66")
    press(page, "4")
    saved(page)
    assert stored(file) == [5, 4]
    assert page.complaints == []


def test_fast_fingers_lose_nothing(page, served):
    for number in range(40):
        press(page, "12345"[number % 5])
    saved(page)
    assert stored(served[1]) == [1, 2, 3, 4, 5] * 8


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_on_the_page(page, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 740})
    press(page, "4")
    page.keyboard.press("ArrowLeft")
    shown(page, 0)
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], node["html"]) for rule in found for node in rule["nodes"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert all(button.bounding_box()["height"] >= 44 for button in page.locator("button").all())
