"""LPIPS of generated frames: how different they look from the true ones to a network."""

from typing import Any

from jaxtyping import Float
from torch import Tensor

from playworld.evaluate.context import Context
from playworld.evaluate.fidelity.perceptual import LPIPS as Network
from playworld.evaluate.intervals import NOT_NEGATIVE, by_frame, means, paired_frames
from playworld.evaluate.metric import Measured, Metric
from playworld.evaluate.page.frames import Chart, Line
from playworld.evaluate.rollouts import Rollouts

CHART = Chart(
    "LPIPS",
    (
        Line(("rollout", "lpips"), "generated", "LPIPS", 3, paired="LPIPS"),
        Line(
            ("rollout", "copy_last_lpips"),
            "copy of the last frame",
            "copy last LPIPS",
            3,
            faint=True,
        ),
    ),
)


def score_lpips(
    rollouts: Rollouts, lpips: Network, seed: int = 0
) -> tuple[dict[str, Any], Float[Tensor, "clips K"]]:
    """LPIPS by frame number, beside copying the prompt's last frame; and that of every clip."""
    copy = rollouts.prompt[:, -1:].expand_as(rollouts.truth)
    distances = lpips(rollouts.inferred, rollouts.truth)
    bands = by_frame(distances, seed, NOT_NEGATIVE)
    figures = {
        "lpips": means(bands),
        "lpips_interval": bands,
        "copy_last_lpips": means(by_frame(lpips(copy, rollouts.truth), seed, NOT_NEGATIVE)),
        "lpips_sha256": lpips.sha256,
    }
    return figures, distances


def _measure(context: Context) -> Measured:
    """Nothing without the file of the network."""
    if context.networks.lpips is None:
        return Measured({})
    figures, distances = score_lpips(context.rollouts, context.networks.lpips, context.seed)
    return Measured({"rollout": figures}, paired_frames("LPIPS", distances, NOT_NEGATIVE))


LPIPS = Metric("LPIPS", _measure, charts=(CHART,))
