"""What reports say of the videos and of the world, in short: for the page and for programs."""

import re
from typing import Any

from playworld.play.making.project import Project, read_document

FRAMES = ("1", "4", "8")
"""Generated frames whose figures are shown."""
MOST_SHOWN = 300
"""Files of which the page is told."""


def understood(project: Project) -> dict[str, Any] | None:
    """Files, scenes and frames, and what was left out and why; None before they were looked at."""
    report = project.report()
    if not report:
        return None
    fps = report["options"]["fps"]
    splits = report["splits"].values()
    frames = sum(split["frames"] for split in splits)
    used = [
        {
            "name": file["source"],
            "scenes": len(file["scenes"]),
            "seconds": round(sum(scene["frames"] for scene in file["scenes"]) / fps, 1),
            "left_out": _by_reason(file.get("dropped", ())),
        }
        for file in report["ok"]
    ]
    return {
        "frames": frames,
        "seconds": round(frames / fps, 1),
        "fps": fps,
        "scenes": sum(split["scenes"] for split in splits),
        "left_out": _by_reason(
            {"reason": reason, **count} for reason, count in report["dropped"].items()
        ),
        "warnings": report["warnings"],
        "used": used[:MOST_SHOWN],
        "unused": [
            {"name": file["source"], "reason": file["reason"]}
            for file in report["skipped"][:MOST_SHOWN]
        ],
        "files": [len(used), len(report["skipped"])],
    }


def _by_reason(stretches: Any) -> dict[str, int]:
    """Frames that were left out, by reason; reasons without any are not named."""
    counts: dict[str, int] = {}
    for stretch in stretches:
        counts[stretch["reason"]] = counts.get(stretch["reason"], 0) + stretch["frames"]
    return {reason: count for reason, count in counts.items() if count}


def figures(project: Project) -> dict[str, Any] | None:
    """How well the world predicts held-out clips, beside a copy of the last frame; dB and shares.

    None before `create` has come to its end.
    """
    best = project.budget().get("best")
    report = read_document(project.run / f"round-{best}" / "report" / "report.json")
    if not report or not project.is_finished:
        return None
    rollout, control, printed = report["rollout"], report["control"], project.printed()
    done = re.search(r"^(.*); [\d.]+ minutes of video$", printed, flags=re.M)
    works = re.search(r"^\w+ from \d+%.* starts?$", printed, flags=re.M)
    moving, delta = rollout["moving"], control["delta_psnr"]["4"]
    return {
        "clips": report["clips"],
        "frames": [
            {
                "frame": int(frame),
                "psnr": rollout["psnr"][frame],
                "copy": rollout["copy_last"][frame],
                "moving": moving["psnr"][frame],
                "moving_copy": moving["copy_last"][frame],
            }
            for frame in FRAMES
            if frame in rollout["psnr"]
        ],
        "delta": [delta["mean"], delta["low"]],
        "works": works[0] if works else "",
        "done": done[1] if done else "",
        "answers": control["answers"],
        "printed": printed[done.start() :] if done else printed,
    }
