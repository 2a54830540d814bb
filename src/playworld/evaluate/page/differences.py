"""The rows of a comparison: worlds across, figures down, paired differences below."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from playworld.evaluate.page.numbers import (
    ARMS,
    BITS,
    answered,
    band,
    large,
    number,
    signed,
    some_frames,
)
from playworld.words import counted

Change = Mapping[str, Any] | None
CODES = {
    "movement": "codes against movement",
    "horizontal": "  left / none / right",
    "keys": "codes against keys",
}
"""What agreement is called, by its place in the report."""
RELIANCE = (
    ("landing", "share", "jumps land"),
    ("held", "share", "held for 40 presses"),
    ("walk", "moving_frames", "a walk to the right, frames"),
    ("mirror", "agreement", "mirrored codes"),
    ("look", "revealed_sharpness", "new area, sharpness"),
)
"""What a player relies on: part of the report, figure, title."""
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
    """Title of each row, then for each world its figure and the paired difference, if any."""
    worlds, changes = report["worlds"], report["compared"]["differences"]
    ways = {row["way"]: None for world in worlds for row in world["control"]["returns"]}

    def row(title: str, key: str, values: list[str]) -> tuple[str, list[tuple[str, Change]]]:
        found = [changes.get(world["name"], {}).get(key) for world in worlds]
        return title, list(zip(values, found, strict=True))

    def figures(world: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
        rollout, control = world["rollout"], world["control"]
        frames = some_frames(rollout["psnr"], (1, 4, 16, 32, 64))
        yield "tokenizer PSNR, dB", "tokenizer PSNR", number(world["tokenizer"]["psnr"])
        for k in frames:
            value = number(rollout["psnr"][k])
            yield f"PSNR, frame {k}, dB", f"rollout PSNR, frame {k}", value
        for k in frames:
            value = number(rollout["ssim"][k], 3)
            yield f"SSIM, frame {k}", f"rollout SSIM, frame {k}", value
        for k in frames if "lpips" in rollout else ():
            yield f"LPIPS, frame {k}", f"LPIPS, frame {k}", number(rollout["lpips"][k], 3)
        for k in frames:
            value = number(control["delta_psnr"][k]["mean"])
            yield f"delta PSNR, frame {k}, dB", f"delta PSNR, frame {k}", value
        for arm, title in ARMS.items() if control["arms"] else ():
            for k in frames:
                key = f"delta PSNR against {arm} actions, frame {k}"
                yield f"  {title}, frame {k}", key, number(control["arms"][arm][k]["mean"])
        for found in world["fidelity"]:
            where = found["same"]
            yield found["name"], found["name"], "-" if not where else number(where["world"]["mean"])
        for direction, found in control["directions"].items():
            yield f"{direction} works", f"{direction} works", number(found["share"])
        for part, title in CODES.items():
            if control[part] is not None:
                yield title, f"codes against {part}", number(control[part]["balanced"], 3)
        for kind, found in control["information"].items():
            net = found and found["bits"] - found["chance"]
            yield f"{BITS[kind]}, above chance", f"bits about {kind}", number(net)
        shares = {row["way"]: row["returns"] for row in control["returns"]}
        for way in ways:
            yield f"{way} returns", f"{way} returns", number(shares.get(way))
        for part, key, title in RELIANCE:
            if world[part] is not None:
                yield title, "", number(world[part][key], 2)
        for name, played in world["long_play"].items():
            value = number(played["share_of_frames"])
            title = f"long play, {name} moves"
            yield title, f"{title}: frames that look real", value
        yield "frames per second", "", number(world["speed"]["fps_median"], 1)
        yield "operations per frame", "", f"{large(world['cost']['flops_per_frame'])}FLOP"
        yield "answers its buttons", "", answered(control["answers"])
        yield "refinements", "", str(world["cost"]["steps"])

    for same in zip(*(figures(world) for world in worlds), strict=True):
        title, key, _ = same[0]
        yield row(title, key, [value for _, _, value in same])


def _change(change: Change) -> str:
    if change is None or change["mean"] is None:
        return ""
    star = "*" if change["sure"] else ""
    return f"{signed(change['mean'])} {band(change, 2)}{star}"
