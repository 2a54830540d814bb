"""The page in a real Chromium: keys are really pressed, pictures really looked at.

Debian's package is called chromium; any Chromium or Chrome on the path will do.
"""

import base64
import io
import json
import re
import time
import zipfile
from dataclasses import asdict

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from playworld.play.held import MAX_AHEAD
from playworld.play.layout import layout
from playworld.world import Button

from .browser_page import (
    PHONE,
    click_film,
    expect_frame,
    expect_node,
    frame,
    node,
    open_page,
    open_tab,
    picture,
    stays_still,
    tap,
    tap_all,
    wait_for_frame,
)
from .conftest import BUTTONS, Served, picture_bytes

pytestmark = pytest.mark.browser


def test_it_opens_with_the_first_picture_of_the_world(page):
    expect(page.get_by_role("button", name="Picture 01")).to_have_attribute("aria-pressed", "true")
    colours = page.evaluate(
        """() => new Set(document.getElementById('screen').getContext('2d')
        .getImageData(0, 0, 64, 64).data).size"""
    )
    assert colours > 20


def test_another_prompt_starts_another_game(page):
    before = tap_all(page, "1")[-1]
    page.get_by_role("button", name="Picture 03").click()
    expect_frame(page, 0)
    expect(page.get_by_role("button", name="Picture 03")).to_have_attribute("aria-pressed", "true")
    assert picture(page) != before


def test_a_tap_on_a_digit_makes_one_frame(page):
    before, after = tap_all(page, "3")
    assert stays_still(page) and frame(page) == 1 and after != before


def test_a_held_arrow_goes_on_until_it_is_let_go(page):
    pictures = {picture(page)}
    page.keyboard.down("ArrowRight")
    for _ in range(4):
        wait_for_frame(page, frame(page) + 5)
        pictures.add(picture(page))
    expect(page.locator("#rate")).not_to_have_text("–")
    page.keyboard.up("ArrowRight")
    # Of five pictures of an untrained world two can be the same: with one seed in ten.
    assert len(pictures) > 2 and stays_still(page)
    assert float(page.inner_text("#delay")) > 0


def test_two_frames_of_those_under_way_at_the_release_of_a_key_are_shown(page):
    sockets, late = [], []

    def route(socket):
        sockets.append(socket)
        server = socket.connect_to_server()
        socket.on_message(server.send)
        server.on_message(lambda message: late.append(message))

    def wait_for_late(count: int) -> None:
        while len(late) < count:
            page.wait_for_timeout(20)

    def deliver() -> None:
        while late:
            sockets[-1].send(late.pop(0))

    page.route_web_socket("**/socket", route)
    page.reload()
    while page.get_attribute("#screen", "data-frame") is None:
        deliver()  # that it has joined, then the frame where it is
        page.wait_for_timeout(20)
    expect_frame(page, 0)
    page.keyboard.down("2")
    wait_for_late(MAX_AHEAD)
    page.keyboard.up("2")
    wait_for_late(MAX_AHEAD + 1)  # that it is released
    deliver()
    expect_frame(page, 2)
    page.keyboard.press("1")
    wait_for_late(1)
    deliver()
    expect_node(page, 3)
    assert timeline(page)["nodes"] == [[None, None, 0], [0, 1, 1], [1, 1, 2], [2, 0, 3]]


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (["ArrowLeft"], "Button 1: left"),
        (["KeyD"], "Button 2: right"),
        (["KeyW"], "Button 3: jump"),
        (["ArrowRight", "ArrowUp"], "Button 5: leap"),
        (["ArrowLeft", "KeyW"], "Button 3: jump"),
        (["Digit8"], "Button 8: eight"),
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


def place(page: Page, name: str) -> dict:
    return page.get_by_role("button", name=name).bounding_box()


def test_the_buttons_lie_in_a_cross_and_jump_is_the_largest(page):
    left, right = place(page, "Button 1: left"), place(page, "Button 2: right")
    up, down, diagonal = (place(page, f"Button {n}") for n in (3, 4, 5))
    assert left["x"] < up["x"] == down["x"] < right["x"] == diagonal["x"]
    assert up["y"] == diagonal["y"] < left["y"] == right["y"] < down["y"]
    large = place(page, "Large button: jump")
    assert large["x"] > right["x"] and large["width"] * large["height"] > 2 * 64 * 64
    expect(page.get_by_role("button", name="Button 7: seven")).to_be_visible()
    stays = page.get_by_role("button", name="Button 6: wait")
    expect(stays).to_be_hidden()
    page.get_by_text("1 more button").click()
    expect(stays).to_be_visible()


