"""The part of the page that puts worlds side by side."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from playworld.evaluate.all_metrics import COMPARED
from playworld.evaluate.page.differences import compared_rows
from playworld.evaluate.page.frames import window_mark
from playworld.evaluate.page.media import films, frames_table
from playworld.evaluate.page.numbers import band, signed
from playworld.evaluate.pictures import Grid
from playworld.evaluate.report import SideBySide
from playworld.markup import Html, join, section, table, tag


def compared(report: Mapping[str, Any], grid: Grid, shown: Sequence[SideBySide]) -> Html:
    """Table, curves, films and frames of all worlds."""
    baseline = report["compared"]["baseline"]
    return tag(
        "main",
        section(
            "Side by side",
            _table(report),
            about=f"The same clips, seeds and noise for all. Below each figure stands its "
            f"difference from {baseline} on the same clips, with the interval of that difference; "
            "in colour where the interval leaves out 0. Returns differ over the starts that both "
            "worlds left.",
        ),
        section("Frame by frame", tag("div", *_curves(report), class_="charts")),
        section(
            "Films",
            films(shown),
            about="Each world with the actions that it finds in the true video itself.",
        ),
        section("Frames", frames_table(grid)),
    )


def _table(report: Mapping[str, Any]) -> Html:
    rows = [
        (title, *(_cell(value, change) for value, change in cells))
        for title, cells in compared_rows(report)
    ]
    return table(("", *(world["name"] for world in report["worlds"])), rows)


def _cell(value: str, change: Mapping[str, Any] | None) -> Html:
    if change is None or change["mean"] is None:
        return join([value])
    text = f"{signed(change['mean'])} {band(change, 2)}"
    return join([value, tag("br"), tag("small", text, class_="sure" if change["sure"] else "")])


def _curves(report: Mapping[str, Any]) -> Iterator[Html]:
    worlds = report["worlds"]
    same = len({world["window"] for world in worlds}) == 1
    marks = window_mark(worlds[0]) if same else {}
    for metric in COMPARED:
        for chart in metric.charts:
            if chart.compared:
                yield chart.draw_compared(worlds, marks)
