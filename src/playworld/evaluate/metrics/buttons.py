"""What each button does, beside what its code stands for in true video."""

from collections.abc import Iterator, Mapping

from playworld.evaluate.button_names import describe_buttons
from playworld.evaluate.buttons import decides
from playworld.evaluate.context import Context
from playworld.evaluate.metric import Measured, Metric, Report
from playworld.evaluate.page.media import frames_table
from playworld.evaluate.page.numbers import share, share_band, signed
from playworld.evaluate.pictures import Grid, button_grid
from playworld.markup import Html, join, section, table, tag
from playworld.words import counted

PICTURE = "actions.png"


def _measure(context: Context) -> Measured:
    stored, shifts = context.world.buttons, context.shifts
    codes, player = context.played.actions, context.transitions.player
    camera, gravity = context.camera, context.world.config.actions.gravity
    figures = {
        "decides": decides(shifts),
        "gravity": gravity,
        "buttons": describe_buttons(shifts, stored, codes, player, camera, gravity),
    }
    grid = button_grid(context.pressed, [button.label for button in stored])
    return Measured({"control": figures}, grids={PICTURE: grid})


def _lines(report: Report) -> Iterator[str]:
    yield f"{'button':<16}{'does':<16}{'pixels per press':>18}{'consistent':>12}{'share':>8}"
    for button in report["control"]["buttons"]:
        shift = "{:+z.1f}, {:+z.1f}".format(*button["shift"])
        yield (
            f"{button['label']:<16}{button['does']:<16}{shift:>18}"
            f"{button['consistency']:>12.0%}{button['share_in_video']:>8.0%}"
        )


def _section(report: Report, grids: Mapping[str, Grid]) -> Html:
    """What each button does, the button for each direction, and the world's own prompts."""
    control = report["control"]
    rows = [
        (
            f"{button} ({row['label']})",
            movement_in_words(row["does"]),
            f"{signed(row['shift'][0], 1)}, {signed(row['shift'][1], 1)}",
            _bar(row["consistency"]),
            share(row["share_in_video"]),
        )
        for button, row in enumerate(control["buttons"], start=1)
    ]
    head = (
        *("button", "movement, measured", "pixels per press (right, down)"),
        *("consistent", "share of the video"),
    )
    ways = [
        (
            direction,
            f"{row['button'] + 1} ({row['label']})",
            join([_bar(row["share"]), tag("small", " " + share_band(row["share_interval"]))]),
            share(row["in_video"]),
            share(row["key_in_video"]),
        )
        for direction, row in control["directions"].items()
    ]
    ways_head = ("direction", "best button", "goes that way", "code in video", "key in video")
    inside = [table(head, rows), tag("h3", "Directions"), table(ways_head, ways)]
    if control["decides"] is not None:
        inside.append(
            tag(
                "p",
                f"The button explains {share(control['decides'])} of how far the picture moves; "
                "the rest is up to the start and to chance.",
                class_="about",
            )
        )
    if report["prompts"] is not None:
        own = report["prompts"]
        text = (
            f"Of its own {counted(own['prompts'], 'prompt')}, {own['answer']} answer their buttons."
        )
        inside.append(tag("p", text, class_="about"))
    if PICTURE in grids:
        inside += [tag("h3", "Starts down, buttons across"), frames_table(grids[PICTURE])]
    return section(
        "Buttons",
        *inside,
        about=f"Each pressed four times from {control['starts']} held-out starts "
        f"({control['level_starts']} on level ground). In brackets the name that is stored in the "
        "world, measured when it was made; here it may move otherwise.",
    )


def _bar(value: float) -> Html:
    fill = tag("i", style=f"width: {value:.0%}")
    return join([tag("span", fill, class_="bar"), share(value)])


def movement_in_words(does: str) -> str:
    """The direction alone: "jump left 2" is the second button that jumps left."""
    return does.rstrip(" 0123456789")


BUTTONS = Metric("what buttons do", _measure, lines=_lines, section=_section)
