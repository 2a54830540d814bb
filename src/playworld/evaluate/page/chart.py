"""Curves over frames as SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from playworld.evaluate.page.numbers import number
from playworld.markup import Html, join, tag

WIDTH, WIDE, HEIGHT = 560, 1040, 270
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 14, 40
"""Margins, in the units of the picture."""

COLOURS = 6
"""Curves that style.css has a colour and a dash for."""


@dataclass(frozen=True)
class Curve:
    """One figure by frame number."""

    name: str
    values: Mapping[str, float | None]
    bands: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Its intervals, drawn as a shade."""
    faint: bool = False
    """A bound or a baseline, not a result."""


def chart(
    title: str,
    unit: str,
    curves: Sequence[Curve],
    marks: Mapping[float, str] | None = None,
    wide: bool = False,
) -> Html:
    """A figure with a legend; `marks` are frame numbers with what happens there."""
    points = [
        value
        for curve in curves
        for value in (*curve.values.values(), *_ends(curve))
        if value is not None
    ]
    if not points:
        return Html("")
    frames = [int(k) for curve in curves for k in curve.values]
    ends = _round(min(points), max(points))
    axes = _Axes(WIDE if wide else WIDTH, max(frames), *ends)
    drawn = [_curve(curve, index, axes, unit) for index, curve in enumerate(curves)]
    name = f"{title}, {unit}" if unit else title
    picture = tag(
        "svg",
        axes.draw(),
        *(_mark(frame, text, axes) for frame, text in (marks or {}).items()),
        *drawn,
        viewBox=f"0 0 {axes.width} {HEIGHT}",
        role="img",
        aria_label=name,
    )
    legend = [
        tag(
            "li", tag("svg", _swatch(curve, i), viewBox="0 0 26 10", aria_hidden="true"), curve.name
        )
        for i, curve in enumerate(curves)
    ]
    caption = tag("figcaption", tag("b", name), tag("ul", *legend, class_="legend"))
    return tag("figure", caption, picture, class_="chart wide" if wide else "chart")


@dataclass(frozen=True)
class _Axes:
    width: int
    last: int
    low: float
    high: float
    step: float

    def x(self, frame: float) -> float:
        span = max(1, self.last - 1)
        return LEFT + (frame - 1) / span * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)

    def draw(self) -> Html:
        parts = []
        for tick in range(round((self.high - self.low) / self.step) + 1):
            value = self.low + tick * self.step
            y = f"{self.y(value):.1f}"
            zero = "axis" if abs(value) < 1e-9 else "grid"
            parts.append(tag("line", x1=LEFT, x2=self.width - RIGHT, y1=y, y2=y, class_=zero))
            label = f"{value:.{_digits(self.step)}f}"
            parts.append(tag("text", label, x=LEFT - 8, y=y, class_="tick y"))
        for frame in _frames(self.last):
            x = f"{self.x(frame):.1f}"
            parts.append(tag("text", str(frame), x=x, y=HEIGHT - BOTTOM + 18, class_="tick x"))
        middle = (LEFT + self.width - RIGHT) / 2
        return join([*parts, tag("text", "generated frame", x=middle, y=HEIGHT - 4, class_="x")])


def _curve(curve: Curve, index: int, axes: _Axes, unit: str) -> Html:
    found = {int(k): v for k, v in curve.values.items() if v is not None}
    line = " ".join(f"{axes.x(k):.1f},{axes.y(v):.1f}" for k, v in found.items())
    parts = []
    bands = {int(k): b for k, b in curve.bands.items() if b["low"] is not None}
    if bands:
        above = [f"{axes.x(k):.1f},{axes.y(b['high']):.1f}" for k, b in bands.items()]
        below = [f"{axes.x(k):.1f},{axes.y(b['low']):.1f}" for k, b in bands.items()]
        area = " ".join([*above, *reversed(below)])
        parts.append(tag("polygon", points=area, class_="band"))
    parts.append(tag("polyline", points=line, class_="line"))
    for frame, value in found.items():
        text = f"{curve.name}, frame {frame}: {number(value)} {unit}".strip()
        if frame in bands:
            text += f" [{number(bands[frame]['low'])}, {number(bands[frame]['high'])}]"
        x, y = f"{axes.x(frame):.1f}", f"{axes.y(value):.1f}"
        parts.append(tag("circle", tag("title", text), cx=x, cy=y, r=7, class_="point"))
    return tag("g", *parts, class_=_class(curve, index))


def _mark(frame: float, text: str, axes: _Axes) -> Html:
    if not 1 < frame < axes.last:
        return Html("")
    x = axes.x(frame)
    right = x > axes.width * 0.7
    label = tag("text", text, x=x + (-6 if right else 6), y=TOP + 9, class_="end" if right else "")
    line = tag("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=TOP, y2=HEIGHT - BOTTOM)
    return tag("g", line, label, class_="mark")


def _swatch(curve: Curve, index: int) -> Html:
    return tag("g", tag("polyline", points="1,5 25,5", class_="line"), class_=_class(curve, index))


def _class(curve: Curve, index: int) -> str:
    return f"curve c{index % COLOURS}" + (" faint" if curve.faint else "")


def _ends(curve: Curve) -> list[float | None]:
    return [band[end] for band in curve.bands.values() for end in ("low", "high")]


def _round(low: float, high: float) -> tuple[float, float, float]:
    """Ends of the axis and the step between its ticks: 1, 2 or 5 times a power of ten."""
    span = max(high - low, 1e-6)
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(f * power for f in (1, 2, 5, 10) if span / (f * power) <= 6)
    return math.floor(low / step) * step, math.ceil(high / step + 1e-9) * step, step


def _frames(last: int) -> list[int]:
    """Frame numbers on the axis."""
    step = next(s for s in (1, 2, 4, 8, 16, 32, 64, 128, last) if last / s <= 16)
    return sorted({1, *range(step, last + 1, step)})


def _digits(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))
