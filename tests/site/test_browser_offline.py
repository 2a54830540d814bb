"""A site in a real Chromium, from a host that sends files alone: with threads, and offline."""

import shutil

import pytest
from playwright.sync_api import expect

from playworld.site.export import write_lists, write_site

pytestmark = [
    pytest.mark.browser,
    pytest.mark.needs("onnxruntime"),
    pytest.mark.needs("onnxruntime_web"),
]
KEPT = """async () => {
  const [name] = await caches.keys();
  const requests = await (await caches.open(name)).keys();
  return requests.map((request) => request.url);
}"""


@pytest.fixture(scope="module")
def site(world, host):
    """The folder, and the address."""
    folder, address = host
    write_site([world], folder / "below/a/path", "fp32")
    return folder / "below/a/path", f"{address}below/a/path/"


def opened(browser, address: str):
    """A page that the site's service worker has taken over."""
    page = browser.new_context(bypass_csp=True).new_page()  # `wait_for_function` is an eval
    page.set_default_timeout(30_000)
    page.asked = []
    page.context.on("request", lambda request: page.asked.append(request.url))
    page.goto(address)
    page.wait_for_function("navigator.serviceWorker.controller !== null && crossOriginIsolated")
    return page


def reads(page, path: str) -> str | None:
    """The text of a file of the site, as a page sees it."""
    script = "path => fetch(path).then((a) => a.ok ? a.text() : null, () => null)"
    return page.evaluate(script, path)


def test_a_host_without_headers_allows_threads_and_no_other_host_is_asked(browser, site):
    page = opened(browser, site[1])
    assert page.evaluate("typeof SharedArrayBuffer") == "function"
    assert {url for url in page.asked if not url.startswith((site[1], "blob:", "data:"))} == set()
    page.context.close()


def test_what_was_opened_once_opens_without_a_network(browser, site):
    page = opened(browser, site[1])
    assert reads(page, "ort/ort-wasm-simd-threaded.wasm") is not None
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", name="Playworld")).to_be_visible()
    assert page.evaluate("crossOriginIsolated")
    assert reads(page, "page/crop.js") == (site[0] / "page/crop.js").read_text()
    assert reads(page, "ort/ort-wasm-simd-threaded.wasm") is not None
    assert reads(page, "ort/ort-wasm-simd-threaded.asyncify.wasm") is None  # it was not used
    page.context.close()


def test_a_new_version_replaces_what_changed_and_keeps_the_rest(browser, site):
    page = opened(browser, site[1])
    assert reads(page, "ort/ort-wasm-simd-threaded.wasm") is not None
    before = set(page.evaluate(KEPT))
    (site[0] / "page/notice.js").write_text("// another version\n")
    write_lists(site[0])
    page.evaluate("navigator.serviceWorker.getRegistration().then((one) => one.update())")
    page.wait_for_function(
        "navigator.serviceWorker.getRegistration().then((one) => one.waiting !== null)"
    )
    assert reads(page, "page/notice.js") != "// another version\n"  # not while it is played
    page.goto("about:blank")
    page.goto(site[1])
    assert reads(page, "page/notice.js") == "// another version\n"
    gone, come = before - set(page.evaluate(KEPT)), set(page.evaluate(KEPT)) - before
    assert [path.split("/")[-1].split("?")[0] for path in (*gone, *come)] == ["notice.js"] * 2
    page.context.close()


def test_a_site_that_is_gone_leaves_its_address_to_others(browser, site, tmp_path):
    page = opened(browser, site[1])
    aside = site[0].rename(tmp_path / "aside")
    site[0].mkdir()
    (site[0] / "index.html").write_text("<h1>Something else</h1>")
    page.reload()
    page.wait_for_function("navigator.serviceWorker.getRegistration().then((one) => !one)")
    page.reload()
    expect(page.get_by_role("heading", name="Something else")).to_be_visible()
    page.context.close()
    shutil.rmtree(site[0])
    aside.rename(site[0])