@pytest.mark.parametrize(
    ("keys", "name"),
    [(["Space"], "Button 3: jump"), (["ArrowRight", "Space"], "Button 5: leap")],
)
def test_space_holds_the_large_button(page, keys, name):
    page.get_by_role("button", name="One frame").click()  # and Space is not its own then
    for key in keys:
        page.keyboard.down(key)
    expect(page.locator(".key[data-held]")).to_have_attribute("aria-label", name)
    expect(page.get_by_role("button", name="Large button")).to_have_attribute("data-held", "")
    for key in keys:
        page.keyboard.up(key)


def test_two_thumbs_jump_to_the_right(browser, served):
    phone = open_page(browser, served.url, **PHONE, is_mobile=True)
    touch = phone.context.new_cdp_session(phone)

    def middle(name: str) -> dict:
        box = place(phone, name)
        return {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}

    def fingers(kind: str, *names: str) -> None:
        points = [{**middle(name), "id": n} for n, name in enumerate(names)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    held = phone.locator(".key[data-held]")
    fingers("touchStart", "Button 2: right")
    expect(held).to_have_attribute("aria-label", "Button 2: right")
    fingers("touchStart", "Button 2: right", "Large button: jump")
    expect(held).to_have_attribute("aria-label", "Button 5: leap")
    fingers("touchMove", "Button 1: left", "Large button: jump")
    expect(held).to_have_attribute("aria-label", "Button 1: left")  # no diagonal: the newer
    fingers("touchEnd")
    expect(held).to_have_count(0)
    phone.context.close()


def serve_buttons(page: Page, *buttons: Button) -> None:
    """The page of the same world, were its buttons these."""

    def answer(route):
        described = route.fetch().json()
        found = {"buttons": [asdict(b) for b in buttons], "layout": asdict(layout(buttons))}
        route.fulfill(json=described | found)

    page.route("**/api/v1/world", answer)
    page.reload()
    wait_for_frame(page, 0)


def test_an_arrow_without_a_button_says_so(page):
    serve_buttons(page, *(Button("go", arrow) for arrow in "←→←→←→←→"))
    page.keyboard.press("ArrowUp")
    expect(page.locator("#note")).to_have_text("No button of this world leads up.")
    tap(page, "ArrowRight")
    expect(page.locator("#note")).to_have_text("")


def test_a_world_without_directions_shows_its_numbers(page):
    serve_buttons(page, *(Button(str(n + 1)) for n in range(8)))
    boxes = [place(page, f"Button {n}") for n in range(1, 9)]
    assert [box["x"] for box in boxes[:4]] == [box["x"] for box in boxes[4:]]
    page.keyboard.press("ArrowUp")
    expect(page.locator("#note")).to_contain_text("press 1 to 8")
    tap(page, "8")


def test_mouse_and_finger_hold_a_button(browser, served, page):
    page.get_by_role("button", name="Button 4: fall").hover()
    page.mouse.down()
    wait_for_frame(page, 3)
    page.mouse.up()
    expect(page.locator(".key[data-held]")).to_have_count(0)
    phone = open_page(browser, served.url, **PHONE, is_mobile=True)
    phone.get_by_role("button", name="Button 2: right").tap()
    wait_for_frame(phone, 1)
    phone.context.close()


def test_the_keyboard_alone_plays_rewinds_and_opens_a_panel(page):
    page.locator("#pad .key").first.focus()
    tap(page, "Space")
    tap(page, "Enter")
    tap(page, "2")
    page.locator("#roll").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#roll")).to_have_attribute("aria-valuetext", "Frame 1, made by left")
    page.keyboard.press("Enter")
    expect_frame(page, 1)
    page.get_by_role("tab", name="Start from").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tabpanel", name="Time")).to_be_visible()


def test_a_key_can_be_bound_anew_and_is_remembered(page):
    open_tab(page, "Settings")
    page.locator("[data-action='button 5']").click()
    page.keyboard.press("j")
    page.reload()
    wait_for_frame(page, 0)
    page.keyboard.down("j")
    expect(page.locator(".key[data-held]")).to_have_attribute("aria-label", "Button 6: wait")
    page.keyboard.up("j")
    page.get_by_role("button", name="Back to the usual keys").click()
    expect(page.locator("[data-action='button 5']")).to_have_text("6")


def test_a_gamepad_plays(page):
    wait_for_frame(page, 0)
    page.evaluate("""() => {
        const buttons = Array.from({ length: 16 }, () => ({ pressed: false }));
        const pad = { id: "Test pad", connected: true, buttons, axes: [1, 0, 0, 0] };
        navigator.getGamepads = () => [pad];
        dispatchEvent(Object.assign(new Event("gamepadconnected"), { gamepad: pad }));
    }""")
    expect(page.locator(".key[data-held]")).to_have_attribute("aria-label", "Button 2: right")
    wait_for_frame(page, 2)
    page.evaluate("() => { navigator.getGamepads()[0].buttons[0].pressed = true; }")
    expect(page.locator(".key[data-held]")).to_have_attribute("aria-label", "Button 5: leap")
    page.evaluate("() => { navigator.getGamepads()[0].axes[0] = 0; }")
    expect(page.locator(".key[data-held]")).to_have_attribute("aria-label", "Button 3: jump")
    page.evaluate("""() => {
        const [a, b] = navigator.getGamepads()[0].buttons;
        [a.pressed, b.pressed] = [false, true];
    }""")
    expect(page.locator(".key[data-held]")).to_have_attribute("aria-label", "Button 7: seven")
    page.evaluate("() => { navigator.getGamepads()[0].buttons[1].pressed = false; }")
    expect(page.locator(".key[data-held]")).to_have_count(0)


def test_a_pause_holds_the_world_still_and_lets_single_frames_through(page):
    page.keyboard.down("2")
    wait_for_frame(page, 2)
    page.keyboard.press("p")
    expect(page.locator("#note")).to_have_text("Paused")
    assert stays_still(page)
    stopped = frame(page)
    page.keyboard.press("p")
    wait_for_frame(page, stopped + 2)
    page.keyboard.up("2")
    page.keyboard.press("p")
    assert stays_still(page)
    tap(page, ".")
    assert stays_still(page)


def test_speed_changes_the_pace_of_a_held_button(page):
    def seconds_for_frames(speed: str) -> float:
        page.select_option("#speed", speed)
        page.keyboard.press("r")
        expect_frame(page, 0)
        begun = time.monotonic()
        page.keyboard.down("2")
        wait_for_frame(page, 8)
        page.keyboard.up("2")
        return time.monotonic() - begun

    slow, fast = seconds_for_frames("0.25"), seconds_for_frames("Infinity")
    assert fast < slow > 7 / (0.25 * 10) - 0.1


def test_keep_going_holds_the_last_button_and_an_agent_plays_alone(page):
    page.get_by_role("button", name="Keep going").click()
    tap(page, "2")
    wait_for_frame(page, 4)
    page.keyboard.press("k")
    assert stays_still(page)
    page.keyboard.press("v")
    expect(page.locator("#badge")).to_have_text("Random play")
    wait_for_frame(page, frame(page) + 4)
    page.keyboard.press("1")  # the player takes over
    expect(page.locator("#badge")).to_have_text("")
    assert stays_still(page)


def test_start_over_brings_the_same_pictures_for_the_same_buttons(page):
    first = tap_all(page, "1234")
    page.keyboard.press("r")
    expect_frame(page, 0)
    assert tap_all(page, "1234") == first
    open_tab(page, "Time")
    page.get_by_role("button", name="Another seed").click()
    expect_node(page, 0)
    assert tap_all(page, "1234") != first


def test_a_rewind_makes_a_branch_and_both_stay_reachable(page):
    line = tap_all(page, "1111")
    click_film(page, 2)
    expect_frame(page, 2)
    assert picture(page) == line[2]
    branch = tap_all(page, "33")
    assert branch[-1] != line[4] and node(page) == 6
    open_tab(page, "Time")
    page.get_by_role("button", name="Branch 1: 2 frames from frame 2 on").click()
    expect_node(page, 4)
    assert picture(page) == line[4]
    click_film(page, 4, from_top=48 + 12 + 6 * len(BUTTONS) + 14)  # the row below the lanes
    expect_node(page, 6)
    assert picture(page) == branch[-1]
    page.keyboard.press(",")
    expect_frame(page, 3)


def test_a_look_at_the_film_shows_the_frame_without_going_there(page):
    line = tap_all(page, "123")
    box = page.locator("#roll").bounding_box()
    page.mouse.move(box["x"] + 6 + 6 * 1 + 3, box["y"] + 20)
    expect(page.locator("#count")).to_have_text("1")
    assert picture(page) == line[1] and frame(page) == 3
    page.mouse.move(1, 1)
    expect(page.locator("#count")).to_have_text("3")
    assert picture(page) == line[3]


def upload(page: Page, *files: bytes) -> None:
    kind = {"name": "mine.jpg", "mimeType": "image/jpeg"}
    page.set_input_files("#file", [{**kind, "buffer": file} for file in files])


def expect_started_from(page: Page, name: str) -> None:
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_have_attribute("aria-pressed", "true")
    expect_frame(page, 0)


def test_a_picture_is_cut_to_the_worlds_shape_and_played(page):
    half = np.zeros((200, 400, 3), np.uint8)
    half[:, 200:] = 255
    file = io.BytesIO()
    Image.fromarray(half).save(file, "PNG")
    upload(page, file.getvalue())
    box = page.locator("#crop .cutting > canvas")
    box.focus()
    for _ in range(8):
        page.keyboard.press("Shift+ArrowRight")
    bounds = box.bounding_box()
    page.mouse.move(bounds["x"] + bounds["width"] * 0.7, bounds["y"] + 50)
    page.mouse.down()
    page.mouse.move(bounds["x"] + bounds["width"] * 0.9, bounds["y"] + 50, steps=3)
    page.mouse.up()
    page.keyboard.press("+")
    page.get_by_role("button", name="Use this part").click()
    expect_started_from(page, "Your picture 1")
    kept = page.get_attribute("[data-key='own:1'] img", "src").split(",")[1]
    white = np.asarray(Image.open(io.BytesIO(base64.b64decode(kept))).convert("L"))
    assert white.shape == (64, 64) and white.min() > 250  # the right half alone
    tap(page, "2")


def test_in_the_crop_dialog_escape_leaves_and_enter_crops(page):
    upload(page, picture_bytes(3, (200, 100)))
    expect(page.locator("#crop")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#crop")).to_be_hidden()
    expect(page.locator("[data-key='own:1']")).to_have_count(0)
    upload(page, picture_bytes(3, (200, 100)))
    page.get_by_label("Zoom").press("Enter")
    expect_started_from(page, "Your picture 1")
    expect(page.locator("#crop")).to_be_hidden()


def test_several_pictures_are_one_prompt(page):
    page.get_by_role("button", name="Several pictures as one prompt").click()
    page.get_by_role("button", name="Picture 02").click()
    page.get_by_role("button", name="Picture 01").click()
    upload(page, picture_bytes(7))  # of the world's size: nothing to cut
    expect(page.get_by_role("button", name="Your picture 1, number 3")).to_be_visible()
    page.get_by_role("button", name="Start from these 3").click()
    first = page.get_by_role("button", name="Picture 02, number 1 of the prompt")
    expect(first).to_have_attribute("aria-pressed", "true")
    expect_frame(page, 0)
    tap(page, "1")
    assert timeline(page)["prompt"] == ["prompt:1", "prompt:0", "upload:0"]


def test_a_seventeenth_picture_finds_room_in_a_new_session(page):
    upload(page, *(picture_bytes(n) for n in range(20, 36)))
    last = page.get_by_role("button", name="Your picture 16, number 16 of the prompt")
    expect(last).to_have_attribute("aria-pressed", "true")
    expect_frame(page, 0)
    upload(page, picture_bytes(36))
    expect_started_from(page, "Your picture 17")
    tap(page, "1")
    assert timeline(page)["prompt"] == ["upload:0"]
    page.complaints = [url for url in page.complaints if not url.endswith("api/v1/picture")]


def timeline(page: Page) -> dict:
    return page.evaluate("""async () => {
        const session = JSON.parse(sessionStorage.getItem("playworld-session"));
        const headers = { "X-Playworld-Session": session };
        return (await fetch("api/v1/timeline", { headers })).json();
    }""")


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_picture_can_be_dropped_or_pasted(page, way):
    give = """([data, way]) => {
        const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
        const files = new DataTransfer();
        files.items.add(new File([bytes], "mine.png", { type: "image/png" }));
        const event = way === "drop"
            ? new DragEvent("drop", { dataTransfer: files, bubbles: true })
            : new ClipboardEvent("paste", { clipboardData: files, bubbles: true });
        document.body.dispatchEvent(event);
    }"""
    page.evaluate(give, [base64.b64encode(picture_bytes(8)).decode(), way])
    expect_started_from(page, "Your picture 1")


def test_the_camera_takes_a_picture(page):
    page.get_by_role("button", name="Camera").click()
    page.wait_for_function("() => document.querySelector('video').videoWidth > 0")
    page.get_by_role("button", name="Take the picture").click()
    page.get_by_role("button", name="Use this part").click()
    expect_started_from(page, "Your picture 1")


def test_a_file_that_is_no_picture_is_refused_in_words(page):
    upload(page, b"hello")
    expect(page.get_by_role("alert")).to_contain_text("not a picture that can be read")
    page.get_by_role("button", name="Put this message away").click()
    tap(page, "1")


def test_a_world_can_be_drawn(browser, served):
    page = open_page(browser, served.url, has_touch=True)
    page.get_by_role("button", name="Draw").click()
    pixels = """() => [...document.getElementById('draw-canvas').getContext('2d')
        .getImageData(0, 0, 64, 64).data].join()"""
    empty = page.evaluate(pixels)
    page.get_by_role("button", name="Colour of the figure").click()
    box = page.locator("#draw-canvas").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 160, steps=5)
    page.mouse.up()
    line = page.evaluate(pixels)
    page.touchscreen.tap(box["x"] + 300, box["y"] + 300)
    dot = page.evaluate(pixels)
    page.get_by_role("button", name="Undo").click()
    assert len({empty, line, dot}) == 3 and page.evaluate(pixels) == line
    page.get_by_role("button", name="Clear").click()
    assert page.evaluate(pixels) == empty
    page.get_by_role("button", name="Ground and figure").click()
    page.get_by_role("button", name="Play in it").click()
    expect_started_from(page, "Your picture 1")
    tap(page, "2")
    page.context.close()
    assert page.complaints == []


def test_the_buttons_are_tried_side_by_side_without_moving(page):
    before = tap_all(page, "1")[-1]
    page.get_by_role("button", name="What do they do?").click()
    expect(page.locator("#sheet canvas")).to_have_count(len(BUTTONS))
    page.get_by_role("button", name="Close", exact=True).click()
    assert frame(page) == 1 and picture(page) == before
    tap(page, "2")


def test_settings_and_seed_reach_the_server(page):
    open_tab(page, "Settings")
    page.fill("#set-seed", "1234")
    page.get_by_role("button", name="Start with this seed").click()
    page.fill("#set-steps", "1")
    page.fill("#set-temperature", "0")
    page.locator("#set-temperature").blur()
    wait_for_frame(page, 0)
    tap(page, "2")
    film = timeline(page)
    assert film["seed"] == 1234 and film["settings"] == {"1": [1, 0]}


def download(page: Page, name: str) -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name).click()
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


