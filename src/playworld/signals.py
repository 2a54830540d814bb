"""Signals that are handled otherwise for a while."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

STOPS = (signal.SIGTERM, signal.SIGHUP)
"""By these a program is asked to end; Ctrl-C sends SIGINT."""


@contextmanager
def handling(
    handler: Callable[[int, Any], object] | signal.Handlers,
    *numbers: signal.Signals,
    keep_ignored: bool = False,
) -> Iterator[None]:
    """Within the block of the main thread, signals have this handler; in other threads all stays.

    With `keep_ignored`, one that is ignored (SIGHUP after nohup) stays so.
    """
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is not threading.main_thread():
        numbers = ()
    try:
        for number in numbers:
            if not (keep_ignored and signal.getsignal(number) == signal.SIG_IGN):
                before[number] = signal.signal(number, handler)
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
