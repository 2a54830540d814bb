"""The whole page: one file without scripts that asks nothing of any network."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from playworld.evaluate.all_metrics import BUTTONS, SECTIONS
from playworld.evaluate.page.comparison import compared
from playworld.evaluate.page.sections import curves, pictures, relied_on, tiles
from playworld.evaluate.pictures import Grid
from playworld.evaluate.report import Report, SideBySide
from playworld.markup import Html, join, section, tag
from playworld.words import counted

VERDICTS = {
    True: "This world answers its buttons.",
    False: "These clips do not show that this world answers its buttons.",
    None: "These clips are too few to tell whether this world answers its buttons.",
}
"""By `answers` of the report."""


def render(report: Report) -> str:
    """The page of a report, of one world or of several."""
    artifacts = report.artifacts
    several = "worlds" in report
    if several:
        body = [compared(report, artifacts.grids["rollouts.png"], artifacts.films["clips"])]
        for world in report["worlds"]:
            begin = f"{world['name']}/"
            own = {
                name.removeprefix(begin): grid
                for name, grid in artifacts.grids.items()
                if name.startswith(begin)
            }
            summary = tag("summary", world["name"])
            body.append(tag("details", summary, _world(world, own, {}), class_="world"))
    else:
        body = [_world(report, artifacts.grids, artifacts.films)]
    title = " against ".join(w["name"] for w in report["worlds"]) if several else report["world"]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="generator", content="Playworld"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{title}: measured"),
        tag("style", Html(_style())),
    )
    page = tag("body", _header(title, report), *body, _notes(report), _settings(report))
    return f"<!doctype html>\n{tag('html', head, page, lang='en')}\n"


def _world(
    report: Mapping[str, Any], grids: Mapping[str, Grid], films: Mapping[str, Sequence[SideBySide]]
) -> Html:
    return tag(
        "main",
        tiles(report),
        curves(report),
        pictures(grids, films),
        BUTTONS.section(report, grids),
        relied_on(report),
        *(metric.section(report, grids) for metric in SECTIONS),
    )


def _header(title: str, report: Mapping[str, Any]) -> Html:
    data = report["data"]
    lead = (
        f"{counted(report['clips'], 'held-out clip')} from {counted(data['videos'], 'video')}, "
        f"{data['width']}x{data['height']} at {data['fps']:g} frames per second. "
        f"Brackets hold 95% intervals, over clips unless a table says otherwise. "
        f"{report['date'][:10]}"
    )
    verdict = []
    if "control" in report:
        verdict = [tag("p", tag("b", VERDICTS[report["control"]["answers"]]))]
    return tag("header", tag("h1", title), tag("p", lead, class_="lead"), *verdict)


def _notes(report: Mapping[str, Any]) -> Html:
    if not report["notes"]:
        return Html("")
    return section(
        "Notes", tag("ul", *(tag("li", note) for note in report["notes"]), class_="notes")
    )


def _settings(report: Mapping[str, Any]) -> Html:
    hardware = ", ".join(f"{name} {value}" for name, value in report["hardware"].items())
    settings = json.dumps(report["settings"], indent=2, sort_keys=True, ensure_ascii=False)
    return tag(
        "footer",
        tag("p", hardware),
        tag("details", tag("summary", "All settings"), tag("pre", settings)),
        tag("p", join(["All figures for machines are in ", tag("code", "report.json"), "."])),
    )


def _style() -> str:
    return (files("playworld.evaluate.page") / "style.css").read_text(encoding="utf-8")