def test_a_recording_is_downloaded_in_every_format(page):
    tap_all(page, "11")
    open_tab(page, "Share")
    page.get_by_role("button", name="Record from here").click()
    tap_all(page, "2345")
    page.get_by_role("button", name="Stop recording").click()
    expect(page.locator("#share-range")).to_have_text("Frames 2 to 6, 0.5 seconds.")
    page.select_option("#share-scale", "2")
    name, data = download(page, "Video (MP4)")
    assert name == "tiny-2-6.mp4"
    with av.open(io.BytesIO(data)) as video:
        frames = list(video.decode(video=0))
    assert len(frames) == 5 and frames[0].width == 128
    gif = Image.open(io.BytesIO(download(page, "GIF")[1]))
    assert gif.n_frames == 5 and gif.size == (128, 128)
    strip = Image.open(io.BytesIO(download(page, "Strip (PNG)")[1]))
    assert strip.width * strip.height >= 5 * 128 * 128
    names = zipfile.ZipFile(io.BytesIO(download(page, "Video and actions")[1])).namelist()
    assert len(names) >= 2


def test_a_replay_link_reproduces_the_same_frames(browser, served, page):
    upload(page, picture_bytes(9))
    expect_started_from(page, "Your picture 1")
    open_tab(page, "Settings")
    tap(page, "3")
    page.fill("#set-steps", "1")
    page.locator("#set-steps").blur()
    last = tap_all(page, "3312")[-1]
    open_tab(page, "Share")
    page.get_by_role("button", name="Copy a replay link").click()
    expect(page.locator("#share-address")).not_to_have_value("")
    link = page.input_value("#share-address")
    other = browser.new_context().new_page()
    other.goto(link)
    expect_frame(other, 5)
    expect(other.get_by_role("alert")).to_contain_text("exact on the machine and build")
    assert picture(other) == last and stays_still(other)
    assert timeline(other)["nodes"] == timeline(page)["nodes"]
    other.context.close()


