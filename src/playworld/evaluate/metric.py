"""What a metric is: how it is measured, and how it prints on the terminal and on the page."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from playworld.evaluate.context import Context
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.page.frames import Chart
from playworld.evaluate.pictures import Grid
from playworld.evaluate.report import Paired, SideBySide
from playworld.markup import Html

Report = Mapping[str, Any]
"""The report of one world: what report.json holds."""


class Row(NamedTuple):
    """A row of the terminal's table."""

    name: str
    text: str
    about: str = ""
    """What it means; with it the row also stands on the page."""


class Compared(NamedTuple):
    """A row of a comparison."""

    title: str
    text: str
    paired: str = ""
    """Name of its paired difference, where there is one."""


class Tile(NamedTuple):
    """A headline figure of the page."""

    title: str
    value: str
    unit: str
    interval: str
    about: str


@dataclass(frozen=True)
class Measured:
    """What measuring a metric gives."""

    figures: Mapping[str, Any]
    """Its part of report.json; metrics that share a key each give a part of the object there."""
    paired: Mapping[str, Paired] = field(default_factory=dict)
    """What a comparison of worlds pairs, by the name of the difference."""
    grids: Mapping[str, Grid] = field(default_factory=dict)
    """By the file name of their picture."""
    films: Mapping[str, list[SideBySide]] = field(default_factory=dict)


def no_frames(options: EvaluateOptions, buttons: int) -> int:
    """Of a metric that plays nothing of its own."""
    return 0


def nothing(report: Report) -> tuple[()]:
    """Of a metric that does not print there."""
    return ()


def no_section(report: Report, grids: Mapping[str, Grid]) -> Html:
    """Of a metric that has none."""
    return Html("")


@dataclass(frozen=True)
class Metric:
    """A quantity or a few that are measured together; the printing sees only the report.

    A metric that the options switch off measures to None, or to nothing, and prints nothing.
    """

    name: str
    """For the progress."""
    measure: Callable[[Context], Measured]
    frames: Callable[[EvaluateOptions, int], int] = no_frames
    """About how many frames it plays, of these options and that many buttons: for the progress."""
    charts: tuple[Chart, ...] = ()
    """Figures by generated frame: columns of the terminal's table, curves of the page."""
    rows: Callable[[Report], Iterable[Row]] = nothing
    lines: Callable[[Report], Iterable[str]] = nothing
    """A table of its own on the terminal."""
    compared: Callable[[Report], Iterable[Compared]] = nothing
    """Rows of a comparison, after those of `charts`; a world without one of them has a dash."""
    tiles: Callable[[Report], Iterable[Tile]] = nothing
    section: Callable[[Report, Mapping[str, Grid]], Html] = no_section
