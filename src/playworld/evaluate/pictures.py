"""Sheets of frames: true above generated, and every button from several starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import UInt8
from PIL import Image, ImageDraw
from torch import Tensor

from playworld.evaluate.rollouts import Rollouts
from playworld.images import enlarged, enlargement, font, image

GAP = 4
"""Pixels between frames of a sheet."""

TEXT = 14
"""Height of the letters on a sheet, pixels."""

PAPER, INK = (255, 255, 255), (40, 40, 40)

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
    scale, letters = enlargement(width), font(TEXT)
    cell = (width * scale + GAP, height * scale + GAP)
    margin = max(int(letters.getlength(name)) for name in grid.names) + 2 * GAP
    top = TEXT + 2 * GAP
    size = (margin + cell[0] * len(grid.columns), top + cell[1] * len(grid.rows))
    picture = Image.new("RGB", size, color=PAPER)
    draw = ImageDraw.Draw(picture)
    for j, title in enumerate(grid.columns):
        draw.text((margin + j * cell[0], GAP // 2), title, fill=INK, font=letters)
    for i, (row, name) in enumerate(zip(grid.rows, grid.names, strict=True)):
        y = top + i * cell[1]
        draw.text((GAP, y + (cell[1] - GAP - TEXT) // 2), name, fill=INK, font=letters)
        for j, frame in enumerate(row):
            picture.paste(enlarged(image(frame), scale), (margin + j * cell[0], y))
    return picture


def rollout_grid(rollouts: Rollouts, clips: int = 4) -> Grid:
    """Three rows per clip: what came, and what was generated with inferred and random actions."""
    made = {"generated": rollouts.inferred, "random actions": rollouts.random}
    return _beside_truth(rollouts.prompt, {"true": rollouts.truth} | made, clips)


def worlds_grid(worlds: Mapping[str, Rollouts], clips: int = 4) -> Grid:
    """One row per clip for what came, and one for what each world made of it."""
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
