"""What a player brings, and looks up: pictures of one's own, help, the world's card."""

import pytest
from playwright.sync_api import expect

from .browser_page import expect_frame, expect_node, open_page, open_tab, picture, tap, tap_all
from .conftest import picture_bytes

pytestmark = pytest.mark.browser


def upload(page, seed: int, name: str) -> None:
    file = {"name": "mine.png", "mimeType": "image/png", "buffer": picture_bytes(seed)}
    page.set_input_files("#file", [file])
    expect(page.get_by_role("button", name=name, exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    expect_frame(page, 0)


def test_an_own_picture_is_deleted_here_and_at_the_server(page):
    upload(page, 1, "Your picture 1")
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as deleted:
        page.get_by_role("button", name="Delete your picture 1").click()
    assert deleted.value.status == 204
    expect(page.get_by_role("button", name="Your picture 1", exact=True)).to_have_count(0)
    before = tap_all(page, "12")[-1]  # its game goes on
    page.reload()
    expect_node(page, 2)
    assert picture(page) == before
    expect(page.get_by_role("button", name="Your picture 1", exact=True)).to_have_count(0)


def test_a_deletion_can_be_undone_and_the_picture_played_again(page):
    upload(page, 1, "Your picture 1")
    upload(page, 2, "Your picture 2")
    page.get_by_role("button", name="Delete your picture 1").click()
    page.get_by_role("button", name="Undo", exact=True).click()
    again = page.get_by_role("button", name="Your picture 1", exact=True)
    again.click()
    expect(again).to_have_attribute("aria-pressed", "true")
    tap(page, "1")
    keys = page.locator("#gallery [data-key^=own]").evaluate_all("l => l.map((e) => e.dataset.key)")
    assert keys == ["own:1", "own:2"]


def test_another_seed_still_works_once_the_picture_is_deleted(page):
    upload(page, 1, "Your picture 1")
    page.get_by_role("button", name="Delete your picture 1").click()
    tap(page, "1")
    open_tab(page, "Time")
    page.get_by_role("button", name="Another seed").click()
    expect_frame(page, 0)
    tap(page, "1")


def test_a_question_mark_shows_what_the_keys_do_as_they_are_now(page):
    page.evaluate("localStorage.setItem('playworld-keys', JSON.stringify({ pause: ['KeyJ'] }))")
    page.reload()
    expect_frame(page, 0)
    page.keyboard.press("?")
    rows = page.locator("#keys-help .shortcuts div")
    expect(rows.filter(has_text="Pause")).to_have_text("PauseJ")
    expect(rows.filter(has_text="Full screen").first).to_have_text("Full screenF")
    page.keyboard.press("Escape")
    expect(page.locator("#keys-help")).to_be_hidden()
    tap(page, "1")


def test_the_card_of_a_stranger_is_shown_without_running_it(browser, served):
    page = open_page(browser, served.url)
    card = (
        "---\nlicense: x\n---\n# A world\n\n<img src=x onerror=alert(1)> [art](https://a.example/b)"
        " [bad](javascript:alert(1))\n\n| a | b |\n|---|---|\n| c | d |\n\n- one\n- two\n\n"
        "```\nraw | text\n```\n"
    )
    page.route("**/api/v1/card", lambda route: route.fulfill(body=card))
    page.get_by_role("button", name="About this world").click()
    body = page.locator("#about .card")
    expect(body.locator("h3")).to_have_text("A world")
    expect(body.locator("td")).to_have_text(["a", "b", "c", "d"])
    expect(body.locator("li")).to_have_text(["one", "two"])
    expect(body.locator("pre")).to_have_text("raw | text")
    assert body.locator("a").evaluate_all("l => l.map((e) => e.href)") == ["https://a.example/b"]
    expect(body.locator("p")).to_contain_text("<img src=x")
    assert body.locator("img").count() == 0 and "license" not in body.inner_text()
    page.context.close()
    assert page.complaints == []


def test_a_gap_in_the_film_is_filled_once_its_frame_can_be_fetched(page):
    tap_all(page, "111111111")
    failed = []

    def fail_first(route):
        if len(failed) == 3:
            return route.continue_()
        failed.append(route.request.url)
        route.abort()

    page.route("**/api/v1/frames/*", fail_first)
    page.reload()
    expect_node(page, 9)
    page.wait_for_function("""() => {
        const pen = document.querySelector("#roll canvas").getContext("2d");
        const film = getComputedStyle(document.body).getPropertyValue("--film").slice(1);
        const pixels = pen.getImageData(10, 20, 20, 1).data;
        const bare = [0, 2, 4].map((i) => parseInt(film.slice(i, i + 2), 16));
        return [...pixels].some((value, i) => i % 4 < 3 && value !== bare[i % 4]);
    }""")
    assert len(failed) == 3
