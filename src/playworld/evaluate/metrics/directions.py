"""Left, right, jump and stay: the button for each, and the share of starts from which it works."""

from collections.abc import Iterator

from playworld.evaluate.buttons import PRESSES
from playworld.evaluate.context import Context
from playworld.evaluate.directions import goes, measure_directions
from playworld.evaluate.intervals import A_SHARE, Samples
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Tile
from playworld.evaluate.page.numbers import number, share, share_band
from playworld.words import counted


def _measure(context: Context) -> Measured:
    buttons, starts = context.world.buttons, context.button_starts
    found = measure_directions(context.shifts, buttons, context.real, PRESSES)
    paired = {
        f"{direction} works": Samples(goes(context.shifts[button], direction).float(), A_SHARE)
        for direction, button in context.best.items()
    }
    figures = {"directions": found, "starts": len(starts.video), "level_starts": starts.level}
    return Measured({"control": figures}, paired)


def _lines(report: Report) -> Iterator[str]:
    title = f"from {counted(report['control']['starts'], 'start')}"
    yield f"{title:<16}{'button':<16}{'works':>18}{'code in video':>16}{'key in video':>14}"
    for direction, row in report["control"]["directions"].items():
        works = f"{row['share']:.0%} {share_band(row['share_interval'])}"
        code, key = share(row["in_video"]), share(row["key_in_video"])
        button = f"{row['button'] + 1} ({row['label']})"
        yield f"{direction:<16}{button:<16}{works:>18}{code:>16}{key:>14}"


def _compared(report: Report) -> Iterator[Compared]:
    for direction, found in report["control"]["directions"].items():
        name = f"{direction} works"
        yield Compared(name, number(found["share"]), name)


def _tile(report: Report) -> Iterator[Tile]:
    control = report["control"]
    works = control["directions"]["right"]
    key = ""
    if works["key_in_video"] is not None:
        seen = share(works["key_in_video"])
        key = f" In the video the key for right does so in {seen}: walls stop everybody."
    yield Tile(
        "Right goes right",
        share(works["share"]),
        "",
        share_band(works["share_interval"]),
        f"From {counted(control['starts'], 'start')}, with the button that does it best.{key}",
    )


DIRECTIONS = Metric("directions", _measure, lines=_lines, compared=_compared, tiles=_tile)
