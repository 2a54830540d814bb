"""Sharpness of generated frames beside that of true ones: lower is blur, higher is noise."""

from typing import Any

from playworld.evaluate.context import Context
from playworld.evaluate.image_stats import sharpness
from playworld.evaluate.intervals import by_frame, means
from playworld.evaluate.metric import Measured, Metric
from playworld.evaluate.page.frames import Chart, Line
from playworld.evaluate.rollouts import Rollouts

CHART = Chart(
    "Sharpness (variance of the Laplacian)",
    (
        Line(("rollout", "sharpness"), "generated"),
        Line(("rollout", "true_sharpness"), "true video", faint=True, same=True),
    ),
)


def score_sharpness(rollouts: Rollouts, seed: int = 0) -> dict[str, Any]:
    """Means over clips by frame number."""
    videos = {"sharpness": rollouts.inferred, "true_sharpness": rollouts.truth}
    return {name: means(by_frame(sharpness(video), seed)) for name, video in videos.items()}


def _measure(context: Context) -> Measured:
    return Measured({"rollout": score_sharpness(context.rollouts, context.seed)})


SHARPNESS = Metric("sharpness", _measure, charts=(CHART,))
