"""Nothing that was played vanishes in silence: another picture, a reload, another server."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from .browser_page import (
    click_film,
    expect_frame,
    expect_node,
    open_page,
    open_tab,
    picture,
    tap,
    tap_all,
    wait_for_frame,
)
from .conftest import Served, picture_bytes

pytestmark = pytest.mark.browser


def play_branches(page: Page) -> list[str]:
    """A film of two branches: where it ends, and the end of the other branch."""
    other = tap_all(page, "1122")[-1]
    click_film(page, 2)
    expect_frame(page, 2)
    return [tap_all(page, "4")[-1], other]


def expect_branches(page: Page, here: str, other: str) -> None:
    """Every frame is there again, with its number."""
    expect_node(page, 5)
    expect_frame(page, 3)
    assert picture(page) == here
    open_tab(page, "Time")
    page.get_by_role("button", name="Branch 1: 2 frames from frame 2 on").click()
    expect_node(page, 4)
    assert picture(page) == other


def test_a_game_that_was_left_for_another_picture_comes_back_whole(page):
    here, other = play_branches(page)
    page.get_by_role("button", name="Picture 02").click()
    expect(page.get_by_role("alert")).to_contain_text("The game before is kept: 5 frames.")
    expect_frame(page, 0)
    page.get_by_role("button", name="Back to it").click()
    expect(page.get_by_role("alert")).to_contain_text("Your game is back.")
    expect(page.get_by_role("button", name="Picture 01")).to_have_attribute("aria-pressed", "true")
    expect_branches(page, here, other)


def test_games_that_were_left_are_listed_and_survive_a_reload(page):
    last = tap_all(page, "12")[-1]
    open_tab(page, "Time")
    page.get_by_role("button", name="Another seed").click()
    expect_node(page, 0)
    page.reload()
    expect_frame(page, 0)
    page.get_by_role("button", name="Picture 01: 2 frames").click()
    expect_frame(page, 2)
    assert picture(page) == last


def test_a_game_without_a_press_is_not_kept(page):
    page.get_by_role("button", name="Picture 02").click()
    expect(page.get_by_role("button", name="Picture 02")).to_have_attribute("aria-pressed", "true")
    open_tab(page, "Time")
    expect(page.get_by_role("heading", name="Games before this one")).to_be_hidden()


def test_a_game_is_made_again_after_the_server_was_restarted(browser, world_folder):
    with Served(world_folder) as first:
        page = open_page(browser, first.url)
        here, other = play_branches(page)
        first.stop()
    expect(page.locator("#note")).to_contain_text("Trying again.")
    with Served(world_folder, first.port):
        expect(page.get_by_role("alert")).to_contain_text("Your game is back.", timeout=20_000)
        expect_branches(page, here, other)
        page.context.close()


def test_a_page_that_is_loaded_before_the_server_finds_its_game_again(browser, world_folder):
    with Served(world_folder) as first:
        page = open_page(browser, first.url)
        page.set_input_files(
            "#file", {"name": "a.png", "mimeType": "image/png", "buffer": picture_bytes(8)}
        )
        mine = page.get_by_role("button", name="Your picture 1", exact=True)
        expect(mine).to_have_attribute("aria-pressed", "true")
        expect_frame(page, 0)
        last = tap_all(page, "21")[-1]
        page.goto("about:blank")  # where it stays open, it finds the new server by itself
    page.route("**/api/v1/world", lambda route: route.abort())
    with Served(world_folder, first.port):
        page.goto(first.url)
        expect(page.locator("#note")).to_contain_text("this page tries again")
        page.unroute("**/api/v1/world")
        expect_frame(page, 2)
        assert picture(page) == last
        page.context.close()


def test_making_a_game_again_can_be_stopped_and_taken_up_later(browser, served):
    page = open_page(browser, served.url)
    tap_all(page, "121212121212")
    page.get_by_role("button", name="Picture 02").click()
    expect_frame(page, 0)
    page.get_by_role("button", name="Back to it").click()
    page.get_by_role("button", name="Stop here").click()
    expect(page.get_by_role("alert")).to_contain_text("all 12 frames are kept under Time")
    tap(page, "1")
    open_tab(page, "Time")
    page.get_by_role("button", name="Picture 01: 12 frames").click()
    expect_frame(page, 12)
    page.context.close()


def test_a_reload_keeps_the_counter_the_recording_and_the_players_pictures(page):
    page.set_input_files(
        "#file", {"name": "a.png", "mimeType": "image/png", "buffer": picture_bytes(8)}
    )
    mine = page.get_by_role("button", name="Your picture 1", exact=True)
    expect(mine).to_have_attribute("aria-pressed", "true")
    expect_frame(page, 0)
    tap_all(page, "12")
    open_tab(page, "Share")
    page.get_by_role("button", name="Record from here").click()
    tap_all(page, "3")
    expect(page.locator("#badge")).to_have_text("Recording 0.2 s")
    page.reload()
    expect(page.locator("#count")).to_have_text("3")
    expect(page.locator("#badge")).to_have_text("Recording 0.2 s")
    open_tab(page, "Start from")
    expect(mine).to_have_attribute("aria-pressed", "true")
    assert mine.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)")


def test_a_player_who_rests_is_asked_before_the_game_is_put_away(browser, served):
    page = browser.new_context().new_page()
    heard = []

    def warn(socket):
        server = socket.connect_to_server()

        def hear(message):
            heard.append(json.loads(message)["type"])
            if heard[-1] == "go":
                socket.send('{"type": "idle", "seconds": 60}')
            elif heard[-1] != "stay":
                server.send(message)

        socket.on_message(hear)

    page.route_web_socket(re.compile("socket"), warn)
    page.goto(served.url)
    expect_frame(page, 0)
    page.keyboard.press("r")
    expect(page.get_by_role("alert")).to_contain_text("In 60 seconds the server puts this game")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    assert heard[-1] == "stay"
    page.context.close()


def test_a_game_that_was_put_away_is_made_again_at_the_next_press(browser, served):
    page = browser.new_context().new_page()
    sockets = []

    def note(socket):
        sockets.append(socket)
        if len(sockets) == 2:
            socket.close(code=4404, reason="no such session")
        else:
            socket.connect_to_server()

    page.route_web_socket(re.compile("socket"), note)
    page.goto(served.url)
    expect_frame(page, 0)
    last = tap_all(page, "13")[-1]
    sockets[0].close(code=4408, reason="idle")
    expect(page.locator("#note")).to_have_text(
        "Put away after a long rest. Press a button to go on."
    )
    page.keyboard.press("2")
    expect(page.get_by_role("alert")).to_contain_text("Your game is back.")
    expect_frame(page, 2)
    assert picture(page) == last
    page.context.close()


def test_a_link_from_loopback_says_who_can_open_it(page):
    tap(page, "1")
    open_tab(page, "Share")
    page.get_by_role("button", name="Copy a replay link").click()
    expect(page.locator("#share-said")).to_contain_text("start the server with --host 0.0.0.0")


def test_a_link_names_the_address_in_the_network_where_there_is_one(page):
    def answer(route):
        found = route.fetch().json() | {"addresses": ["http://192.168.1.7:8000/"]}
        route.fulfill(json=found)

    page.route("**/api/v1/world", answer)
    page.reload()
    wait_for_frame(page, 0)
    open_tab(page, "Share")
    page.get_by_role("button", name="Copy a replay link").click()
    expect(page.locator("#share-said")).to_contain_text("the same network")
    assert page.input_value("#share-address").startswith("http://192.168.1.7:8000/#replay=")


def test_the_random_player_says_that_it_is_random(page):
    button = page.get_by_role("button", name="Watch it play")
    expect(button).to_contain_text("random buttons")
    button.click()
    expect(page.locator("#badge")).to_have_text("Random play")
    button.click()
    expect(page.locator("#badge")).to_have_text("")


def test_the_random_player_holds_each_button_for_some_frames(browser, served):
    page, sent = browser.new_context().new_page(), []
    page.on("websocket", lambda socket: socket.on("framesent", lambda text: sent.append(text)))
    page.goto(served.url)
    expect_frame(page, 0)
    page.keyboard.press("v")
    wait_for_frame(page, 20)
    presses = [message for message in map(json.loads, sent) if message["type"] == "press"]
    assert 2 <= len(presses) <= 11 and all(message["fps"] for message in presses)
    page.context.close()
