"""Figures by generated frame, as rows of the terminal, rows of a comparison and curves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playworld.evaluate.page.chart import Curve, chart
from playworld.evaluate.page.numbers import band, number
from playworld.markup import Html
from playworld.words import counted

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One figure by frame number."""

    path: tuple[str, ...]
    """Where it stands in the report: intervals by frame number, or means by frame number whose
    intervals, if there are any, stand beside them under the same name with `_interval`."""
    curve: str
    """Its name in the chart."""
    row: str = ""
    """Its name on the terminal, where it has a row."""
    digits: int = 2
    interval_row: bool = False
    """Whether its interval has a row below."""
    faint: bool = False
    """A bound or a baseline, not a result."""
    same: bool = False
    """The same for all worlds, and drawn in a comparison."""
    paired: str = ""
    """Name of its paired difference between worlds, without the frame number."""

    def bands(self, report: Report) -> Mapping[str, Any]:
        """Its intervals by frame number; empty where it has none."""
        *place, key = self.path
        found = _at(report, place)
        own = found.get(key) or {}
        if own and isinstance(next(iter(own.values())), Mapping):
            return own
        return found.get(f"{key}_interval", {})

    def means(self, report: Report, frames: Sequence[str]) -> dict[str, float | None]:
        """Its values by frame number; a figure of whole clips is the same at all `frames`."""
        found = _at(report, self.path[:-1]).get(self.path[-1])
        if isinstance(found, Mapping):
            return {k: v["mean"] if isinstance(v, Mapping) else v for k, v in found.items()}
        return {} if found is None else dict.fromkeys(frames, found)

    def drawn(self, report: Report, name: str | None = None) -> Curve:
        """Its curve."""
        means = self.means(report, frame_numbers(report))
        bands = {} if self.faint else self.bands(report)
        return Curve(name or self.curve, means, bands, self.faint)


@dataclass(frozen=True)
class Chart:
    """Lines that are drawn together; the first one is the figure itself."""

    title: str
    lines: tuple[Line, ...]
    unit: str = ""
    wide: bool = False
    compared: bool = True
    """Whether a comparison draws the figure of all worlds."""

    def rows(self, report: Report, frames: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
        """Its rows on the terminal, with a cell for each of these frames."""
        for line in self.lines:
            means = line.means(report, frames)
            if not line.row or not means:
                continue
            yield self._named(line.row), [number(means[k], line.digits) for k in frames]
            if line.interval_row:
                bands = line.bands(report)
                yield "", [band(bands[k]) for k in frames]

    def compared_rows(
        self, report: Report, frames: Sequence[str]
    ) -> Iterator[tuple[str, str, str]]:
        """For each paired line and frame the title, the figure, and the name of its difference."""
        for line in self.lines:
            means = line.means(report, frames) if line.paired else {}
            title = line.row.removeprefix("rollout ")
            for k in frames if means else ():
                named = self._named(f"{title}, frame {k}")
                yield named, number(means[k], line.digits), f"{line.paired}, frame {k}"

    def draw(self, report: Report, marks: Mapping[float, str]) -> Html:
        """Its curves for one world; nothing where it was not measured."""
        if not self.lines[0].means(report, ()):
            return Html("")
        drawn = [line.drawn(report) for line in self.lines]
        curves = [curve for curve in drawn if curve.values]
        return chart(self.title, self.unit, curves, marks, self.wide)

    def draw_compared(self, worlds: Sequence[Report], marks: Mapping[float, str]) -> Html:
        """The curves of several worlds, and those that are the same for all."""
        curves = [self.lines[0].drawn(world, world["name"]) for world in worlds]
        curves += [line.drawn(worlds[0]) for line in self.lines if line.same]
        shown = [curve for curve in curves if curve.values]
        return chart(self.title, self.unit, shown, marks, self.wide)

    def _named(self, title: str) -> str:
        """With the unit; rows that belong to the one above are indented and have none."""
        return f"{title}, {self.unit}" if self.unit and title[:1] != " " else title


def frame_numbers(report: Report) -> list[str]:
    """Numbers of all generated frames."""
    return list(report["rollout"]["psnr"])


def headline(frames: Sequence[str], frame: str = "4") -> str:
    """The frame number that headlines read: the paper's, or the last where fewer were made."""
    return frame if frame in frames else frames[-1]


def window_mark(report: Report) -> dict[float, str]:
    """Where the window of frames that the world was trained on ends."""
    first = report["window"] - report["settings"]["prompt_frames"]
    return {first + 0.5: f"window of {counted(report['window'], 'frame')} full"}


def _at(report: Report, path: Sequence[str]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = report
    for key in path:
        found = found.get(key) or {}
    return found
