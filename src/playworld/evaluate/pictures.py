"""Sheets of frames: true above generated, and every button from several starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from playworld.evaluate.frame_grid import FrameGrid
from playworld.evaluate.rollouts import Rollouts

TEXT = 14
"""Height of the letters on a sheet, pixels."""

SHOWN = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""Frame numbers that a sheet of rollouts shows, as far as they were generated."""

LONG_SHOWN = 9
"""Moments that a sheet of long play shows."""


@dataclass(frozen=True)
class Grid:
    """Frames in rows and columns."""

    rows: Sequence[Sequence[UInt8[Tensor, "H W C"]]]
    columns: Sequence[str]
    """Titles above."""
    names: Sequence[str]
    """Names on the left."""


def sheet(grid: Grid) -> Image.Image:
    """The grid as one picture, frames enlarged."""
    height, width = grid.rows[0][0].shape[:2]
    drawn = FrameGrid(
        len(grid.rows), len(grid.columns), (height, width), names=grid.names, letters=TEXT
    )
    for column, title in enumerate(grid.columns):
        drawn.head(column, title)
    for i, row in enumerate(grid.rows):
        for j, frame in enumerate(row):
            drawn.frame(i, j, frame)
    return drawn.image


def rollout_grid(rollouts: Rollouts, clips: int = 4) -> Grid:
    """Three rows per clip: true frames, then those with inferred and with random actions."""
    made = {"generated": rollouts.inferred, "random actions": rollouts.random}
    return _beside_truth(rollouts.prompt, {"true": rollouts.truth} | made, clips)


def worlds_grid(worlds: Mapping[str, Rollouts], clips: int = 4) -> Grid:
    """One row per clip for the true frames, and one for those of each world."""
    first = next(iter(worlds.values()))
    made = {name: rollouts.inferred for name, rollouts in worlds.items()}
    return _beside_truth(first.prompt, {"true": first.truth} | made, clips)


def button_grid(
    played: UInt8[Tensor, "buttons starts K H W C"], labels: Sequence[str], starts: int = 6
) -> Grid:
    """Rows are starts, columns buttons: where each leads after it was pressed K-1 times."""
    presses = played.shape[2] - 1
    rows = [
        [played[0, row, 0], *(played[button, row, -1] for button in range(len(labels)))]
        for row in range(min(starts, played.shape[1]))
    ]
    names = [f"start {row + 1}" for row in range(len(rows))]
    return Grid(rows, ["start", *(f"{label} x{presses}" for label in labels)], names)


def long_grid(video: UInt8[Tensor, "rollouts K H W C"], rollouts: int = 6) -> Grid:
    """Rows are rollouts, columns moments from the first frame to the last."""
    shown = _moments(video.shape[1], LONG_SHOWN)
    rows = [[film[k - 1] for k in shown] for film in video[:rollouts]]
    names = [f"rollout {row + 1}" for row in range(len(rows))]
    return Grid(rows, [f"frame {k}" for k in shown], names)


def return_grid(
    video: UInt8[Tensor, "starts K H W C"], there: str, back: str, starts: int = 4
) -> Grid:
    """Rows are starts: the start, half way out, out, half way back, and the return."""
    presses = (video.shape[1] - 1) // 2
    half = presses // 2
    shown = [0, *([half] if half else []), presses, *([presses + half] if half else []), -1]
    names = [f"start {row + 1}" for row in range(min(starts, len(video)))]
    out, home = f"{there} x{presses}", f"{back} x{presses}"
    ways = (f"{there} x{half}", f"{back} x{half}") if half else ("", "")
    columns = ["start", *([ways[0]] if half else []), out, *([ways[1]] if half else []), home]
    return Grid([[film[k] for k in shown] for film in video[:starts]], columns, names)


def _beside_truth(
    prompts: UInt8[Tensor, "clips P H W C"],
    videos: Mapping[str, UInt8[Tensor, "clips K H W C"]],
    clips: int,
) -> Grid:
    """For each clip one row per video, all after the last frame of its prompt."""
    shown = [k for k in SHOWN if k <= next(iter(videos.values())).shape[1]]
    rows, names = [], []
    for clip in range(min(clips, len(prompts))):
        for name, video in videos.items():
            rows.append([prompts[clip, -1], *(video[clip, k - 1] for k in shown)])
            names.append(name)
    return Grid(rows, ["prompt", *(f"frame {k}" for k in shown)], names)


def _moments(length: int, count: int) -> list[int]:
    """Frame numbers spread evenly from the first to the last."""
    return torch.linspace(1, length, min(count, length)).round().int().tolist()
