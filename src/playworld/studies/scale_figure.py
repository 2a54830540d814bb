"""A scaling study as a figure: loss against operations, parameters, tokens and batches."""

import colorsys
from collections.abc import Sequence

import numpy as np
from PIL import Image

from playworld.images import font
from playworld.studies.plot_axes import COLOURS, INK, RIGHT, TOP, WIDTH, Colour, Panel, side_by_side
from playworld.studies.power_law import Fitted
from playworld.studies.scale_report import FURTHER, Found, ScaleRun

LINE = 19
"""Pixels from one name of a curve to the next."""


def draw_scale(found: Found) -> Image.Image:
    """Loss against operations, parameters, tokens and batches."""
    every = found.runs
    height = (
        min(run.loss.min() for run in every) * 0.8,
        max(run.loss.max() for run in every) * 1.02,
    )
    flops = [x for run in every for x in run.flops]
    by_flops = _panel("Loss against training FLOPs", "FLOPs", flops, height, found.flops)
    others = [(f"{r.size}, {r.batch_size} clips", r.flops, r) for r in every[len(found.family) :]]
    _curves(by_flops, [(run.size, run.flops, run) for run in found.family] + others)

    sizes = [run.parameters for run in found.family]
    title = "Loss against parameters, all tokens seen"
    by_size = _panel(title, "parameters", sizes, height, found.parameters)
    by_size.dots([(run.parameters, run.loss[-1]) for run in found.family], INK)

    largest = found.family[-1]
    title = f"Loss against tokens, {largest.size}"
    by_tokens = _panel(title, "tokens", largest.tokens, height, found.tokens)
    by_tokens.dots(list(zip(map(float, largest.tokens), largest.loss, strict=True)), INK)
    panels = [by_flops, by_size, by_tokens]
    if found.batches:
        trained = [tokens for run in found.batches for tokens in run.tokens]
        title = f"Loss against tokens, {found.batches[0].size} by clips a step"
        panels.append(_panel(title, "tokens", trained, height, None))
        _curves(panels[-1], [(f"{r.batch_size} clips", r.tokens, r) for r in found.batches])
    return side_by_side(panels)


def _panel(
    title: str, across: str, x: Sequence[float], height: tuple[float, float], law: Fitted | None
) -> Panel:
    """Axes with a law: whole where it was measured, dashed beyond, with its band."""
    end = max(x) * (FURTHER if law else 1)
    panel = Panel(title, across, (min(x) / 1.3, end * 1.3), height)
    if law is None:
        return panel
    places = np.geomspace(law.range[0], end, 60)
    losses = [law.loss(float(place)) for place in places]
    low, high = (
        [(float(p), float(np.clip(t[side], *height))) for p, t in zip(places, losses, strict=True)]
        for side in (1, 2)
    )
    panel.band(low, high, COLOURS[0])
    curve = [
        (float(p), t[0])
        for p, t in zip(places, losses, strict=True)
        if height[0] <= t[0] <= height[1]
    ]
    within = [point for point in curve if point[0] <= law.range[1]]
    panel.line(within, INK)
    panel.line(curve[max(0, len(within) - 1) :], INK, dashed=True)
    return panel


def _curves(panel: Panel, curves: Sequence[tuple[str, Sequence[float], ScaleRun]]) -> None:
    """Every curve in a colour of its own, and their names in the corner that losses leave free."""
    colours = curve_colours(len(curves))
    for number, ((name, x, run), colour) in enumerate(zip(curves, colours, strict=True)):
        points = list(zip(map(float, x), run.loss, strict=True))
        panel.line(points, colour)
        panel.dots(points, colour)
        place = (WIDTH - RIGHT - 8, TOP + 10 + number * LINE)
        panel.draw.text(place, name, colour, font(15), anchor="rm")


def curve_colours(count: int) -> list[Colour]:
    """As many different colours, readable on white."""
    if count <= len(COLOURS):
        return list(COLOURS[:count])
    wheel = [colorsys.hsv_to_rgb(k / count, 0.9, (0.75, 0.5)[k % 2]) for k in range(count)]
    return [(round(255 * r), round(255 * g), round(255 * b)) for r, g, b in wheel]
