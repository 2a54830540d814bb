"""Worlds in a browser: seconds to the first frame and frames/s of a site's page in Chromium.

    python benchmarks/browser.py                              both built-in worlds
    python benchmarks/browser.py --world coinrun --seconds 8

A headless Chromium opens a site that `python -m http.server` could serve, without and with the
headers that give threads. `cold` and `warm` are seconds until the first frame is on the screen,
without and with a cache. Then a button is held at the highest speed for some seconds, in turns with
ONNX Runtime outside of the browser, so that whatever else the machine does meets both. `ms`
is the median of milliseconds from a press to its picture.
"""

import argparse
import functools
import os
import statistics
import tempfile
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from playworld.evaluate.speed import processor_name
from playworld.onnx.player import OnnxWorld
from playworld.site.export import write_site
from playworld.world import World

TURNS = 3
AT_LEAST = "n => Number(document.getElementById('screen').dataset.frame ?? -1) >= n"
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


class Host(SimpleHTTPRequestHandler):
    """Serves a folder."""

    headers_sent: dict[str, str] = {}

    def end_headers(self) -> None:
        """Add what this host sends."""
        for name, value in self.headers_sent.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class Threads(Host):
    """With the headers that give a page threads."""

    headers_sent = HEADERS


def opened(browser: Browser, url: str) -> tuple[Page, float, float]:
    """The page, and seconds to its first frame without and with a cache."""
    context = browser.new_context(bypass_csp=True, service_workers="block")
    page = context.new_page()
    page.set_default_timeout(120_000)
    taken = []
    for _ in range(2):
        began = time.perf_counter()
        page.goto(url)
        page.wait_for_function(AT_LEAST, arg=0)
        taken.append(time.perf_counter() - began)
    page.locator("#speed").select_option("Infinity")
    return page, *taken


def frame(page: Page) -> int:
    """The number of the frame on the screen."""
    return int(page.get_attribute("#screen", "data-frame") or 0)


def played(page: Page, seconds: float) -> float:
    """Frames/s while a button is held."""
    page.keyboard.down("1")
    page.wait_for_function(AT_LEAST, arg=frame(page) + 2)
    first, began = frame(page), time.perf_counter()
    page.wait_for_timeout(1000 * seconds)
    rate = (frame(page) - first) / (time.perf_counter() - began)
    page.keyboard.up("1")
    page.wait_for_timeout(300)
    return rate


def stepped(world: OnnxWorld, seconds: float) -> float:
    """Frames/s outside of the browser."""
    _, state = world.start(next(iter(world.prompts().values())), 0)
    made, began = 0, time.perf_counter()
    while time.perf_counter() < began + seconds:
        _, state = world.step(state, 0)
        made += 1
    return made / (time.perf_counter() - began)


def measured(browser: Browser, name: str, seconds: float) -> None:
    """Print the rows of a world."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "site")
        (exported,) = write_site([World.load(name)], folder, "fp32")
        for host in (Host, Threads):
            handler = functools.partial(host, directory=folder)
            server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            threads = 1 if host is Host else min(4, os.cpu_count() or 1)
            other = OnnxWorld(next(folder.rglob("world.json")).parent, threads)
            page, cold, warm = opened(browser, f"http://127.0.0.1:{server.server_port}/")
            rates = [(played(page, seconds), stepped(other, seconds)) for _ in range(TURNS)]
            here, outside = (statistics.median(column) for column in zip(*rates, strict=True))
            delay = page.inner_text("#delay")
            print(
                f"{exported.name:12} {threads:7} {cold:7.1f} {warm:6.1f} {here:9.1f} "
                f"{outside:10.1f} {here / outside:6.2f} {delay:>6}",
                flush=True,
            )
            page.context.close()
            server.shutdown()


def main() -> None:
    """Measure each world."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--world", nargs="+", default=["coinrun", "any"], help="built-in worlds")
    parser.add_argument("--seconds", type=float, default=4.0, help="seconds of a turn")
    options = parser.parse_args()
    print(processor_name())
    print("             threads  cold s warm s browser/s  outside/s  ratio     ms")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        for name in options.world:
            measured(browser, name, options.seconds)


if __name__ == "__main__":
    main()
