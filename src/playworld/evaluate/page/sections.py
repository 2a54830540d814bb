"""The parts of the page about one world: what was found, with a sentence for each figure."""

from collections.abc import Mapping, Sequence
from typing import Any

from playworld.evaluate.page.chart import Curve, chart
from playworld.evaluate.page.media import films, frames_table
from playworld.evaluate.page.numbers import ARMS, large, number, share, share_band, signed
from playworld.evaluate.pictures import Grid
from playworld.evaluate.report import SideBySide
from playworld.markup import Html, join, section, table, tag
from playworld.words import counted

MOVES = {
    "long-recorded": "The moves of true clips, one after the other",
    "long-random": "Random buttons, each held for a while",
}
"""Whose moves long play was played with, by the name of its pictures."""


def curves(report: Mapping[str, Any]) -> Html:
    """PSNR, SSIM, control and sharpness over the frames."""
    rollout, control = report["rollout"], report["control"]
    frames, best = list(rollout["psnr"]), report["tokenizer"]["psnr"]
    marks = window_mark(report)
    shown = [
        chart(
            "PSNR",
            "dB",
            [
                Curve("generated", rollout["psnr"], rollout["psnr_interval"]),
                Curve("copy of the last frame", rollout["copy_last"], faint=True),
                Curve("tokenizer", dict.fromkeys(frames, best), faint=True),
            ],
            marks,
            wide=True,
        ),
        chart(
            "PSNR over the part in view",
            "dB",
            [
                Curve("generated", rollout["psnr_seen"]),
                Curve("copy of the last frame", rollout["copy_last_seen"], faint=True),
            ],
            marks,
        ),
        chart(
            "SSIM",
            "",
            [
                Curve("generated", rollout["ssim"], rollout["ssim_interval"]),
                Curve("copy of the last frame", rollout["copy_last_ssim"], faint=True),
                Curve("tokenizer", dict.fromkeys(frames, report["tokenizer"]["ssim"]), faint=True),
            ],
            marks,
        ),
        chart("Delta PSNR", "dB", delta_curves(control), marks),
        chart(
            "Sharpness (variance of the Laplacian)",
            "",
            [
                Curve("generated", rollout["sharpness"]),
                Curve("true video", rollout["true_sharpness"], faint=True),
            ],
            marks,
        ),
    ]
    if "lpips" in rollout:
        lpips = [
            Curve("generated", rollout["lpips"], rollout["lpips_interval"]),
            Curve("copy of the last frame", rollout["copy_last_lpips"], faint=True),
        ]
        shown.append(chart("LPIPS", "", lpips, marks))
    return section(
        "Frame by frame",
        tag("div", *shown, class_="charts"),
        about="Frame k is the k-th generated one; shades are 95% intervals over clips. Point at a "
        "curve for its numbers. What leaves the picture and comes back as new terrain cannot be "
        "known, so PSNR has to fall, less so over the part in view: what the prompt's last frame "
        "showed already. Sharpness should not fall.",
    )


def delta_curves(control: Mapping[str, Any]) -> list[Curve]:
    """Delta PSNR against random actions, and against those that are wrong in a known way."""

    def means(bands: Mapping[str, Any]) -> dict[str, float | None]:
        return {k: found["mean"] for k, found in bands.items()}

    delta, arms = control["delta_psnr"], control["arms"] or {}
    shown = [Curve("against random actions", means(delta), delta)]
    for arm, name in ARMS.items():
        if arm in arms:
            shown.append(Curve(f"against {name}", means(arms[arm]), arms[arm]))
    return shown


def window_mark(report: Mapping[str, Any]) -> dict[float, str]:
    """Where the window of frames that the world was trained on ends."""
    first = report["window"] - report["settings"]["prompt_frames"]
    return {first + 0.5: f"window of {counted(report['window'], 'frame')} full"}


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


def buttons(report: Mapping[str, Any], grids: Mapping[str, Grid]) -> Html:
    """What each button does, and the button for each direction."""
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
    if "actions.png" in grids:
        inside += [tag("h3", "Starts down, buttons across"), frames_table(grids["actions.png"])]
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


def cost(report: Mapping[str, Any]) -> Html:
    """Operations, tokens and time of a frame of play."""
    found, speed, machine = report["cost"], report["speed"], report["hardware"]
    weights = found["parameters"]
    rows = [
        (
            "milliseconds per frame",
            f"{number(speed['ms_median'], 1)} (95%: {number(speed['ms_p95'], 1)})",
        ),
        ("refinements", str(found["steps"])),
        ("passes of the dynamics", str(found["passes_per_frame"])),
        ("operations per frame", f"{large(found['flops_per_frame'])}FLOP"),
        ("operations per second", f"{large(found['flops_per_second'])}FLOP"),
        ("tokens per frame", str(found["tokens_per_frame"])),
        ("tokens per second", f"{found['tokens_per_second']:,.0f}"),
        *((f"weights, {name}", f"{large(count)}") for name, count in weights.items()),
        ("machine", f"{machine['threads']} threads of {machine['processor']}, {machine['device']}"),
    ]
    return section("Cost", table(("of one player", ""), rows))
