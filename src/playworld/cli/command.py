"""What all commands have in common, and how those that train end."""

import abc
import contextlib
import shlex
import signal
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from tyro.conf import FlagCreatePairsOff, arg

from playworld.cli.progress import ProgressBars
from playworld.signals import STOPS, handling

FAILED, BAD_INPUT, NON_FINITE, PREEMPTED, INTERRUPTED = 1, 2, 3, 75, 130
"""Exit codes."""
FLAT = arg(name="")
"""Options of a dataclass become options of the command, without a prefix."""


class Ended(RuntimeError):
    """A command that stopped before its end for a reason of its own."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Command(abc.ABC):
    """What all commands have in common."""

    verbose: FlagCreatePairsOff[bool] = False
    """Show debug messages, and for an error where it came from."""

    @abc.abstractmethod
    def run(self, console: Console, progress: ProgressBars) -> int:
        """Do the work and return the exit code."""


@dataclass(frozen=True, kw_only=True)
class DeviceCommand(Command):
    """A command that runs a finished world."""

    device: str = "auto"
    """Where the world runs: cpu, cuda (cuda:1 for the second), mps (a Mac's GPU), or auto."""


def then(done: str, *words: object) -> str:
    """What is done, and the command that comes next, ready for a shell."""
    return f"{done}; next: {shlex.join(['playworld', *map(str, words)])}"


class Stopped(KeyboardInterrupt):
    """SIGTERM or SIGHUP: a command ends by it as by Ctrl-C, so that nothing temporary stays."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within the block of the main thread, SIGTERM and SIGHUP raise `Stopped`.

    One that is ignored (SIGHUP after nohup) stays so. After the first one both are ignored: what is
    undone on the way out is not cut short.
    """

    def stop(number: int, _: object) -> None:
        for other in STOPS:
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(number)

    with handling(stop, *STOPS, keep_ignored=True):
        yield


@contextlib.contextmanager
def endings() -> Iterator[None]:
    """Give the ways in which training stops before its end their exit codes.

    While steps are taken a signal waits for a save. Before, between and after, nothing is lost by
    stopping at once: whatever is finished was saved, and the rest appears whole or not at all.
    """
    from playworld.train.loop import NonFinite, Preempted
    from playworld.train.objectives import Collapsed

    try:
        with ended_by_signals():
            yield
    except KeyboardInterrupt:
        raise Ended("stopped; the same command goes on from here", PREEMPTED) from None
    except (NonFinite, Preempted, Collapsed) as error:
        code = {NonFinite: NON_FINITE, Preempted: PREEMPTED}.get(type(error), FAILED)
        raise Ended(str(error), code) from error
