"""The part of the page that puts worlds side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

from playworld.evaluate.page.chart import Curve, chart
from playworld.evaluate.page.differences import compared_rows
from playworld.evaluate.page.media import films, frames_table
from playworld.evaluate.page.numbers import band, signed
from playworld.evaluate.page.sections import window_mark
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


def _curves(report: Mapping[str, Any]) -> list[Html]:
    worlds = report["worlds"]
    first = worlds[0]
    psnr, ssim, lpips = (
        [
            Curve(world["name"], world["rollout"][key], world["rollout"][f"{key}_interval"])
            for world in worlds
            if key in world["rollout"]
        ]
        for key in ("psnr", "ssim", "lpips")
    )
    delta = [
        Curve(
            world["name"],
            {k: found["mean"] for k, found in world["control"]["delta_psnr"].items()},
            world["control"]["delta_psnr"],
        )
        for world in worlds
    ]
    sharp = [Curve(world["name"], world["rollout"]["sharpness"]) for world in worlds]
    still = Curve("copy of the last frame", first["rollout"]["copy_last"], faint=True)
    true = Curve("true video", first["rollout"]["true_sharpness"], faint=True)
    marks = window_mark(first) if len({world["window"] for world in worlds}) == 1 else {}
    return [
        chart("PSNR", "dB", [*psnr, still], marks, wide=True),
        chart("SSIM", "", ssim, marks),
        chart("LPIPS", "", lpips, marks),
        chart("Delta PSNR", "dB", delta, marks),
        chart("Sharpness (variance of the Laplacian)", "", [*sharp, true], marks),
    ]