def test_a_damaged_replay_link_is_refused_in_words(browser, served):
    page = browser.new_context().new_page()
    page.goto(served.url + "#replay=AAAA")
    expect(page.get_by_role("alert")).to_contain_text("damaged")
    expect_frame(page, 0)
    page.context.close()


def test_a_reload_brings_back_the_place_the_film_and_its_branches(page):
    line = tap_all(page, "111")
    click_film(page, 1)
    expect_frame(page, 1)
    branch = tap_all(page, "3")
    page.reload()
    expect_node(page, 4)
    assert picture(page) == branch[-1]
    open_tab(page, "Time")
    page.get_by_role("button", name="Branch 1: 2 frames from frame 1 on").click()
    expect_node(page, 3)
    assert picture(page) == line[3]
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
    expect(page.locator("#note")).to_contain_text("Trying again.")
    with Served(world_folder, first.port):
        expect(page.locator("#note")).to_have_text("", timeout=20_000)
        expect_frame(page, 0)
        tap(page, "1")
        page.context.close()


def test_a_line_that_breaks_is_taken_up_where_it_was(page):
    page.evaluate("""() => {
        const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (data) { window.socket = this; send.call(this, data); };
    }""")
    before = tap_all(page, "12")[-1]
    page.evaluate("() => window.socket.close()")
    expect(page.locator("#note")).to_have_text("The connection is lost. Trying again.")
    expect(page.locator("#note")).to_have_text("")
    assert frame(page) == 2 and picture(page) == before
    tap(page, "3")


