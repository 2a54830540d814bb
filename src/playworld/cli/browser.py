"""The user's web browser."""

import os
import sys
import webbrowser


def open_browser(address: str) -> None:
    """Show an address, unless there is no screen: the browser would take over the terminal."""
    if has_screen():
        webbrowser.open(address)


def has_screen() -> bool:
    """Whether this process can open windows."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
