"""Whether the mirrored video has the mirrored code, as a button for left mirrors one for right."""

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from playworld.evaluate.control.directions import infer_codes
from playworld.evaluate.heldout import HeldOut
from playworld.evaluate.intervals import interval
from playworld.world import World


@torch.inference_mode()
def measure_mirror(
    world: World, held: HeldOut, codes: Int[Tensor, "clips S"], seed: int
) -> dict[str, Any] | None:
    """The report's `mirror`; None for a single clip.

    Which code mirrors which is taken from one half of the clips and tried on the other.
    """
    if len(codes) < 2:
        return None
    flipped = infer_codes(world, held.video.flip(3))
    agree = mirror_agreement(codes, flipped, world.num_actions)
    band = interval(agree, seed, (0.0, 1.0))
    return {"agreement": band["mean"], "interval": band, "clips": len(codes)}


def mirror_agreement(
    codes: Int[Tensor, "clips S"], flipped: Int[Tensor, "clips S"], num_codes: int
) -> Tensor:
    """For each clip the share of its transitions whose mirrored code is the expected one."""
    even = torch.arange(len(codes)) % 2 == 0
    agree = torch.zeros(len(codes))
    for learned, tried in ((even, ~even), (~even, even)):
        pairs = codes[learned] * num_codes + flipped[learned]
        table = torch.bincount(pairs.flatten(), minlength=num_codes**2)
        partner = table.view(num_codes, num_codes).argmax(dim=1)
        agree[tried] = (partner[codes[tried]] == flipped[tried]).float().mean(dim=1)
    return agree