def test_a_full_film_says_so_and_goes_on_in_a_new_one(browser, served):
    page = browser.new_context().new_page()

    def refuse_presses(socket):
        server = socket.connect_to_server()

        def hear(message):
            is_press = json.loads(message)["type"] == "press"
            socket.send('{"type": "full"}') if is_press else server.send(message)

        socket.on_message(hear)

    page.route_web_socket(re.compile("socket"), refuse_presses)
    page.goto(served.url)
    expect_frame(page, 0)
    page.keyboard.press("1")
    expect(page.get_by_role("alert")).to_contain_text("This film is full.")
    page.get_by_role("button", name="Go on from this frame").click()
    expect_started_from(page, "Your picture 1")
    page.context.close()


def test_the_frame_is_scaled_by_whole_pixels(page):
    box = page.locator("#screen").bounding_box()
    assert box["width"] % 64 == 0 and box["width"] == box["height"] and box["width"] >= 256
    style = page.locator("#screen").evaluate("e => getComputedStyle(e).imageRendering")
    assert style == "pixelated"


def test_everything_that_can_be_pressed_has_a_name(page):
    page.get_by_role("button", name="Draw").click()  # its colours are made when it opens
    page.get_by_role("button", name="Cancel").click()
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, [tabindex='0'], canvas")]
        .filter((e) => !e.closest("[aria-hidden], [hidden]") && !(e.ariaLabel ||
        e.textContent.trim() || e.labels?.[0]?.textContent.trim())).map((e) => e.outerHTML)"""
    )
    assert unnamed == []
    page.get_by_text("1 more button").click()
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
