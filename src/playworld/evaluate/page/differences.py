"""The rows of a comparison: worlds across, figures down, paired differences below."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from playworld.evaluate.all_metrics import COMPARED
from playworld.evaluate.metric import Compared
from playworld.evaluate.page.frames import frame_numbers
from playworld.evaluate.page.numbers import band, signed, some_frames
from playworld.words import counted

Change = Mapping[str, Any] | None
COLUMN = 24
"""Characters of a world's column in a terminal."""


def comparison_table(report: Mapping[str, Any]) -> str:
    """Worlds across, figures down; below a figure its difference from the first world."""
    data, names = report["data"], [world["name"] for world in report["worlds"]]
    lines = [
        f"{len(names)} worlds on the same {counted(report['clips'], 'held-out clip')} from "
        f"{counted(data['videos'], 'video')}; below each figure the difference from "
        f"{report['compared']['baseline']} on the same clips [95% interval; * leaves out 0]",
        "",
    ]
    rows = dict(compared_rows(report))
    wide = max(map(len, rows))

    def line(title: str, cells: Iterable[str]) -> str:
        return f"{title:<{wide}}" + "".join(f"{cell:>{COLUMN}}" for cell in cells)

    lines.append(line("", names))
    for title, cells in rows.items():
        lines.append(line(title, (value for value, _ in cells)))
        if any(change for _, change in cells):
            lines.append(line("", (_change(change) for _, change in cells)))
    lines += ["", *(f"note: {note}" for note in report["notes"])]
    return "\n".join(lines).rstrip() + "\n"


def compared_rows(report: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, Change]]]]:
    """Title of each row, then for each world its figure and the paired difference, if any.

    A world without that figure has a dash.
    """
    worlds, changes = report["worlds"], report["compared"]["differences"]
    every = [{row.title: row for row in _figures(world)} for world in worlds]
    for title, row in {title: row for found in every for title, row in found.items()}.items():
        texts = [found[title].text if title in found else "-" for found in every]
        paired = [changes.get(world["name"], {}).get(row.paired) for world in worlds]
        yield title, list(zip(texts, paired, strict=True))


def _figures(world: Mapping[str, Any]) -> Iterator[Compared]:
    frames = some_frames(frame_numbers(world), (1, 4, 16, 32, 64))
    for metric in COMPARED:
        for chart in metric.charts:
            yield from (Compared(*row) for row in chart.compared_rows(world, frames))
        yield from metric.compared(world)
    yield Compared("refinements", str(world["cost"]["steps"]))


def _change(change: Change) -> str:
    if change is None or change["mean"] is None:
        return ""
    star = "*" if change["sure"] else ""
    return f"{signed(change['mean'])} {band(change, 2)}{star}"
