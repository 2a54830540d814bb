"""Pictures, films and numbers clip by clip that stand behind the figures of a report."""

import math
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from playworld.evaluate.buttons import player_shifts
from playworld.evaluate.control.action_controls import control_gaps
from playworld.evaluate.control.controllability import TransitionLabels, resampled_codes
from playworld.evaluate.control.directions import goes
from playworld.evaluate.fidelity.measure import Embedded
from playworld.evaluate.generate import Generated
from playworld.evaluate.image_stats import RealImageStats
from playworld.evaluate.longplay import LongPlay
from playworld.evaluate.metrics import psnr, ssim
from playworld.evaluate.pictures import Grid, button_grid, long_grid, return_grid, rollout_grid
from playworld.evaluate.report import Artifacts, SideBySide
from playworld.evaluate.rollouts import Rollouts
from playworld.world import World

FILMS, LONG_FILMS = 6, 3
"""Clips, and rollouts of long play, that are shown as films."""


def collect_artifacts(
    world: World,
    figures: dict[str, Any],
    generated: Generated,
    transitions: TransitionLabels,
    real_stats: RealImageStats,
    embedded: dict[str, Embedded],
    lpips: Float[Tensor, "clips frames"] | None,
) -> Artifacts:
    """Pictures, films and values by clip of one evaluation."""
    rollouts = generated.clips.rollouts
    return Artifacts(
        grids=_grids(figures, generated),
        films=_films(rollouts, generated.long, world.fps),
        samples=_samples(figures, generated, real_stats, lpips),
        resampled=resampled_codes(
            transitions,
            generated.clips.actions,
            world.num_actions,
            figures["control"]["information"],
            figures["settings"]["seed"],
        ),
        embedded=embedded,
        rollouts=rollouts.first(FILMS),
    )


def clip_films(prompt: Tensor, videos: dict[str, Tensor], fps: float) -> list[SideBySide]:
    """Each clip's videos side by side, after the prompt that they share."""
    return [
        SideBySide({name: torch.cat([prompt[row], v[row]]) for name, v in videos.items()}, fps)
        for row in range(min(FILMS, len(prompt)))
    ]


def _grids(figures: dict[str, Any], generated: Generated) -> dict[str, Grid]:
    buttons = figures["control"]["buttons"]
    stored, labels = ([button[key] for button in buttons] for key in ("label", "does"))
    grids = {
        "rollouts.png": rollout_grid(generated.clips.rollouts),
        "actions.png": button_grid(generated.pressed, stored),
    }
    if generated.trips:
        far = max(generated.trips, key=lambda trip: trip.presses)
        names = labels[far.button], labels[far.opposite]
        grids["returns.png"] = return_grid(far.video, *names)
    for name, part in generated.long.items():
        grids[f"long-{name}.png"] = long_grid(part.video)
    return {name: _copied(grid) for name, grid in grids.items()}


def _copied(grid: Grid) -> Grid:
    """The grid with frames of its own: views would keep all that was played in memory."""
    return replace(grid, rows=[[frame.clone() for frame in row] for row in grid.rows])


def _films(
    rollouts: Rollouts, long: dict[str, LongPlay], fps: float
) -> dict[str, list[SideBySide]]:
    videos = {"true": rollouts.truth, "generated": rollouts.inferred}
    films = {"clips": clip_films(rollouts.prompt, videos | {"random": rollouts.random}, fps)}
    for name, part in long.items():
        rows = enumerate(part.video[:LONG_FILMS])
        films[f"long-{name}"] = [
            SideBySide({f"rollout {row + 1}": video.clone()}, fps) for row, video in rows
        ]
    return films


def _samples(
    figures: dict[str, Any],
    generated: Generated,
    real_stats: RealImageStats,
    lpips: Float[Tensor, "clips frames"] | None,
) -> dict[str, Float[Tensor, " units"]]:
    """By names that stand in the table of a comparison."""
    clips, camera = generated.clips, figures["settings"]["camera"]
    rollouts = clips.rollouts
    right = psnr(rollouts.inferred, rollouts.truth)
    frames = {
        "rollout PSNR": right,
        "rollout SSIM": ssim(rollouts.inferred, rollouts.truth),
        "delta PSNR": right - psnr(rollouts.random, rollouts.truth),
    }
    controls = control_gaps(rollouts, generated.controls)
    frames |= {f"delta PSNR against {control} actions": gap for control, gap in controls.items()}
    if lpips is not None:
        frames["LPIPS"] = lpips
    found = {
        "tokenizer PSNR": clips.psnr.mean(dim=1),
        "tokenizer SSIM": clips.ssim.mean(dim=1),
    }
    for name, values in frames.items():
        found |= {f"{name}, frame {k + 1}": values[:, k] for k in range(values.shape[1])}
    shifts = player_shifts(generated.pressed, camera)
    for direction, row in figures["control"]["directions"].items():
        found[f"{direction} works"] = goes(shifts[row["button"]], direction).float()
    for row in figures["control"]["returns"]:
        came = [math.nan if home is None else float(home) for home in row["home"]]
        found[f"{row['way']} returns"] = torch.tensor(came)
    for name, part in generated.long.items():
        real = [real_stats.in_range(video).float().mean() for video in part.video]
        found[f"long play, {name} moves: frames that look real"] = torch.stack(real)
    return found
