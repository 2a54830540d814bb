"""What people see while a command works."""

import contextlib
import json
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from playworld.atomic import write_whole
from playworld.progress import Progress

SECONDS_BETWEEN_LINES = 15.0
SECONDS_BETWEEN_FILES = 1.0


class ProgressBars:
    """Shows progress with the time left: bars on a terminal, elsewhere a line now and then."""

    def __init__(self, console: Console) -> None:
        text = TextColumn("{task.description}", markup=False)
        columns = (text, BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self.console = console
        self.file: Path | None = None
        """Kept as JSON with stage, note, done and of, for programs."""
        self._written = 0.0
        self.drawn = RichProgress(*columns, console=console)

    def __call__(self, title: str) -> Progress:
        """A bar, as a callback: how much is done, of how much, and a note of what is going on.

        A smaller number done starts the bar anew.
        """
        task = self.drawn.add_task(title, visible=False)
        first = last = 0
        began = spoke = 0.0

        def show(done: int, of: int, note: str) -> None:
            nonlocal first, last, began, spoke
            now = time.monotonic()
            if not began or done < last:
                first, began, spoke = done, now, now
                self.drawn.reset(task)
            last = done
            self._keep_file(title, done, of, note)
            text = f"{title}: {note}" if note else title
            if self.console.is_terminal:
                self.drawn.start()
                self.drawn.update(task, completed=done, total=of, description=text, visible=True)
            elif done >= of or now - spoke >= SECONDS_BETWEEN_LINES:
                spoke = now
                seconds = (now - began) / max(done - first, 1) * (of - done)
                left = time.strftime("%H:%M:%S", time.gmtime(seconds))
                say(self.console, f"{text}: {done / max(of, 1):.0%}, {left} left")

        return show

    def _keep_file(self, title: str, done: int, of: int, note: str) -> None:
        now = time.monotonic()
        if self.file is None or (done < of and now - self._written < SECONDS_BETWEEN_FILES):
            return
        self._written = now
        known = {"stage": title, "note": note, "done": done, "of": of}
        with contextlib.suppress(OSError):  # it only tells: the work may still come to its end
            write_whole(self.file, json.dumps(known))

    def __enter__(self) -> "ProgressBars":
        return self

    def __exit__(self, *error: object) -> None:
        if self.drawn.live.is_started:
            self.drawn.stop()


def say(console: Console, text: str) -> None:
    """Print text as it is: names of files hold brackets, and tables are wider than logs."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
