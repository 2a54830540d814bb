"""How work reports its progress: the callback that all of it takes, and the silent one."""

from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Called with how much is done, of how much, and a note of what is going on."""
ProgressFor = Callable[[str], Progress]
"""From the name of a stage to its callback."""


def silent(done: int, total: int, note: str) -> None:
    """Show nothing."""


def silent_stages(stage: str) -> Progress:
    """Show nothing of any stage."""
    return silent
