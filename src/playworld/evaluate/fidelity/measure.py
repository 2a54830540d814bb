"""How far generated clips are from real ones, beside a floor and two controls."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from playworld.evaluate.fidelity.embeddings import Embedding
from playworld.evaluate.fidelity.frechet import frechet_difference, frechet_interval
from playworld.evaluate.intervals import change
from playworld.evaluate.rollouts import Rollouts

ENOUGH = 16
"""Clips that a sure difference takes; of 8, equal worlds differ too often."""
KINDS = ("world", "real", "copy_last", "time_shuffled")
"""What is held against real clips: generated, the same clips as they really went on, a frozen
picture, and the real frames in a random order."""


@dataclass(frozen=True)
class Embedded:
    """Clips as points; the same clips in each but `others`."""

    kinds: dict[str, Float[Tensor, "clips F"]]
    others: Float[Tensor, "others F"]
    """Real clips that were not played."""

    def change(self, baseline: "Embedded", seed: int = 0) -> dict[str, Any] | None:
        """Difference of the distances from the same real clips; None for a single clip."""
        real = baseline.kinds["real"]
        if len(real) < 2:
            return None
        band = frechet_difference(self.kinds["world"], baseline.kinds["world"], real, seed)
        return change(band, len(real), ENOUGH)


def embed_all(
    rollouts: Rollouts,
    others: UInt8[Tensor, "others K H W C"],
    embedding: Embedding,
    seed: int = 0,
) -> Embedded:
    """The points of everything that is compared; frames of the prompt are left out."""
    videos = {
        "world": rollouts.inferred,
        "real": rollouts.truth,
        "copy_last": rollouts.prompt[:, -1:].expand_as(rollouts.truth),
        "time_shuffled": shuffle_time(rollouts.truth, seed),
    }
    points = {kind: embedding(videos[kind]) for kind in KINDS}
    empty = points["real"][:0]
    return Embedded(points, embedding(others) if len(others) else empty)


def shuffle_time(video: UInt8[Tensor, "B T H W C"], seed: int = 0) -> UInt8[Tensor, "B T H W C"]:
    """Every clip's frames in a random order of its own."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.rand(video.shape[:2], generator=generator).argsort(dim=1)
    return video[torch.arange(len(video))[:, None], order]


def score_distance(embedded: Embedded, embedding: Embedding, seed: int = 0) -> dict[str, Any]:
    """One distance for the report: against the same clips as they really went on, and others.

    `same` is what papers print: generated clips against the true continuations of their own
    prompts. They share the prompts' content, so a bad world can score below the distance between
    two sets of real clips. `other` holds everything against real clips that were not played: there
    the real continuations are the floor.
    """
    real, others = embedded.kinds["real"], embedded.others
    same = other = None
    if len(real) >= 2:
        same = {
            kind: frechet_interval(embedded.kinds[kind], real, True, seed)
            for kind in KINDS
            if kind != "real"
        }
    if len(real) >= 2 and len(others) >= 2:
        other = {
            kind: frechet_interval(embedded.kinds[kind], others, False, seed) for kind in KINDS
        }
    return {
        "name": embedding.name,
        "embedding": embedding.origin,
        "clips": len(real),
        "other_clips": len(others),
        "same": same,
        "other": other,
    }
