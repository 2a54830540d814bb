"""The commands: what each is told, and what it calls. Options are declared where they are read.

Each is a dataclass made by a function, so that a command imports only what it needs and
`playworld --help` no torch at all.
"""

import abc
import contextlib
import os
import signal
import sys
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from rich.console import Console
from tyro.conf import FlagCreatePairsOff, Positional, arg

from playworld.cli.bars import Bars, say
from playworld.config import InputError

FAILED, NON_FINITE, PREEMPTED = 1, 3, 75
"""Exit codes of training that stopped before its end."""
FLAT = arg(name="")
"""Options of a dataclass become options of the command, without a prefix."""


class Ended(RuntimeError):
    """A command that stopped before its end for a reason of its own."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Verb(abc.ABC):
    """What all verbs have in common."""

    verbose: FlagCreatePairsOff[bool] = False
    """Show debug messages, and for an error where it came from."""

    @abc.abstractmethod
    def run(self, console: Console, bars: Bars) -> int:
        """Do the work and return the exit code."""


@dataclass(frozen=True, kw_only=True)
class OnDevice(Verb):
    """A verb that runs a finished world."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the world runs; auto takes a GPU where there is one."""


@contextlib.contextmanager
def endings() -> Iterator[None]:
    """Give the ways in which training stops before its end their exit codes.

    While steps are taken a signal waits for a save. Before, between and after, nothing is lost by
    stopping at once: whatever is finished was saved, and the rest appears whole or not at all.
    """
    from playworld.train.loop import NonFinite, Preempted
    from playworld.train.objectives import Collapsed

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise Ended("stopped; the same command goes on from here", PREEMPTED) from None
    except (NonFinite, Preempted, Collapsed) as error:
        code = {NonFinite: NON_FINITE, Preempted: PREEMPTED}.get(type(error), FAILED)
        raise Ended(str(error), code) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def has_screen() -> bool:
    """Whether to open a browser: without a screen it would be one that takes over the terminal."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _record() -> type[Verb]:
    """Play a game and film it: video files, with the true actions beside them for evaluation."""
    from playworld.data.record import RecordOptions, record

    @dataclass(frozen=True, kw_only=True)
    class Record(Verb):
        game: Positional[str]
        """Name of a Procgen game, such as coinrun."""
        videos: Positional[Path]
        """Folder for the video files."""
        options: Annotated[RecordOptions, FLAT]

        def run(self, console: Console, bars: Bars) -> int:
            record(self.game, self.videos, self.options, bars("record"))
            say(console, f"recorded; next: playworld ingest {self.videos} CLIPS")
            return 0

    return Record


def _ingest() -> type[Verb]:
    """Turn a folder of videos into clips, split by source video into training and validation."""
    from playworld.data.ingest import IngestOptions, ingest

    @dataclass(frozen=True, kw_only=True)
    class Ingest(Verb):
        videos: Positional[Path]
        """Folder of video files, in any container that FFmpeg reads."""
        clips: Positional[Path]
        """Folder for the clips; an older one is replaced once the new one is complete."""
        options: Annotated[IngestOptions, FLAT]

        def run(self, console: Console, bars: Bars) -> int:
            ingest(self.videos, self.clips, self.options, bars("ingest"))
            say(console, f"ingested; next: playworld train small {self.clips} WORLD")
            return 0

    return Ingest


def _train() -> type[Verb]:
    """Train a world on clips; the same command again goes on where it stopped."""
    from playworld.presets import preset
    from playworld.train.stages import TrainOptions, train_world

    @dataclass(frozen=True, kw_only=True)
    class Train(Verb):
        preset: Positional[str]
        """Name of a preset: tiny (for tests), small (for 2 cores) or coinrun-paper."""
        clips: Positional[Path]
        """Folder that `playworld ingest` wrote."""
        world: Positional[Path]
        """Folder for the world."""
        options: Annotated[TrainOptions, FLAT]

        def run(self, console: Console, bars: Bars) -> int:
            recipe = preset(self.preset)
            with endings():
                made = train_world(recipe, self.clips, self.world, self.options, bars)
            ready = f"playworld evaluate {self.world} {self.clips}"
            again = f"playworld train {self.preset} {self.clips} {self.world} --stage world"
            say(console, f"trained; next: {again if made is None else ready}")
            return 0

    return Train


def _evaluate() -> type[Verb]:
    """Measure a world on held-out clips: pictures, control, speed."""
    from playworld.evaluate import EvaluateOptions, evaluate, format_table, write_report
    from playworld.train.furnish import measured_card
    from playworld.train.stages import choose_device
    from playworld.world import World

    @dataclass(frozen=True, kw_only=True)
    class Evaluate(OnDevice):
        world: Positional[str]
        """Folder of a world, or the name of a built-in one, such as coinrun."""
        clips: Positional[Path]
        """Folder that `playworld ingest` wrote."""
        out: Path | None = None
        """Folder for report.json and pictures."""
        card: FlagCreatePairsOff[bool] = False
        """Write the table into the card of the world, its README.md."""
        options: Annotated[EvaluateOptions, FLAT]

        def run(self, console: Console, bars: Bars) -> int:
            if self.card and not Path(self.world).is_dir():
                raise InputError(f"--card writes into a world's folder, and {self.world} is none")
            world = World.load(self.world, choose_device(self.device))
            report = evaluate(world, self.clips, self.options, bars("evaluate"))
            say(console, format_table(report))
            if self.out is not None:
                write_report(report, self.out)
                say(console, f"\nwritten to {self.out}")
            if self.card:
                table, clips = format_table(report), self.clips.name
                command = f"playworld evaluate {Path(self.world).name} {clips}"
                world.save(Path(self.world), measured_card(world.card, table, command))
            return 0

    return Evaluate


def _create() -> type[Verb]:
    """Make a world from a folder of videos within a time budget: ingest, train, evaluate."""
    from playworld.studies.create import CreateOptions, create

    @dataclass(frozen=True, kw_only=True)
    class Create(Verb):
        videos: Positional[Path]
        """Folder of video files, in any container that FFmpeg reads."""
        world: Positional[Path]
        """Folder for the world."""
        options: Annotated[CreateOptions, FLAT]

        def run(self, console: Console, bars: Bars) -> int:
            with endings():
                say(console, create(self.videos, self.world, self.options, bars))
            return 0

    return Create


def _play() -> type[Verb]:
    """Play a world in the browser."""
    from playworld.play import PlayOptions, serve
    from playworld.train.stages import choose_device
    from playworld.world import World

    @dataclass(frozen=True, kw_only=True)
    class Play(OnDevice):
        world: Positional[str] = "coinrun"
        """Folder of a world, or the name of a built-in one."""
        options: Annotated[PlayOptions, FLAT]

        def run(self, console: Console, bars: Bars) -> int:
            def ready(address: str) -> None:
                say(console, f"playing {self.world} at {address} (Ctrl-C ends it)")
                if self.options.browser and has_screen():
                    webbrowser.open(address)

            serve(World.load(self.world, choose_device(self.device)), self.options, ready)
            return 0

    return Play


def _doctor() -> type[Verb]:
    """Say what this machine is, what is installed, and how fast to expect it to be."""
    from playworld.studies.doctor import doctor

    @dataclass(frozen=True, kw_only=True)
    class Doctor(Verb):
        def run(self, console: Console, bars: Bars) -> int:
            say(console, doctor())
            return 0

    return Doctor


VERBS: dict[str, Callable[[], type[Verb]]] = {
    "record": _record,
    "ingest": _ingest,
    "train": _train,
    "evaluate": _evaluate,
    "create": _create,
    "play": _play,
    "doctor": _doctor,
}
