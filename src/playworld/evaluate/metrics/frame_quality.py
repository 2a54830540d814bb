"""PSNR and SSIM of generated frames, beside copying the prompt's last frame."""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from playworld.evaluate.context import Context
from playworld.evaluate.image_quality import PSNR_BOUNDS, SSIM_BOUNDS, psnr, psnr_where, ssim
from playworld.evaluate.intervals import by_frame, gap_of, means, paired_frames
from playworld.evaluate.metric import Measured, Metric, Report, Tile
from playworld.evaluate.movement import displacements, still_in_view
from playworld.evaluate.page.frames import Chart, Line, frame_numbers, headline
from playworld.evaluate.page.numbers import band, number
from playworld.evaluate.pictures import rollout_grid
from playworld.evaluate.report import clip_films
from playworld.evaluate.rollouts import Rollouts

MOVES = 20.0
"""Mean squared change from frame to frame, of 255 squared, from which on a clip moves."""
COPY = "copy of the last frame"
PSNR = Chart(
    "PSNR",
    (
        Line(("rollout", "psnr"), "generated", "rollout PSNR", 2, True, paired="rollout PSNR"),
        Line(("rollout", "copy_last"), COPY, "copy last frame", faint=True, same=True),
        Line(("tokenizer", "psnr"), "tokenizer", faint=True),
    ),
    "dB",
    wide=True,
)
IN_VIEW = Chart(
    "PSNR over the part in view",
    (
        Line(("rollout", "psnr_seen"), "generated", "rollout PSNR in view"),
        Line(("rollout", "copy_last_seen"), COPY, "copy last in view", faint=True),
    ),
    "dB",
    compared=False,
)
SSIM = Chart(
    "SSIM",
    (
        Line(("rollout", "ssim"), "generated", "rollout SSIM", 3, paired="rollout SSIM"),
        Line(("rollout", "copy_last_ssim"), COPY, faint=True),
        Line(("tokenizer", "ssim"), "tokenizer", faint=True),
    ),
)


def score_rollouts(rollouts: Rollouts, seed: int = 0) -> dict[str, Any]:
    """PSNR and SSIM by frame number, beside copying the prompt's last frame.

    `moving` has both PSNRs over the clips that move alone (`MOVES`): None where none does.
    `psnr_seen` and `copy_last_seen` look only at the part of the picture that the prompt's last
    frame showed (the true video tells how far the picture has moved since): new terrain cannot be
    known.
    """
    truth = rollouts.truth
    copy = rollouts.prompt[:, -1:].expand_as(truth)
    moved = displacements(torch.cat([rollouts.prompt[:, -1:], truth], dim=1))
    seen = still_in_view(moved, *truth.shape[2:4])
    model, baseline = psnr(rollouts.inferred, truth), psnr(copy, truth)
    figures = {
        "psnr": model,
        "ssim": ssim(rollouts.inferred, truth),
        "copy_last": baseline,
        "copy_last_ssim": ssim(copy, truth),
        "gain": model - baseline,
        "psnr_seen": psnr_where(rollouts.inferred, truth, seen),
        "copy_last_seen": psnr_where(copy, truth, seen),
    }
    found: dict[str, Any] = {name: means(by_frame(v, seed)) for name, v in figures.items()}
    bounds = {"psnr": PSNR_BOUNDS, "ssim": SSIM_BOUNDS, "gain": gap_of(PSNR_BOUNDS)}
    for name, within in bounds.items():
        found[f"{name}_interval"] = by_frame(figures[name], seed, within)
    moves = moving(rollouts)
    found["moving"] = {"clips": int(moves.sum())}
    for name in ("psnr", "copy_last"):
        found["moving"][name] = means(by_frame(figures[name][moves], seed))
    return found


def moving(rollouts: Rollouts) -> Bool[Tensor, " clips"]:
    """Which clips move: their pictures change by more than noise and small ornaments do."""
    video = torch.cat([rollouts.prompt[:, -1:], rollouts.truth], dim=1).float()
    change = (video[:, 1:] - video[:, :-1]).square().flatten(1).mean(dim=1)
    return change > MOVES


def _measure(context: Context) -> Measured:
    rollouts = context.rollouts
    made, truth = rollouts.inferred, rollouts.truth
    paired = paired_frames("rollout PSNR", psnr(made, truth), PSNR_BOUNDS)
    paired |= paired_frames("rollout SSIM", ssim(made, truth), SSIM_BOUNDS)
    videos = {"true": truth, "generated": made, "random": rollouts.random}
    return Measured(
        {"rollout": score_rollouts(rollouts, context.seed)},
        paired,
        {"rollouts.png": rollout_grid(rollouts)},
        {"clips": clip_films(rollouts.prompt, videos, context.world.fps)},
    )


def _tile(report: Report) -> Iterator[Tile]:
    rollout, k = report["rollout"], headline(frame_numbers(report))
    yield Tile(
        f"PSNR, frame {k}",
        number(rollout["psnr"][k]),
        "dB",
        band(rollout["psnr_interval"][k]),
        f"Generated against true frame. Showing the prompt's last frame for ever gives "
        f"{number(rollout['copy_last'][k])} dB.",
    )


FRAME_QUALITY = Metric("PSNR", _measure, charts=(PSNR, IN_VIEW, SSIM), tiles=_tile)
