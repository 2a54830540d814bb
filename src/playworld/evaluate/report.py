"""A report on disk (report.json and pictures) and on the terminal (plain columns)."""

import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image


class Report(dict[str, Any]):
    """The figures, ready for JSON, and the pictures that go with them."""

    def __init__(self, figures: dict[str, Any], pictures: dict[str, Image.Image]) -> None:
        super().__init__(figures)
        self.pictures = pictures
        """File name to picture, such as "rollouts.png"."""


def write_report(report: Report, out: Path) -> None:
    """Write report.json and the pictures into the folder `out`, which is made if need be.

    Each file replaces an older one whole; report.json comes last, so that where it is new the
    pictures are too. Nothing else in the folder is touched.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, picture in report.pictures.items():
        data = io.BytesIO()
        picture.save(data, format="PNG")
        _write(out / name, data.getvalue())
    text = json.dumps(report, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    _write(out / "report.json", (text + "\n").encode())


def _write(path: Path, data: bytes) -> None:
    """Put `data` under its name in one step: a reader sees the old file or the new one."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp gives 0600, and reports are there to be read
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def format_table(report: dict[str, Any]) -> str:
    """The report as lines of aligned text for a terminal."""
    clips, data = report["clips"], report["data"]
    lines = [
        f"{report['world']} on {clips} held-out clips from {data['videos']} videos, "
        f"{data['width']}x{data['height']} at {data['fps']:g} fps; [95% interval over clips]",
        "",
        *_by_frame(report),
        "",
        *_single_figures(report),
        "",
        *_buttons(report),
        "",
        *(f"note: {note}" for note in report["notes"]),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _by_frame(report: dict[str, Any]) -> list[str]:
    """The rows that have a column for each generated frame."""
    rollout, delta = report["rollout"], report["control"]["delta_psnr"]
    frames = [k for k in ("1", "2", "4", "8", "16", "32", "64") if k in delta]
    bands = rollout["psnr_interval"]
    rows = [
        ("generated frame", frames),
        ("rollout PSNR, dB", [_number(rollout["psnr"][k]) for k in frames]),
        ("", [_range(bands[k]) for k in frames]),
        ("copy last frame, dB", [_number(rollout["copy_last"][k]) for k in frames]),
        ("rollout PSNR in view, dB", [_number(rollout["psnr_seen"][k]) for k in frames]),
        ("copy last in view, dB", [_number(rollout["copy_last_seen"][k]) for k in frames]),
        ("rollout SSIM", [_number(rollout["ssim"][k], 3) for k in frames]),
        ("delta PSNR, dB", [_number(delta[k]["mean"]) for k in frames]),
        ("", [_range(delta[k]) for k in frames]),
    ]
    return [f"{name:<26}" + "".join(f"{cell:>14}" for cell in cells) for name, cells in rows]


def _single_figures(report: dict[str, Any]) -> list[str]:
    tokenizer, codes, speed = report["tokenizer"], report["codes"], report["speed"]
    control, machine = report["control"], report["hardware"]
    rows = [
        (
            "tokenizer",
            f"{_number(tokenizer['psnr'])} dB {_range(tokenizer['psnr_interval'])}, "
            f"SSIM {_number(tokenizer['ssim'], 3)}",
        ),
        (
            "tokens",
            f"{codes['used']} of {codes['total']} codes used, "
            f"perplexity {_number(codes['perplexity'])}",
        ),
        (
            "latent actions",
            f"{codes['actions_used']} of {codes['actions_total']} codes used, "
            f"perplexity {_number(codes['actions_perplexity'])}",
        ),
        ("codes against movement", _agreement(control["movement"])),
        ("  left / none / right", _agreement(control["horizontal"])),
        ("codes against keys", _agreement(control["keys"])),
        (
            "speed",
            f"{_number(speed['fps_median'], 1)} frames per second "
            f"({_number(speed['fps_p95'], 1)} at the 95th percentile of latency), "
            f"{machine['threads']} threads of {machine['processor']}",
        ),
        ("answers its buttons", "yes" if control["answers"] else "no"),
    ]
    return [f"{name:<26}{text}" for name, text in rows]


def _agreement(found: dict[str, Any] | None) -> str:
    if found is None:
        return "no action files beside the videos"
    if found["balanced"] is None:
        return "too little of it in these clips to tell"
    return (
        f"{found['balanced']:.1%} {_range(found['balanced_interval'], 2)} balanced over "
        f"{len(found['counts'])} classes, majority {found['majority']:.1%}"
    )


def _buttons(report: dict[str, Any]) -> list[str]:
    lines = [f"{'button':<16}{'does':<16}{'pixels per press':>18}{'consistent':>12}{'share':>8}"]
    for button in report["control"]["buttons"]:
        shift = "{:+.1f}, {:+.1f}".format(*button["shift"])
        lines.append(
            f"{button['label']:<16}{button['does']:<16}{shift:>18}"
            f"{button['consistency']:>12.0%}{button['share_in_video']:>8.0%}"
        )
    return lines


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _range(band: dict[str, float | None], digits: int = 1) -> str:
    return f"[{_number(band['low'], digits)}, {_number(band['high'], digits)}]"
