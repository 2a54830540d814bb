"""A report on the terminal: plain columns."""

from typing import Any

from playworld.evaluate.page.differences import comparison_table
from playworld.evaluate.page.numbers import (
    ARMS,
    BITS,
    answered,
    band,
    large,
    number,
    share,
    share_band,
    some_frames,
)
from playworld.evaluate.page.reliance import reliance
from playworld.words import counted


def format_table(report: dict[str, Any]) -> str:
    """The report as lines of aligned text for a terminal, of one world or of several."""
    if "worlds" in report:
        return comparison_table(report)
    clips, data = report["clips"], report["data"]
    lines = [
        f"{report['world']} on {counted(clips, 'held-out clip')} from "
        f"{counted(data['videos'], 'video')}, "
        f"{data['width']}x{data['height']} at {data['fps']:g} fps; [95% interval over clips]",
        "",
        *_by_frame(report),
        "",
        *_single_figures(report),
        "",
        *_directions(report),
        "",
        *_buttons(report),
        "",
        *(f"note: {note}" for note in report["notes"]),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _by_frame(report: dict[str, Any]) -> list[str]:
    """The rows that have a column for each generated frame."""
    rollout, delta = report["rollout"], report["control"]["delta_psnr"]
    frames = some_frames(delta, (1, 2, 4, 8, 16, 32, 64))
    bands = rollout["psnr_interval"]
    rows = [
        ("generated frame", frames),
        ("rollout PSNR, dB", [number(rollout["psnr"][k]) for k in frames]),
        ("", [band(bands[k]) for k in frames]),
        ("copy last frame, dB", [number(rollout["copy_last"][k]) for k in frames]),
        ("rollout PSNR in view, dB", [number(rollout["psnr_seen"][k]) for k in frames]),
        ("copy last in view, dB", [number(rollout["copy_last_seen"][k]) for k in frames]),
        ("rollout SSIM", [number(rollout["ssim"][k], 3) for k in frames]),
        ("delta PSNR, dB", [number(delta[k]["mean"]) for k in frames]),
        ("", [band(delta[k]) for k in frames]),
    ]
    arms = report["control"]["arms"] or {}
    for arm, name in ARMS.items():
        if arm in arms:
            rows.append((f"  {name}", [number(arms[arm][k]["mean"]) for k in frames]))
    if "lpips" in rollout:
        rows.append(("LPIPS", [number(rollout["lpips"][k], 3) for k in frames]))
        rows.append(("copy last LPIPS", [number(rollout["copy_last_lpips"][k], 3) for k in frames]))
    return [f"{name:<26}" + "".join(f"{cell:>14}" for cell in cells) for name, cells in rows]


def _single_figures(report: dict[str, Any]) -> list[str]:
    tokenizer, codes, speed = report["tokenizer"], report["codes"], report["speed"]
    control, machine = report["control"], report["hardware"]
    rows = [
        (
            "tokenizer",
            f"{number(tokenizer['psnr'])} dB {band(tokenizer['psnr_interval'])}, "
            f"SSIM {number(tokenizer['ssim'], 3)}",
        ),
        (
            "tokens",
            f"{codes['used']} of {codes['total']} codes used, "
            f"perplexity {number(codes['perplexity'])}",
        ),
        (
            "latent actions",
            f"{codes['actions_used']} of {codes['actions_total']} codes used, "
            f"perplexity {number(codes['actions_perplexity'])}",
        ),
        ("codes against movement", _agreement(control["movement"])),
        ("  true movement, grouped", _ceiling(control["ceiling"], codes["actions_total"])),
        ("  left / none / right", _agreement(control["horizontal"])),
        ("codes against keys", _agreement(control["keys"])),
        (
            "speed",
            f"{number(speed['fps_median'], 1)} frames per second "
            f"({number(speed['fps_p95'], 1)} at the 95th percentile of latency), "
            f"{machine['threads']} threads of {machine['processor']}",
        ),
        (
            "",
            f"{large(report['cost']['flops_per_frame'])}FLOP and "
            f"{counted(report['cost']['tokens_per_frame'], 'token')} a frame, "
            f"{report['cost']['tokens_per_second']:,.0f} tokens per second",
        ),
        *(row for found in report["fidelity"] for row in _distance(found)),
        *_information(control["information"]),
        *_steering(control.get("steering")),
        *_returns(control["returns"]),
        ("answers its buttons", answered(control["answers"])),
        *((row.name, row.text) for row in reliance(report)),
        *(row for name, part in report["long_play"].items() for row in _long_play(name, part)),
        *_prompts(report["prompts"]),
    ]
    return [f"{name:<26}{text}" for name, text in rows]


def _ceiling(value: float | None, groups: int) -> str:
    return f"{share(value, 1)} for as many groups as codes ({groups})"


def _agreement(found: dict[str, Any] | None) -> str:
    if found is None:
        return "no action files with keys beside the videos"
    if found["balanced"] is None:
        return "too little of it in these clips to tell"
    return (
        f"{found['balanced']:.1%} {band(found['balanced_interval'], 2)} balanced over "
        f"{len(found['counts'])} classes, majority {found['majority']:.1%}"
    )


def _long_play(name: str, played: dict[str, Any]) -> list[tuple[str, str]]:
    count, scenes = played["rollouts"], played["real_scenes"]
    moves = "-" if played["moves"] is None else played["moves"]
    return [
        (
            f"{counted(played['frames'], 'frame')}, {name} moves",
            f"{played['looks_real']} of {count} rollouts look real in 95% of their frames, "
            f"{played['share_of_frames']:.0%} of all frames do "
            f"({played['real_scenes_that_look_real']} of {scenes} real scenes pass)",
        ),
        ("  left and right late", f"{moves} of {count} still move half as far as in true video"),
    ]


def _prompts(found: dict[str, Any] | None) -> list[tuple[str, str]]:
    if found is None:
        return []
    return [
        (
            "its own prompts",
            f"{found['answer']} of {found['prompts']} answer their buttons; "
            f"right goes to the right of left in {found['sides_apart']}",
        )
    ]


def _directions(report: dict[str, Any]) -> list[str]:
    """One row per direction: its button, and how often it works from starts on level ground."""
    control, lines = report["control"], []
    title = f"from {counted(control['starts'], 'start')}"
    lines.append(f"{title:<16}{'button':<16}{'works':>18}{'code in video':>16}{'key in video':>14}")
    for direction, row in control["directions"].items():
        works = f"{row['share']:.0%} {band(row['share_interval'], 2)}"
        code, key = share(row["in_video"]), share(row["key_in_video"])
        button = f"{row['button'] + 1} ({row['label']})"
        lines.append(f"{direction:<16}{button:<16}{works:>18}{code:>16}{key:>14}")
    return lines


def _buttons(report: dict[str, Any]) -> list[str]:
    lines = [f"{'button':<16}{'does':<16}{'pixels per press':>18}{'consistent':>12}{'share':>8}"]
    for button in report["control"]["buttons"]:
        shift = "{:+.1f}, {:+.1f}".format(*button["shift"])
        lines.append(
            f"{button['label']:<16}{button['does']:<16}{shift:>18}"
            f"{button['consistency']:>12.0%}{button['share_in_video']:>8.0%}"
        )
    return lines


def _distance(found: dict[str, Any]) -> list[tuple[str, str]]:
    where = found["other"] or found["same"]
    if where is None:
        return []
    real = f", real {number(where['real']['mean'], 1)}" if "real" in where else ""
    clips = f"the same {counted(found['clips'], 'clip')}"
    if found["other"]:
        clips = counted(found["other_clips"], "other clip")
    return [
        (
            found["name"],
            f"{number(where['world']['mean'], 1)} {band(where['world'])} against "
            f"{clips}"
            f"{real}, frozen {number(where['copy_last']['mean'], 1)}, time shuffled "
            f"{number(where['time_shuffled']['mean'], 1)}",
        )
    ]


def _information(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (
            BITS[key],
            f"{number(row['bits'])} {band(row['bits_interval'], 2)} of "
            f"{number(row['label_bits'])}, by chance {number(row['chance'])}",
        )
        for key, row in found.items()
        if row is not None
    ]


def _steering(found: dict[str, Any] | None) -> list[tuple[str, str]]:
    if found is None:
        return []
    explained, agree = found["explained"], found["consistency"]
    names = [row["leads"] or "-" for row in found["codes"]]
    return [
        (
            "codes explain commands",
            f"{share(explained['mean'])} {share_band(explained)} of {', '.join(found['ways'])}, "
            f"by chance {share(explained['chance'])}",
        ),
        (
            "  moves of a code agree",
            f"{number(agree['mean'])} {band(agree, 2)}, by chance {number(agree['chance'])}",
        ),
        ("  codes lead", ", ".join(names)),
    ]


def _returns(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (
            "there and back" if number == 0 else "",
            f"{row['label']} x{row['presses']}, {row['opposite_label']} x{row['presses']}: "
            f"{share(row['returns'])} of {row['left']} return, "
            f"{share(row['recognised'])} recognised (chance {share(row['recognised_chance'])})",
        )
        for number, row in enumerate(rows)
    ]
