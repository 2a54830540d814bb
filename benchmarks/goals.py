"""What a world reaches of the goals for one that obeys, in any picture, as a table in Markdown.

    playworld evaluate WORLD CLIPS --out REPORT
    python benchmarks/unseen_play.py WORLD --sets TEST/photo TEST/drawn --json unseen.json
    python benchmarks/goals.py REPORT --unseen unseen.json

Shares of starts are compared with the goals whatever the number of starts. Left and right reach
theirs with 90% of what the true key does from such moments, because walls stop everybody. A dash in
the last column is a figure that the report does not have.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from playworld.evaluate.page.numbers import band, number, share, share_band

Figures = Mapping[str, Any]

WALLS = 0.7
"""Least share of the true key that walls explain: a key that works more rarely has other reasons,
and 90% of the starts are asked for."""


class Row(NamedTuple):
    """A line of the table."""

    what: str
    goal: str
    figure: str
    interval: str
    reached: bool | None


def at_least(
    what: str, goal: float, figure: float | None, interval: Figures | None = None, unit: str = ""
) -> Row:
    """A figure that has to reach a number; one with the unit % is a share, without one a count."""
    shown, around = (share, share_band) if unit == "%" else (number, band)
    least = shown(goal) if unit == "%" else f"{goal:g}{unit}"
    text = f"{figure:.3g}" if unit == "" and figure is not None else shown(figure)
    reached = None if figure is None else figure >= goal
    return Row(what, f">= {least}", text, around(interval) if interval else "", reached)


def pictures(report: Figures) -> Iterator[Row]:
    """Rollouts along held-out video, and how much the actions matter in them."""
    rollout, delta = report["rollout"], report["control"]["delta_psnr"]
    for frame, goal in (("1", 28), ("4", 24), ("16", 19)):
        figure = rollout["psnr"].get(frame)
        bounds = rollout["psnr_interval"].get(frame)
        yield at_least(f"rollout PSNR, frame {frame}", goal, figure, bounds, " dB")
    frame, gain = min(rollout["gain"].items(), key=lambda item: item[1])
    bounds = rollout["gain_interval"][frame]
    yield at_least(f"above a copy of the last frame, least (frame {frame})", 0, gain, bounds, " dB")
    fourth = delta.get("4", {"mean": None, "low": None})
    yield at_least("delta PSNR, frame 4", 6, fourth["mean"], fourth, " dB")
    yield at_least("its lower bound, on unseen games", 0.5, fourth["low"], unit=" dB")


def buttons(report: Figures) -> Iterator[Row]:
    """What buttons do from held-out starts."""
    for direction, found in report["control"]["directions"].items():
        row = at_least(direction, 0.9, found["share"], found["share_interval"], "%")
        key = found["key_in_video"]
        if direction in ("left", "right") and key is not None and key >= WALLS:
            reached = found["share"] >= 0.9 * key
            row = row._replace(what=f"{direction}; the true key {share(key)}", reached=reached)
        yield row
    landing, held, walk = (report[key] or {} for key in ("landing", "held", "walk"))
    landed = landing.get("share")
    yield at_least("a jump, then right: lands", 0.95, landed, landing.get("interval"), "%")
    yield at_least("held for 40 presses", 0.96, held.get("share"), held.get("interval"), "%")
    yield at_least("a long walk: frames that move, least of all starts", 50, walk.get("least"))
    for name in ("random", "recorded"):
        found = report["long_play"].get(name, {})
        what = f"{found.get('frames', 200)} frames, {name} moves:"
        for key, does in (("looks_real", "look real"), ("moves", "left and right still move")):
            count, of = found.get(key), found.get("rollouts", 20)
            whole = None if count is None else count == of
            yield Row(f"{what} {does}", f"{of} of {of}", number(count, 0), "", whole)


def looks(report: Figures, unseen: Figures) -> Iterator[Row]:
    """Pictures of unseen looks, and the look of the prompt."""
    of = unseen.get("pictures", 20)
    for key, goal, what in (
        ("sides", 0.9, "left and right go that way"),
        ("upright", 0.8, "up and down do, or jump"),
        ("look", 0.8, f"look kept after {unseen.get('presses', 32)} presses"),
    ):
        row = at_least(f"{of} unseen pictures: {what}", round(goal * of), unseen.get(key))
        yield row._replace(goal=f"{row.goal} of {of}")
    look = report["look"] or {"psnr": {}, "psnr_interval": {}, "revealed_sharpness": None}
    bounds = look["psnr_interval"].get("32")
    yield at_least("in view after 32 presses", 24, look["psnr"].get("32"), bounds, " dB")
    sharp = look["revealed_sharpness"]
    within = None if sharp is None else 0.5 <= sharp <= 1.5
    yield Row("sharpness of new area", "0.5 to 1.5", number(sharp), "", within)


def codes(report: Figures) -> Iterator[Row]:
    """What latent actions stand for."""
    keys, mirror = report["keys"] or {}, report["mirror"] or {}
    agreement = keys.get("agreement")
    yield at_least("codes against keys by their effect", 0.7, agreement, keys.get("interval"), "%")
    known = report["control"]["dictionary"]
    filled = (known.get("effective_keys") or known.get("keys") or {}).get("50")
    figure = filled and filled["balanced"]
    yield at_least("the same, a dictionary of 50 labels", 0.7, figure, filled, "%")
    figure = mirror.get("agreement")
    yield at_least(
        "mirrored video has the mirrored code", 0.85, figure, mirror.get("interval"), "%"
    )


def speed(report: Figures) -> Iterator[Row]:
    """Frames per second of one player."""
    threads = report["hardware"]["threads"]
    figure = report["speed"]["fps_median"]
    yield at_least(f"frames/s, threads: {threads}", 10 if threads == 1 else 15, figure)


def main() -> None:
    """Print a table for every world of the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=Path, help="folder that `playworld evaluate` wrote")
    parser.add_argument("--unseen", type=Path, help="JSON that unseen_play.py wrote")
    asked = parser.parse_args()
    whole = json.loads((asked.report / "report.json").read_text())
    unseen = json.loads(asked.unseen.read_text()) if asked.unseen else {}
    for report in whole.get("worlds", [whole]):
        data, starts = report["data"], report["control"]["starts"]
        print(
            f"{report['world']}: {report['clips']} clips of {data['videos']} videos, {starts} "
            f"starts, {report['date'][:10]}\n\n| goal | | figure | 95% interval | reached |\n"
            "|---|---|---|---|---|"
        )
        rows = [*pictures(report), *buttons(report), *looks(report, unseen)]
        rows += [*codes(report), *speed(report)]
        for row in rows:
            reached = {True: "yes", False: "no", None: "-"}[row.reached]
            print(f"| {row.what} | {row.goal} | {row.figure} | {row.interval} | {reached} |")
        print(f"\nreached: {sum(row.reached is True for row in rows)} of {len(rows)}")


if __name__ == "__main__":
    main()
