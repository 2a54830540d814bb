"""The page behind a proxy that changes its Host: in a real Chromium."""

import socket
import threading
from contextlib import contextmanager, suppress

import pytest
from playwright.sync_api import expect

from .conftest import Served

pytestmark = pytest.mark.browser


@contextmanager
def proxy(port: int):
    """Passes everything on, but for the Host, which becomes that of the server; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        own = listener.getsockname()[1]
        hosts = f"Host: 127.0.0.1:{own}".encode(), f"Host: 127.0.0.1:{port}".encode()

        def pass_on(source: socket.socket, sink: socket.socket) -> None:
            try:
                while data := source.recv(65536):
                    sink.sendall(data.replace(*hosts))
            except OSError:
                pass
            for line in (source, sink):  # closing does not wake the other thread
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
            source.close()

        def accept() -> None:
            while True:
                try:
                    near, _ = listener.accept()
                except OSError:
                    return
                far = socket.create_connection(("127.0.0.1", port))
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=pass_on, args=ends, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield own
        listener.shutdown(socket.SHUT_RDWR)


def test_a_refused_page_says_what_was_received_and_which_option_helps(browser, served):
    with proxy(served.port) as port:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        notice = page.locator("#notice")
        expect(notice).to_contain_text(f"its Origin is 'http://127.0.0.1:{port}'", timeout=30_000)
        expect(notice).to_contain_text("--allow-hosts 127.0.0.1")
        page.close()


def test_a_name_that_was_allowed_plays_behind_the_same_proxy(browser, world_folder):
    with Served(world_folder, allow_hosts=["127.0.0.1"]) as served, proxy(served.port) as port:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        expect(page.locator("#screen")).to_have_attribute("data-frame", "0", timeout=30_000)
        page.close()
