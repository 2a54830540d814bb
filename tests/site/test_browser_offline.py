"""A site in a real Chromium, from a host that sends files alone: with threads, and offline."""

import shutil

import pytest
from playwright.sync_api import expect

from playworld.site.export import write_site
from tests.play.browser_page import expect_frame
from tests.play.local_site import Plain, hosted

pytestmark = [
    pytest.mark.browser,
    pytest.mark.needs("onnxruntime"),
    pytest.mark.needs("onnxruntime_web"),
]
PATIENCE = 60_000


@pytest.fixture(scope="module")
def site(world, tmp_path_factory):
    """The folder, and the address."""
    host = tmp_path_factory.mktemp("host")
    write_site([world], host / "below/a/path", "fp32")
    with hosted(host, Plain) as address:
        yield host / "below/a/path", f"{address}below/a/path/"


@pytest.fixture(scope="module")
def context(browser):
    """Somebody's browser, which remembers sites."""
    with browser.new_context() as context:
        yield context


@pytest.fixture
def page(context, site):
    """A page on which a game has begun, under the site's service worker."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.asked = []
    context.on("request", lambda request: page.asked.append(request.url))
    page.goto(site[1])
    expect_begun(page)
    yield page
    page.close()


def expect_begun(page) -> None:
    expect(page.locator("#screen")).to_have_attribute("data-frame", "0", timeout=PATIENCE)
    assert page.evaluate("navigator.serviceWorker.controller !== null && crossOriginIsolated")


def reads(page, path: str) -> str | None:
    """The text of a file of the site, as a page sees it."""
    script = "path => fetch(path).then((a) => a.ok ? a.text() : null, () => null)"
    return page.evaluate(script, path)


def wait_until(page, script: str) -> None:
    """As `wait_for_function`, which is an eval, and so against the policy of the page."""
    for _ in range(PATIENCE // 100):
        if page.evaluate(script):
            return
        page.wait_for_timeout(100)
    raise AssertionError(script)


def test_a_host_without_headers_allows_threads_and_no_other_host_is_asked(page, site):
    page.keyboard.press("1")
    expect_frame(page, 1)
    assert page.evaluate("typeof SharedArrayBuffer") == "function"
    assert {url for url in page.asked if not url.startswith((site[1], "blob:", "data:"))} == set()


def test_a_browser_offers_to_install_a_site(page):
    found = page.context.new_cdp_session(page).send("Page.getInstallabilityErrors")
    assert {error["errorId"] for error in found["installabilityErrors"]} <= {"in-incognito"}


def test_a_world_that_was_played_plays_without_a_network(page, site):
    page.context.set_offline(True)
    page.evaluate("localStorage.clear()")
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    page.goto(site[1])
    expect_begun(page)
    page.keyboard.press("1")
    expect_frame(page, 1)
    assert reads(page, "ort/ort-wasm-simd-threaded.asyncify.wasm") is None  # it was not used
    page.context.set_offline(False)


def test_a_site_that_is_gone_leaves_its_address_to_others(page, site, tmp_path):
    site[0].rename(tmp_path / "aside")
    site[0].mkdir()
    (site[0] / "index.html").write_text("<h1>Something else</h1>")
    page.reload()
    wait_until(page, "navigator.serviceWorker.getRegistration().then((found) => !found)")
    page.reload()
    expect(page.get_by_role("heading", name="Something else")).to_be_visible()
    shutil.rmtree(site[0])
    (tmp_path / "aside").rename(site[0])
