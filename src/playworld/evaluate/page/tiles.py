"""The headline figures of a world, each with a sentence that says what it means."""

from collections.abc import Mapping, Sequence
from typing import Any

from playworld.evaluate.page.numbers import band, number, share, share_band
from playworld.markup import Html, tag
from playworld.words import counted


def headline(frames: Mapping[str, Any], frame: str = "4") -> str:
    """The frame number that headlines read: the paper's, or the last where fewer were made."""
    return frame if frame in frames else list(frames)[-1]


def tiles(report: Mapping[str, Any]) -> Html:
    """The headline figures."""
    control, rollout, speed = report["control"], report["rollout"], report["speed"]
    k = headline(rollout["psnr"])
    delta, tokenizer = control["delta_psnr"][k], report["tokenizer"]
    works = control["directions"]["right"]
    shown = [
        (
            f"Delta PSNR, frame {k}",
            number(delta["mean"]),
            "dB",
            band(delta),
            "How much better the right actions predict the video than random ones. "
            "A world that ignores its buttons has 0 dB.",
        ),
        (
            f"PSNR, frame {k}",
            number(rollout["psnr"][k]),
            "dB",
            band(rollout["psnr_interval"][k]),
            f"Generated against true frame. Showing the prompt's last frame for ever gives "
            f"{number(rollout['copy_last'][k])} dB.",
        ),
        (
            "Tokenizer PSNR",
            number(tokenizer["psnr"]),
            "dB",
            band(tokenizer["psnr_interval"]),
            f"True frames through the tokenizer and back (SSIM {number(tokenizer['ssim'], 3)}): "
            "the best picture this world can show.",
        ),
        (
            "Right goes right",
            share(works["share"]),
            "",
            share_band(works["share_interval"]),
            f"From {counted(control['starts'], 'start')}, with the button that does it best."
            + _key(works),
        ),
        _agreement_tile(control),
        *_long_tile(report["long_play"].get("recorded")),
        *_distance_tiles(report["fidelity"]),
        (
            "Speed, one player",
            number(speed["fps_median"], 1),
            "frames/s",
            f"{number(speed['ms_median'], 1)} ms a frame",
            f"Half of all frames come at least that fast, 19 of 20 at "
            f"{number(speed['fps_p95'], 1)}.",
        ),
    ]
    return tag("div", *(_tile(*tile) for tile in shown), class_="tiles")


def _tile(title: str, value: str, unit: str, range_: str, about: str) -> Html:
    shown = [value, *([tag("small", f" {unit}")] if unit else [])]
    return tag(
        "div",
        tag("h3", title),
        tag("div", *shown, class_="value"),
        tag("div", range_ or Html("&nbsp;"), class_="range"),
        tag("p", about),
        class_="tile",
    )


def _agreement_tile(control: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    found = control["movement"]
    about = "Too little movement in these clips to tell."
    if found["balanced"] is not None:
        about = (
            f"Balanced accuracy of the latent code over {len(found['counts'])} movements. Chance "
            f"{share(found['majority'])}, true movement in as many groups "
            f"{share(control['ceiling'])}."
        )
    range_ = share_band(found["balanced_interval"]) if found["balanced_interval"] else ""
    return "Codes name the movement", share(found["balanced"]), "", range_, about


def _long_tile(played: Mapping[str, Any] | None) -> list[tuple[str, str, str, str, str]]:
    if played is None:
        return []
    scenes, kept = played["real_scenes"], played["real_scenes_that_look_real"]
    moves = "" if played["moves"] is None else f"left and right still move in {played['moves']}"
    return [
        (
            f"Looks real for {counted(played['frames'], 'frame')}",
            f"{played['looks_real']}",
            f"of {played['rollouts']}",
            moves,
            f"Rollouts with the moves of true video, with 95% of their frames as sharp and as "
            f"coloured as real ones. Of real scenes {kept} of {scenes} pass.",
        )
    ]


def _distance_tiles(
    found: Sequence[Mapping[str, Any]],
) -> list[tuple[str, str, str, str, str]]:
    shown = []
    for row in found:
        where = row["other"] or row["same"]
        if where is None:
            continue
        floor = (
            "" if row["other"] is None else f"Real video has {number(where['real']['mean'], 1)}, "
        )
        shown.append(
            (
                row["name"][0].upper() + row["name"][1:],
                number(where["world"]["mean"], 1),
                "",
                band(where["world"]),
                f"Distance from real video, lower is better. {floor}a frozen picture "
                f"{number(where['copy_last']['mean'], 1)}.",
            )
        )
    return shown


def _key(works: Mapping[str, Any]) -> str:
    if works["key_in_video"] is None:
        return ""
    share_ = share(works["key_in_video"])
    return f" In the video the key for right does so in {share_}: walls stop everybody."
