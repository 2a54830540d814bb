"""What a player relies on, as rows: physics, mirrored codes, codes against keys, the look kept."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from playworld.evaluate.page.numbers import band, number, share, share_band
from playworld.markup import Html, section, table


class Row(NamedTuple):
    """One figure."""

    name: str
    text: str
    about: str
    """What it means, for the page."""


def reliance(report: Mapping[str, Any]) -> Iterator[Row]:
    """The rows of those parts that were measured."""
    landing, held, walk = report["landing"], report["held"], report["walk"]
    if landing:
        stand, run = (share(landing[name]["share"]) for name in ("stand", "run"))
        yield Row(
            "jumps land",
            f"{share(landing['share'])} {share_band(landing['interval'])}, "
            f"from a stand {stand}, from a run {run}",
            "Jump is pressed three times, then right: within 15 presses the character has to fall "
            "and to rest on the ground.",
        )
        jump, right = (share(held[name]["share"]) for name in ("jump", "right"))
        yield Row(
            "held for 40 presses",
            f"{share(held['share'])} {share_band(held['interval'])}, jump {jump}, right {right}",
            "A held jump has to come down again, and 95% of the frames have to look real.",
        )
        yield Row(
            "a walk to the right",
            f"{number(walk['moving_frames'], 0)} {band(walk['interval'], 0)} of {walk['presses']} "
            f"frames move, at least {number(walk['least'], 0)}",
            "Right is held, and jump pressed wherever the character has stood for three frames.",
        )
    if (mirror := report["mirror"]) is not None:
        yield Row(
            "mirrored codes",
            f"{share(mirror['agreement'])} {share_band(mirror['interval'])}",
            "How often the mirrored video has the mirrored code.",
        )
    if (keys := report["keys"]) is not None and keys["agreement"] is not None:
        yield Row(
            "codes against effects",
            f"{share(keys['agreement'])} {share_band(keys['interval'])} balanced",
            "Codes against the pressed keys, merged where they have the same effect.",
        )
    if (look := report["look"]) is not None:
        kept = ", ".join(f"{number(value, 1)} dB after {k}" for k, value in look["psnr"].items())
        yield Row(
            "look of the prompt",
            f"{kept} presses; new area {number(look['revealed_sharpness'])} as sharp",
            "Each button is held; the motion of the picture is taken out, and what is still in "
            "view is compared with the prompt.",
        )


def relied_on(report: Mapping[str, Any]) -> Html:
    """The same rows as a table of the page."""
    return section(
        "What a player relies on",
        table(("", "found", "how"), [(row.name, row.text, row.about) for row in reliance(report)]),
        about="Jumps that land, buttons that can be held, and a picture that stays itself.",
    )
