"""Worlds in a browser: seconds to the first frame and frames/s of a site's page in Chromium.

    python benchmarks/browser.py                              both built-in worlds
    python benchmarks/browser.py --world coinrun --seconds 8

A headless Chromium opens a site without the headers that give threads, and with them: then as if
the machine had one more core than this one, so that none is left for the page alone. `cold` and
`warm` are seconds until the first frame is on the screen, at the first visit and at the second:
with the headers under the site's service worker, else without one, as inside a frame of another
site. Then a button is held at the highest speed for some seconds, in turns with ONNX Runtime
outside of the browser, so that whatever else the machine does meets both: frames/s, and
milliseconds of processor time for a frame (`cpu`), which count where others use the machine.
"""

import argparse
import functools
import os
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

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


def opened(browser: Browser, url: str, threads: int) -> tuple[Page, float, float]:
    """The page, and seconds to its first frame without and with a cache."""
    context = browser.new_context(bypass_csp=True)
    if threads == 1:  # the service worker would add the headers
        context.add_init_script("delete Navigator.prototype.serviceWorker")
    page = context.new_page()
    page.set_default_timeout(120_000)
    cores = {"hardwareConcurrency": threads + 1}
    context.new_cdp_session(page).send("Emulation.setHardwareConcurrencyOverride", cores)
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


@dataclass(frozen=True)
class Rate:
    """What a turn has shown."""

    fps: float
    cpu: float
    """Milliseconds of processor time for a frame."""


def played(page: Page, seconds: float) -> Rate:
    """Hold a button in the browser."""
    page.keyboard.down("1")
    page.wait_for_function(AT_LEAST, arg=frame(page) + 2)
    first, began, used = frame(page), time.perf_counter(), descendants_seconds()
    page.wait_for_timeout(1000 * seconds)
    made, taken = frame(page) - first, time.perf_counter() - began
    used = descendants_seconds() - used
    page.keyboard.up("1")
    page.wait_for_timeout(500)
    return Rate(made / taken, 1000 * used / max(1, made))


def stepped(world: OnnxWorld, seconds: float) -> Rate:
    """Press a button outside of the browser."""
    _, state = world.start(next(iter(world.prompts().values())), 0)
    made, began, used = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() < began + seconds:
        _, state = world.step(state, 0)
        made += 1
    taken = time.perf_counter() - began
    return Rate(made / taken, 1000 * (time.process_time() - used) / made)


def descendants_seconds() -> float:
    """Processor time so far of all processes below this one: those of the browser."""
    found: dict[int, tuple[int, int]] = {}  # parent and ticks of each
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            found[int(path.parent.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
    ticks, wanted = 0, {os.getpid()}
    for pid in sorted(found):  # a child has a higher number, but for a machine that runs very long
        if found[pid][0] in wanted:
            wanted.add(pid)
            ticks += found[pid][1]
    return ticks / os.sysconf("SC_CLK_TCK")


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
            address = f"http://127.0.0.1:{server.server_port}/"
            page, cold, warm = opened(browser, address, threads)
            turns = [(played(page, seconds), stepped(other, seconds)) for _ in range(TURNS)]
            here, outside = ([turn[side] for turn in turns] for side in (0, 1))
            fps, other_fps = (median(rate.fps for rate in rates) for rates in (here, outside))
            cpu, other_cpu = (median(rate.cpu for rate in rates) for rates in (here, outside))
            print(
                f"{exported.name:12}{threads:8}{cold:7.1f}{warm:7.1f}{fps:9.1f}{other_fps:9.1f}"
                f"{fps / other_fps:7.2f}{cpu:9.0f}{other_cpu:9.0f}{cpu / other_cpu:7.2f}",
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
    print("            threads cold s warm s  browser  outside  ratio  browser  outside  ratio")
    print("                                       f/s      f/s          cpu ms   cpu ms")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        for name in options.world:
            measured(browser, name, options.seconds)


if __name__ == "__main__":
    main()
