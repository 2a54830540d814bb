"""A world's own prompts: from how many it answers its buttons."""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from playworld.evaluate.buttons import PRESSES, player_shifts, press_each
from playworld.evaluate.context import Context
from playworld.evaluate.image_quality import psnr
from playworld.evaluate.metric import Measured, Metric, Report, Row
from playworld.evaluate.movement import HALF_PIXEL, Camera
from playworld.world import SamplerConfig, World

ANSWERED = 25.0
"""A prompt is answered where the two buttons that differ most end in pictures below this PSNR, dB.
The noise is the same for all buttons: a world that ignores them ends in one picture."""


def measure_prompts(
    world: World,
    sides: dict[str, int],
    presses: int,
    seed: int = 0,
    camera: Camera = "follows",
    sampler: SamplerConfig | None = None,
) -> dict[str, Any] | None:
    """For each prompt how far apart the buttons lead, and whether right goes to the right of left.

    `sides` maps "left" and "right" to their buttons. None where the world has no prompts.
    """
    prompts = world.prompts()
    if not prompts:
        return None
    pictures = torch.stack([picture[None] for _, picture in prompts])
    pressed = press_each(world, pictures, presses, seed, sampler)
    shifts = player_shifts(pressed, camera)[..., 0]
    apart = shifts[sides["right"]] - shifts[sides["left"]] >= 2 * HALF_PIXEL
    rows = {}
    for number, (name, _) in enumerate(prompts):
        furthest = furthest_apart(pressed[:, number, -1])
        rows[name] = {
            "furthest_psnr": furthest,
            "answers": furthest < ANSWERED,
            "sides_apart": bool(apart[number]),
        }
    return {
        "prompts": len(rows),
        "answer": sum(row["answers"] for row in rows.values()),
        "sides_apart": sum(row["sides_apart"] for row in rows.values()),
        "by_name": rows,
    }


def furthest_apart(pictures: UInt8[Tensor, "N H W C"]) -> float:
    """PSNR between the two of these pictures that differ most, dB."""
    one, other = torch.combinations(torch.arange(len(pictures)), 2).unbind(dim=1)
    return psnr(pictures[one][:, None], pictures[other][:, None]).min().item()


def _measure(context: Context) -> Measured:
    """None for a world without prompts."""
    found = measure_prompts(
        context.world, context.sides, PRESSES, context.seed, context.camera, context.sampler
    )
    return Measured({"prompts": found})


def _rows(report: Report) -> Iterator[Row]:
    if (found := report["prompts"]) is not None:
        yield Row(
            "its own prompts",
            f"{found['answer']} of {found['prompts']} answer their buttons; "
            f"right goes to the right of left in {found['sides_apart']}",
        )


PROMPTS = Metric("its own prompts", _measure, rows=_rows)
