"""A report on the terminal: plain columns."""

from collections.abc import Iterator
from typing import Any

from playworld.evaluate.all_metrics import METRICS
from playworld.evaluate.page.differences import comparison_table
from playworld.evaluate.page.frames import frame_numbers
from playworld.evaluate.page.numbers import some_frames
from playworld.words import counted


def format_table(report: dict[str, Any]) -> str:
    """The report as lines of aligned text for a terminal, of one world or of several."""
    if "worlds" in report:
        return comparison_table(report)
    clips, data = report["clips"], report["data"]
    lines = [
        f"{report['world']} on {counted(clips, 'held-out clip')} from "
        f"{counted(data['videos'], 'video')}, "
        f"{data['width']}x{data['height']} at {data['fps']:g} fps; [95% interval over clips]",
        "",
        *_by_frame(report),
        "",
        *(f"{row.name:<28}{row.text}" for metric in METRICS for row in metric.rows(report)),
    ]
    for metric in METRICS:
        if own := list(metric.lines(report)):
            lines += ["", *own]
    lines += ["", *(f"note: {note}" for note in report["notes"])]
    return "\n".join(lines).rstrip() + "\n"


def _by_frame(report: dict[str, Any]) -> Iterator[str]:
    """The rows that have a column for each generated frame."""
    frames = some_frames(frame_numbers(report), (1, 2, 4, 8, 16, 32, 64))
    rows = [("generated frame", frames)]
    for metric in METRICS:
        for chart in metric.charts:
            rows += chart.rows(report, frames)
    for name, cells in rows:
        yield f"{name:<28}" + "".join(f"{cell:>14}" for cell in cells)
