"""The parts of the page about one world that put several metrics together."""

from collections.abc import Mapping, Sequence
from typing import Any

from playworld.evaluate.all_metrics import METRICS, TILES
from playworld.evaluate.metric import Tile
from playworld.evaluate.page.frames import window_mark
from playworld.evaluate.page.media import films, frames_table
from playworld.evaluate.pictures import Grid
from playworld.evaluate.report import SideBySide
from playworld.markup import Html, join, section, table, tag

MOVES = {
    "long-recorded": "The moves of true clips, one after the other",
    "long-random": "Random buttons, each held for a while",
}
"""Whose moves long play was played with, by the name of its pictures."""


def tiles(report: Mapping[str, Any]) -> Html:
    """The headline figures, each with a sentence that says what it means."""
    shown = (_tile(tile) for metric in TILES for tile in metric.tiles(report))
    return tag("div", *shown, class_="tiles")


def _tile(tile: Tile) -> Html:
    unit = [tag("small", f" {tile.unit}")] if tile.unit else []
    return tag(
        "div",
        tag("h3", tile.title),
        tag("div", tile.value, *unit, class_="value"),
        tag("div", tile.interval or Html("&nbsp;"), class_="range"),
        tag("p", tile.about),
        class_="tile",
    )


def curves(report: Mapping[str, Any]) -> Html:
    """Figures over the frames."""
    marks = window_mark(report)
    shown = [chart.draw(report, marks) for metric in METRICS for chart in metric.charts]
    return section(
        "Frame by frame",
        tag("div", *shown, class_="charts"),
        about="Frame k is the k-th generated one; shades are 95% intervals over clips. Point at a "
        "curve for its numbers. What leaves the picture and comes back as new terrain cannot be "
        "known, so PSNR has to fall, less so over the part in view: what the prompt's last frame "
        "showed already. Sharpness should not fall.",
    )


def pictures(grids: Mapping[str, Grid], shown: Mapping[str, Sequence[SideBySide]]) -> Html:
    """Films and grids of rollouts and long play."""
    parts = []
    if shown.get("clips"):
        parts.append(
            section(
                "Films",
                films(shown["clips"]),
                about="Held-out clips. The prompt comes first and is the same everywhere; then "
                "the true video, the world with the actions it finds in it, and the world with "
                "random ones.",
            )
        )
    if "rollouts.png" in grids:
        parts.append(section("Frames", frames_table(grids["rollouts.png"])))
    for name, moves in MOVES.items():
        inside = [films(shown[name])] if shown.get(name) else []
        inside += [frames_table(grids[f"{name}.png"])] if f"{name}.png" in grids else []
        if inside:
            about = f"{moves}; nothing true is seen after the start."
            parts.append(section("Long play", *inside, about=about))
    return join(parts)


def relied_on(report: Mapping[str, Any]) -> Html:
    """The rows that say what they mean: what a player relies on."""
    rows = [row for metric in METRICS for row in metric.rows(report) if row.about]
    return section(
        "What a player relies on",
        table(("", "found", "how"), rows, "sentences"),
        about="Jumps that land, buttons that can be held, and a picture that stays itself.",
    )
