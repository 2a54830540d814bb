"""Where the codes lead a robot's hand, held against the true commands."""

from collections.abc import Iterator, Mapping
from typing import Any

from playworld.evaluate.buttons import ARROWS
from playworld.evaluate.context import Context
from playworld.evaluate.control.steering import commands, measure_steering
from playworld.evaluate.metric import Measured, Metric, Report, Row
from playworld.evaluate.page.numbers import band, number, share, share_band, signed
from playworld.evaluate.pictures import Grid
from playworld.markup import Html, join, section, table, tag

HEIGHT = {1: "▲", 0: "", -1: "▼"}
"""How the third direction is drawn, beside the arrow of the first two as seen from above."""


def _measure(context: Context) -> Measured:
    """None without action files of numbers."""
    commanded, num_codes = commands(context.held), context.world.num_actions
    codes = context.played.actions
    found = commanded and measure_steering(*commanded, codes, num_codes, context.seed)
    return Measured({"control": {"steering": found}})


def rows(report: Report) -> Iterator[Row]:
    """The rows of the terminal."""
    found = report["control"].get("steering")
    if found is None:
        return
    explained, agree = found["explained"], found["consistency"]
    yield Row(
        "codes explain commands",
        f"{share(explained['mean'])} {share_band(explained)} of {', '.join(found['ways'])}, "
        f"by chance {share(explained['chance'])}",
    )
    yield Row(
        "  moves of a code agree",
        f"{number(agree['mean'])} {band(agree, 2)}, by chance {number(agree['chance'])}",
    )
    yield Row("  codes lead", ", ".join(row["leads"] or "-" for row in found["codes"]))


def steering(report: Report, grids: Mapping[str, Grid]) -> Html:
    """What the codes stand for, held against the true commands."""
    found = report["control"]["steering"]
    if found is None:
        return Html("")
    rows = [
        (
            join([tag("span", arrow(row, found["ways"]), class_="arrow"), str(code + 1)]),
            row["leads"] or "-",
            *(signed(value) for value in row["command"] or [None] * len(found["names"])),
            share(row["moves"]),
            number(row["consistency"]),
            share(row["share"]),
        )
        for code, row in enumerate(found["codes"])
    ]
    head = ("button", "leads", *found["names"], "moves", "agree", "share of the video")
    explained = [(", ".join(found["ways"]), found["explained"]), *found["numbers"].items()]
    shares = [
        (name, join([share(f["mean"]), tag("small", f" {share_band(f)}")]), share(f["chance"]))
        for name, f in explained
        if f["mean"] is not None
    ]
    agree = found["consistency"]
    return section(
        "Where the codes lead",
        table(head, rows),
        tag(
            "p",
            f"The moves of a code agree by {number(agree['mean'])} {band(agree, 2)} on average "
            f"(1 if all point the same way, {number(agree['chance'])} by chance).",
            class_="about",
        ),
        table(("command", "share explained by the code", "by another clip's codes"), shares),
        about="Codes against the true commands of held-out video "
        f"({found['transitions']:,} transitions), which the latent action model has never seen. "
        f"Arrows show {_legend(found['ways'])}.",
    )


def arrow(row: Mapping[str, Any], ways: list[str]) -> str:
    """Where a code leads: an arrow for the first two directions, a triangle for the third."""
    if row["leads"] is None:
        return ""
    words = row["leads"].split()
    signs = [int(f"+{way}" in words) - int(f"-{way}" in words) for way in (*ways, "", "")][:3]
    flat = (signs[0], -signs[1])  # upwards on the page is towards smaller y
    return ("" if flat == (0, 0) and signs[2] else ARROWS[flat]) + HEIGHT[signs[2]]


def _legend(ways: list[str]) -> str:
    drawn = zip(ways, ("to the right", "upwards", f"by {HEIGHT[1]}"), strict=False)
    return ", ".join(f"+{way} {how}" for way, how in drawn)


STEERING = Metric("steering", _measure, rows=rows, section=steering)
