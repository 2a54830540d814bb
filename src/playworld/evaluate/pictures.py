"""Sheets of frames: true above generated, and every button from several starts."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from playworld.evaluate.rollouts import Rollouts

GAP = 4
"""Pixels between frames of a sheet."""

CELL = 128
"""Small frames are enlarged, by a whole factor, to about this width."""

TEXT = 14
"""Height of the letters on a sheet, pixels."""

PAPER, INK = (255, 255, 255), (40, 40, 40)

SHOWN = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""Frame numbers that a sheet of rollouts shows, as far as they were generated."""


def sheet(
    rows: Sequence[Sequence[UInt8[Tensor, "H W C"]]],
    columns: Sequence[str],
    names: Sequence[str],
) -> Image.Image:
    """Frames in a grid, columns titled above and rows named on the left."""
    height, width = rows[0][0].shape[:2]
    scale = max(1, CELL // width)
    cell = (width * scale + GAP, height * scale + GAP)
    font = ImageFont.load_default(size=TEXT)
    margin = max(int(font.getlength(name)) for name in names) + 2 * GAP
    top = TEXT + 2 * GAP
    picture = Image.new(
        "RGB", (margin + cell[0] * len(columns), top + cell[1] * len(rows)), color=PAPER
    )
    draw = ImageDraw.Draw(picture)
    for j, title in enumerate(columns):
        draw.text((margin + j * cell[0], GAP // 2), title, fill=INK, font=font)
    for i, (row, name) in enumerate(zip(rows, names, strict=True)):
        y = top + i * cell[1]
        draw.text((GAP, y + (cell[1] - GAP - TEXT) // 2), name, fill=INK, font=font)
        for j, frame in enumerate(row):
            enlarged = Image.fromarray(np.asarray(frame)).resize(
                (width * scale, height * scale), Image.Resampling.NEAREST
            )
            picture.paste(enlarged, (margin + j * cell[0], y))
    return picture


def rollout_sheet(rollouts: Rollouts, clips: int = 4) -> Image.Image:
    """Three rows per clip: what came, and what was generated with inferred and random actions."""
    shown = [k for k in SHOWN if k <= rollouts.truth.shape[1]]
    rows, names = [], []
    for clip in range(min(clips, len(rollouts.truth))):
        start = rollouts.prompt[clip, -1]
        for name in ("truth", "inferred", "random"):
            video = getattr(rollouts, name)[clip]
            rows.append([start, *(video[k - 1] for k in shown)])
            names.append({"truth": "true", "inferred": "generated"}.get(name, "random actions"))
    return sheet(rows, ["prompt", *(f"frame {k}" for k in shown)], names)


def button_sheet(
    played: UInt8[Tensor, "buttons starts K H W C"], labels: Sequence[str], starts: int = 6
) -> Image.Image:
    """Rows are starts, columns buttons: where each leads after it was pressed K-1 times."""
    presses = played.shape[2] - 1
    rows = [
        [played[0, row, 0], *(played[button, row, -1] for button in range(len(labels)))]
        for row in range(min(starts, played.shape[1]))
    ]
    names = [f"start {row + 1}" for row in range(len(rows))]
    return sheet(rows, ["start", *(f"{label} x{presses}" for label in labels)], names)
