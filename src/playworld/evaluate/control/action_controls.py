"""Actions that are wrong in a known way: other clips' actions, and the right ones a frame late."""

from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from playworld.evaluate.metrics import PSNR_BOUNDS, by_frame, gap_of, psnr
from playworld.evaluate.rollouts import Rollouts


def control_actions(
    actions: Int[Tensor, "clips S"], horizon: int
) -> dict[str, Int[Tensor, "clips K"]]:
    """Actions for the `horizon` generated frames, by control.

    "shuffled" gives every clip the actions of its neighbour: as common and as smooth as the right
    ones, which random actions are not. "shifted" gives the right ones one frame late; a world whose
    actions are off by one would like them better than the right ones.
    """
    right = actions[:, -horizon:]
    before = actions[:, -horizon - 1 :][:, :1]  # of a prompt of one frame: the first one again
    return {
        "shuffled": right.roll(1, dims=0),
        "shifted": torch.cat([before, right[:, :-1]], dim=1),
    }


def control_gaps(
    rollouts: Rollouts, controls: dict[str, UInt8[Tensor, "some K H W C"]]
) -> dict[str, Float[Tensor, "some K"]]:
    """By how many dB the right actions predict better than those of each control, per frame."""
    gaps = {}
    for control, video in controls.items():
        truth, right = rollouts.truth[: len(video)], rollouts.inferred[: len(video)]
        gaps[control] = psnr(right, truth) - psnr(video, truth)
    return gaps


def score_action_controls(
    rollouts: Rollouts, controls: dict[str, UInt8[Tensor, "some K H W C"]], seed: int = 0
) -> dict[str, Any] | None:
    """Delta PSNR against each control by frame number, like that against random actions."""
    if not controls:
        return None
    clips = len(next(iter(controls.values())))
    gaps = control_gaps(rollouts, controls)
    return {"clips": clips} | {
        control: by_frame(gap, seed, gap_of(PSNR_BOUNDS)) for control, gap in gaps.items()
    }
